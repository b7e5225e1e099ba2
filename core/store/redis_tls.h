/*
 * TLS to Redis over a socket of redis_socket: 1.2 or later, the server's certificate and name always checked against a CA
 * that is named, never against those that the system trusts. The only user of libssl for Redis; what it waits for it waits
 * for through redis_socket, under the caller's absolute deadline (clock_mono_ms), the handshake included.
 */
#ifndef CORE_STORE_REDIS_TLS_H
#define CORE_STORE_REDIS_TLS_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct redis_tls;      /* whom to trust, who we are; shared by many connections, any thread */
struct redis_tls_link; /* one connection; one thread at a time */

struct redis_tls_options {
	const char *ca_file;   /* PEM, one CA or more */
	const char *cert_file; /* PEM, ours with its chain; NULL or "": none */
	const char *key_file;  /* PEM, not encrypted; NULL or "": in cert_file */
	const char *
		server_name; /* DNS name or address in the certificate; NULL or "": what is connected to */
};

/* Reads the files, so before a sandbox. E_CONFIG with a sentence, E_NOMEM. */
int redis_tls_open(const struct redis_tls_options *o, struct redis_tls **ret,
		   struct errmsg *em) MUST_CHECK;
/* One more owner of the same; NULL gives NULL. */
struct redis_tls *redis_tls_share(struct redis_tls *t);
void redis_tls_close(struct redis_tls *t); /* of this owner */

/* Handshake on a connected socket, which stays the caller's. host: what was connected to. E_TIMEOUT, E_UNAVAIL when the
 * peer went away; E_UNAVAIL, too, with a sentence in em, when it is not to be trusted or does not speak TLS. */
int redis_tls_connect(struct redis_tls *t, int fd, const char *host, int64_t deadline,
		      struct redis_tls_link **ret, struct errmsg *em) MUST_CHECK;
void redis_tls_end(struct redis_tls_link *l); /* NULL is allowed; says no goodbye */

/* As redis_socket_send and _recv; E_INTERNAL for what is no TLS. */
int redis_tls_send(struct redis_tls_link *l, const void *p, size_t n, int64_t deadline) MUST_CHECK;
int redis_tls_recv(struct redis_tls_link *l, void *p, size_t size, int64_t deadline,
		   size_t *ret_n) MUST_CHECK;

/* Takes in what an idle connection holds, session tickets for instance. E_OK when nothing of it was for us, so that the
 * connection is good; E_UNAVAIL otherwise. Does not block. */
int redis_tls_settle(struct redis_tls_link *l) MUST_CHECK;

#endif
