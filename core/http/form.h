/*
 * Names and values out of hostile text: percent-encoding, query strings, urlencoded bodies, cookies.
 * Pure. Nothing is allocated: results point into storage given by the caller.
 */
#ifndef CORE_HTTP_FORM_H
#define CORE_HTTP_FORM_H

#include "core/http/router.h"

/* Decodes %XX (and '+' as space when plus is set) into dst, which has room for n+1 bytes, and ends it
 * with NUL. E_FORMAT for a broken escape. dst may be src. */
int http_unescape(char *dst, const char *src, size_t n, bool plus, size_t *ret_n) MUST_CHECK;

/* Storage that http_form_parse and http_cookie_parse need for a text of n bytes and max pairs. */
#define HTTP_PAIRS_STORAGE(n, max) ((n) + 2 * (max) + 2)

/*
 * "a=1&b=2" of a query string or an application/x-www-form-urlencoded body. Empty parts between '&'
 * are skipped, a part without '=' is a name with an empty value. E_FORMAT for a broken escape or
 * more than max pairs; E_TOOBIG when storage is too small.
 */
int http_form_parse(struct bytes text, char *storage, size_t size, struct http_pair *pairs,
		    size_t max, size_t *ret_n) MUST_CHECK;

/* "a=1; b=2" of a Cookie header (RFC 6265 section 4.2.1), values as they stand, without quotes around
 * them. Parts that are no cookie are left out, as are those beyond max. */
int http_cookie_parse(const char *header, char *storage, size_t size, struct http_pair *pairs,
		      size_t max, size_t *ret_n) MUST_CHECK;

#endif
