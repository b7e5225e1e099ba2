/* SHA-1, SHA-256 and HMAC-SHA256 by libcrypto. Nothing blocks. */
#ifndef CORE_PKI_DIGEST_H
#define CORE_PKI_DIGEST_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/model/limits.h"

int digest_sha1(struct bytes in, uint8_t out[20]) MUST_CHECK;
int digest_sha256(struct bytes in, uint8_t out[32]) MUST_CHECK;
int digest_sha256_hex(struct bytes in, char out[HASH_SIZE]) MUST_CHECK;
int digest_hmac_sha256(struct bytes key, struct bytes in, uint8_t out[32]) MUST_CHECK;

#endif
