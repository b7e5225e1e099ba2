/*
 * Requests, replies and the table of routes. Pure: knows no socket.
 *
 * Patterns are literal segments and ":name" segments that match one non-empty segment; a last
 * segment "*" matches any rest, also an empty one. Paths with "..", "//" or undecodable bytes match nothing.
 *
 * A last segment "**" takes the rest of the path as it came, not decoded and with any slashes (base64 in
 * the path, RFC 6960 appendix A.1): the handler decodes it.
 */
#ifndef CORE_HTTP_ROUTER_H
#define CORE_HTTP_ROUTER_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>

#define HTTP_PARAMS_MAX 4
#define HTTP_HEADERS_MAX 16

struct http_pair {
	const char *name;
	const char *value;
	size_t n; /* bytes in value (may hold NUL after decoding; such fields are refused by http_form) */
};

struct http_request {
	const char *method; /* upper case */
	const char *path;   /* percent-decoded, begins with '/' */
	const char
		*target; /* the same as it came, not decoded; NULL: none. For patterns with "**" */
	const char *client; /* numeric address of the peer, text */
	bool tls;
	struct bytes body;
	const struct http_pair *query;
	size_t n_query; /* '+' already turned into ' ' */
	const struct http_pair *headers;
	size_t n_headers;
	const struct http_pair *cookies;
	size_t n_cookies;
	const struct http_pair *form;
	size_t n_form; /* application/x-www-form-urlencoded bodies */
	const char
		*params[HTTP_PARAMS_MAX]; /* what the ":name" segments and "*" matched, in order */
};

struct http_response {
	unsigned status;          /* starts as 500 */
	const char *content_type; /* static string; sent exactly so, no charset is added */
	struct buf body;          /* freed by the server */
	struct {
		const char *name;
		char value[1024];
	} headers[HTTP_HEADERS_MAX]; /* name is static */
	size_t n_headers;
};

/* First value by name, or NULL. Header names compare without case. */
const char *http_query(const struct http_request *r, const char *name);
const char *http_header(const struct http_request *r, const char *name);
const char *http_cookie(const struct http_request *r, const char *name);
const char *http_form(const struct http_request *r, const char *name);

/* Adds a header; drops the call (returns E_FORMAT) when the value holds CR, LF or does not fit. */
int http_set_header(struct http_response *r, const char *name, const char *value) MUST_CHECK;
/* text/plain reply in one go. */
void http_text(struct http_response *r, unsigned status, const char *text);

typedef void (*http_handler)(void *ctx, const struct http_request *req, struct http_response *res);

struct http_route {
	const char *method; /* "GET" serves HEAD too */
	const char *pattern;
	http_handler handler;
};

/* Finds the route (table ends with method NULL). Returns NULL and *ret_status 404 or 405 if none.
 * Fills req->params (pointing into storage of size bytes given by the caller). */
const struct http_route *http_match(const struct http_route *table, struct http_request *req,
				    char *storage, size_t size, unsigned *ret_status);

/* Value of the Allow header (RFC 9110 section 10.2.1) for a path: "GET, HEAD, POST"; "" when no pattern
 * matches. */
void http_allow(const struct http_route *table, const char *path, char *dst, size_t size);

#endif
