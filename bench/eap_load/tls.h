/*
 * The TLS client of one session, over memory (OpenSSL): bytes in, bytes out, never a socket.
 */
#ifndef BENCH_EAP_LOAD_TLS_H
#define BENCH_EAP_LOAD_TLS_H

#include "bench/eap_load/identity.h"
#include "core/base/buf.h"

enum { TLS_MSK_SIZE = 64, TLS_WHY_SIZE = 96 };

struct tls_settings {
	const char *ca_file;     /* PEM; NULL with insecure */
	const char *server_name; /* that the server's certificate must carry; NULL: any */
	const char *groups;      /* such as "P-256:X25519"; NULL: OpenSSL's choice */
	int version;             /* TLS1_2_VERSION, TLS1_3_VERSION, 0: either */
	bool insecure;           /* any server will do */
	bool resume;
};

struct tls {
	SSL *ssl;
	struct identity *id;    /* borrowed */
	BIO *in, *out;          /* belong to ssl */
	char why[TLS_WHY_SIZE]; /* the alert, when one was sent or received */
	bool done, failed;
	bool committed; /* TLS 1.3: the server has said that it is content (RFC 9190 section 2.1.1) */
};

/* A context for all sessions; the caller frees with SSL_CTX_free. E_CONFIG, E_NOMEM. */
int tls_context(const struct tls_settings *s, SSL_CTX **ret, struct errmsg *em) MUST_CHECK;

/* id is borrowed and gets the session for resumption when that is on. `t` must stay where it is. */
int tls_open(struct tls *t, SSL_CTX *ctx, struct identity *id) MUST_CHECK;
void tls_close(struct tls *t);

/* Gives it a message of the server (empty at the start) and appends what is to be sent to out. Then t->done or
 * t->failed may be set; t->why is "" when it failed without an alert. */
void tls_step(struct tls *t, struct bytes in, struct buf *out);

/* RFC 5216 section 2.3, RFC 9190 section 2.3: the keys that the access point gets from the server. */
int tls_msk(struct tls *t, uint8_t msk[TLS_MSK_SIZE]) MUST_CHECK;

#endif
