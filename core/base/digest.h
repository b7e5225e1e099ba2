/* SHA-1, SHA-256, HMAC-SHA256, and for RADIUS MD5 and HMAC-MD5, by libcrypto. Nothing blocks. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include "core/base/bytes.h"
#include "core/base/err.h"

enum {
	DIGEST_SIZE = 32,    /* of a SHA-256 */
	DIGEST_HEX_SIZE = 65 /* the same in lower-case hex, with the NUL */
};

int digest_sha1(struct bytes in, uint8_t out[20]) MUST_CHECK;
int digest_sha256(struct bytes in, uint8_t out[DIGEST_SIZE]) MUST_CHECK;
int digest_sha256_parts(const struct bytes *parts, size_t n, uint8_t out[DIGEST_SIZE]) MUST_CHECK;
int digest_sha256_hex(struct bytes in, char out[DIGEST_HEX_SIZE]) MUST_CHECK;
int digest_hmac_sha256(struct bytes key, struct bytes in, uint8_t out[DIGEST_SIZE]) MUST_CHECK;
int digest_md5_parts(const struct bytes *parts, size_t n, uint8_t out[16]) MUST_CHECK;
int digest_hmac_md5(struct bytes key, struct bytes in, uint8_t out[16]) MUST_CHECK;

#endif
