#include "core/pki/ed25519.h"

#include <openssl/err.h>

#include <stdbool.h>
#include <string.h>

int ed25519_generate(EVP_PKEY **ret)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");

	if (!key) {
		ERR_clear_error();
		return E_CRYPTO;
	}
	*ret = key;
	return E_OK;
}

int ed25519_public(EVP_PKEY *key, uint8_t out[ED25519_PUBLIC_SIZE])
{
	uint8_t raw[ED25519_PUBLIC_SIZE];
	size_t n = sizeof(raw);

	if (!EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_get_raw_public_key(key, raw, &n) != 1 ||
	    n != sizeof(raw)) {
		ERR_clear_error();
		return E_FORMAT;
	}
	memcpy(out, raw, n);
	return E_OK;
}

int ed25519_sign(void *key, struct bytes in, uint8_t out[ED25519_SIGNATURE_SIZE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[ED25519_SIGNATURE_SIZE];
	size_t n = sizeof(sig);
	int r = E_CRYPTO;

	if (ctx && EVP_PKEY_is_a(key, "ED25519") &&
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, &n, in.p, in.n) == 1 && n == sizeof(sig)) {
		memcpy(out, sig, n);
		r = E_OK;
	}
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	return r;
}

int ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_SIZE], struct bytes in,
		   const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key,
						    ED25519_PUBLIC_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ready = key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1;
	int r = !ready ? E_CRYPTO
		: EVP_DigestVerify(ctx, signature, ED25519_SIGNATURE_SIZE, in.p, in.n) == 1
			? E_OK
			: E_DENIED;

	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return r;
}
