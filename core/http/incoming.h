/* A request from its parts to what handlers see: what a header may say, URI, query, cookies and form. */
#ifndef CORE_HTTP_INCOMING_H
#define CORE_HTTP_INCOMING_H

#include "core/http/router.h"

#define INCOMING_URI_MAX (32 * 1024)
#define INCOMING_PAIRS_MAX 64

struct incoming {
	struct http_request req; /* method, client and tls are the caller's to fill */
	struct buf body;         /* as far as it has arrived */
	size_t max_body;
	bool raw_body; /* never read as a form */
	bool too_many_headers;
	uint64_t declared; /* Content-Length, once checked */
	char *uri;         /* as it came; ends up decoded */
	char *target;      /* its path, not decoded */
	size_t n_uri;
	size_t n_headers;
	struct http_pair headers[INCOMING_PAIRS_MAX], query[INCOMING_PAIRS_MAX],
		cookies[INCOMING_PAIRS_MAX], form[INCOMING_PAIRS_MAX];
	char *storage[3]; /* of query, cookies, form */
	size_t n_storage[3];
};

/* A URI that is too long, or no memory for it, shows in incoming_check. */
void incoming_init(struct incoming *x, const char *uri, size_t max_body, bool raw_body);

/* Name and value stay the caller's. False when there are too many. */
bool incoming_header(struct incoming *x, const char *name, const char *value, size_t n);

/* What of the headers decides before the body is read: 0 to go on, else a status. Two lengths, or a
 * length and a transfer coding, are how requests are smuggled past a proxy (RFC 9112 section 11.2). */
unsigned incoming_check(struct incoming *x);

/* Fills req, once the body is whole. 0, or the status of a request that is not well-formed. */
unsigned incoming_decode(struct incoming *x);

/* Passwords and challenges come in by form, query and cookie: all is wiped. */
void incoming_free(struct incoming *x);

#endif
