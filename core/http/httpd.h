/*
 * HTTP(S) server over libmicrohttpd, the only file that includes it.
 *
 * Limits that always hold: max_body, header memory, connections in all and per address, idle
 * timeout, and a total deadline per request that a trickling client cannot stretch. Handlers run on
 * `threads` threads at once. HTTP/1.0 and a missing Host are served (Cisco, strongSwan).
 */
#ifndef CORE_HTTP_HTTPD_H
#define CORE_HTTP_HTTPD_H

#include "core/base/err.h"
#include "core/http/router.h"

struct httpd_options {
	const char *listen;      /* "127.0.0.1:8080", "[::1]:8443", port 0: any free one */
	const char *tls_cert;    /* PEM chain file, NULL for plain HTTP */
	const char *tls_key;
	unsigned threads;        /* 0: one per core */
	size_t max_body;         /* bytes; more gives 413 */
	unsigned max_connections;
	unsigned max_per_address;
	unsigned deadline_ms;    /* for one request to arrive whole */
	const struct http_route *routes;
	void *ctx;
	/* Called with ctx once the port is bound and TLS keys are read, before the first thread starts: the
	 * place to enter the sandbox, which only confines threads started after it. May be NULL. */
	int (*confine)(void *ctx, struct errmsg *em);
	/* Called after each handler, for security headers and access log; may be NULL. */
	void (*after)(void *ctx, const struct http_request *req, struct http_response *res);
};

struct httpd;

/* E_CONFIG for a bad address or certificate, E_IO (port in use) with how to mend it in em. */
int httpd_start(const struct httpd_options *o, struct httpd **ret, struct errmsg *em) MUST_CHECK;
unsigned httpd_port(const struct httpd *h);
/* Waits for requests in flight, then frees. */
void httpd_stop(struct httpd *h);

#endif
