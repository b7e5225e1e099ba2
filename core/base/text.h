/* Text helpers without allocation: encodings, bounded copy, constant-time compare. Pure. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

/* Copies with termination; E_TOOBIG (dst becomes "") when src does not fit into size bytes. */
int text_copy(char *dst, size_t size, const char *src) MUST_CHECK;

/* Lower-case hex; dst needs 2*n+1 bytes. */
void text_hex(char *dst, const void *p, size_t n);
void text_hex_upper(char *dst, const void *p, size_t n);

/* Reads exactly n bytes from 2*n hex digits of either case; E_FORMAT otherwise. */
int text_unhex(void *dst, size_t n, const char *hex) MUST_CHECK;

/* RFC 4648 base64 without line breaks, appended to out. */
void text_base64(struct buf *out, struct bytes in);

/* The same back, in no other spelling: E_FORMAT. */
int text_unbase64(struct buf *out, const char *in, size_t n) MUST_CHECK;

/*
 * Reads what SCEP clients send (RFC 8894 section 4.1 and its misreadings): standard or URL-safe
 * alphabet, with or without padding, white space anywhere, space where '+' was meant.
 * E_FORMAT for any other character or length.
 */
int text_unbase64_lenient(struct buf *out, const char *in, size_t n) MUST_CHECK;

/* RFC 4648 section 5 without padding, strict, both ways. */
void text_base64url(struct buf *out, struct bytes in);
int text_unbase64url(struct buf *out, const char *in, size_t n) MUST_CHECK;

/* True when equal; the time depends on the length only. */
bool text_ct_equal(const void *a, const void *b, size_t n);

/* True when s is 1..max bytes of valid UTF-8 without control characters (U+0000-1F, 7F-9F). */
bool text_is_plain(const char *s, size_t max);

/* True when s is 1..max characters of [A-Za-z0-9._@-] and starts with a letter or digit. */
bool text_is_name(const char *s, size_t max);

/* Decimal int64 without sign noise or trailing characters. */
int text_int64(const char *s, int64_t *ret) MUST_CHECK;

/* Bytes of the UTF-8 character that s[0..n) begins with; 0 when it is none (RFC 3629: overlong forms,
 * surrogates and values above U+10FFFF are none). */
size_t text_utf8_len(const char *s, size_t n);

/* Overwrites memory so that the compiler cannot leave it out. */
void text_wipe(void *p, size_t n);

#endif
