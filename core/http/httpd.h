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
	const char *listen; /* "127.0.0.1:8080", "[::1]:8443", port 0: any free one */
	int listener; /* instead of it a socket of listen_open, which stays the caller's; 0: none */
	const char *tls_cert; /* PEM chain file, NULL for plain HTTP */
	const char *tls_key;
	unsigned threads; /* 0: one per core */
	size_t max_body;  /* bytes; more gives 413 */
	bool raw_bodies;  /* never read a body as a form, whatever its Content-Type says */
	unsigned max_connections;
	unsigned max_per_address; /* an IPv4 address or an IPv6 /64; 0: no limit */
	unsigned deadline_ms;     /* for one request to arrive whole; 0: 10 s */
	const struct http_route *routes;
	void *ctx;
	/* Called before each handler, and before the server answers by itself; on the thread of both. May be NULL. */
	void (*before)(void *ctx, const struct http_request *req, struct http_response *res);
	/* Called after each handler and after the server's own 400, 404, 405, 413, 414 and 431, for
	 * security headers and access log; may be NULL. */
	void (*after)(void *ctx, const struct http_request *req, struct http_response *res);
};

struct httpd;

/*
 * Binds the socket and reads certificate and key: what may need root. Starts no thread, so that
 * sandbox_enter comes between httpd_open and httpd_run, before the first hostile byte.
 * E_CONFIG for a bad address or certificate, E_IO (port in use) with how to mend it in em.
 */
int httpd_open(const struct httpd_options *o, struct httpd **ret, struct errmsg *em) MUST_CHECK;

/* Starts the threads. E_CONFIG when certificate and key do not fit. httpd_stop frees in any case. */
int httpd_run(struct httpd *h, struct errmsg *em) MUST_CHECK;

/*
 * Reads certificate and key anew, after httpd_run: who connects from now on gets them, connections under
 * way end with what they have. When they cannot be read or do not fit each other, the error says so and all
 * stays as it was. Not from two threads at once. Without TLS nothing is to be done.
 */
int httpd_reload(struct httpd *h, struct errmsg *em) MUST_CHECK;

/* Both in one, for programs that stay outside the sandbox (tests). */
int httpd_start(const struct httpd_options *o, struct httpd **ret, struct errmsg *em) MUST_CHECK;
unsigned httpd_port(const struct httpd *h);
/* Takes no more connections, waits for requests in flight (deadline_ms at most) and a moment for those
 * of connections that it has just taken, then frees. */
void httpd_stop(struct httpd *h);

#endif
