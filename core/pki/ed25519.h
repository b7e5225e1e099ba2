/* Ed25519 (RFC 8032) with raw keys. Keys are loaded, saved and freed as others are (key.h). */
#ifndef CORE_PKI_ED25519_H
#define CORE_PKI_ED25519_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <openssl/evp.h>

enum { ED25519_PUBLIC_SIZE = 32, ED25519_SIGNATURE_SIZE = 64 };

int ed25519_generate(EVP_PKEY **ret) MUST_CHECK;

/* E_FORMAT: a key of another kind. */
int ed25519_public(EVP_PKEY *key, uint8_t out[ED25519_PUBLIC_SIZE]) MUST_CHECK;

/* key is an EVP_PKEY; it is void so that the function can be handed to who knows no libcrypto. */
int ed25519_sign(void *key, struct bytes in, uint8_t out[ED25519_SIGNATURE_SIZE]) MUST_CHECK;

/* E_DENIED: not signed so by this key. */
int ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], struct bytes in,
		   const uint8_t signature[ED25519_SIGNATURE_SIZE]) MUST_CHECK;

#endif
