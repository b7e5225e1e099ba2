#include "tests/support/id_token.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "id_token: %s failed\n", what);
	exit(2);
}

EVP_PKEY *id_token_key(const char *type)
{
	EVP_PKEY *key = strcmp(type, "RSA") == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");

	must(key != NULL, "making a key");
	return key;
}

static void add_number(struct buf *out, EVP_PKEY *key, const char *name, const char *param,
		       size_t size)
{
	uint8_t bytes[512];
	BIGNUM *n = NULL;
	int len;

	must(EVP_PKEY_get_bn_param(key, param, &n) == 1, "reading a key");
	len = size > 0 ? BN_bn2binpad(n, bytes, (int)size) : BN_bn2bin(n, bytes);
	must(len > 0, "writing a number");
	buf_addf(out, ",\"%s\":\"", name);
	text_base64url(out, bytes_of(bytes, (size_t)len));
	buf_addc(out, '"');
	BN_free(n);
}

void id_token_jwk(EVP_PKEY *key, const char *kid, const char *alg, const char *more,
		  struct buf *out)
{
	if (EVP_PKEY_is_a(key, "RSA")) {
		buf_adds(out, "{\"kty\":\"RSA\"");
		add_number(out, key, "n", OSSL_PKEY_PARAM_RSA_N, 0);
		add_number(out, key, "e", OSSL_PKEY_PARAM_RSA_E, 0);
	} else {
		buf_adds(out, "{\"kty\":\"EC\",\"crv\":\"P-256\"");
		add_number(out, key, "x", OSSL_PKEY_PARAM_EC_PUB_X, 32);
		add_number(out, key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, 32);
	}
	if (kid != NULL)
		buf_addf(out, ",\"kid\":\"%s\"", kid);
	if (alg != NULL)
		buf_addf(out, ",\"alg\":\"%s\"", alg);
	buf_addf(out, "%s}", more);
}

static void ecdsa_raw(const uint8_t *der, size_t n, uint8_t raw[64])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);

	must(sig != NULL, "reading a signature");
	must(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32) == 32 &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32) == 32,
	     "writing a signature");
	ECDSA_SIG_free(sig);
}

static void sign(EVP_PKEY *key, const char *alg, struct bytes text, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024], raw[64];
	EVP_PKEY_CTX *p = NULL;
	size_t n = sizeof(sig);

	must(ctx != NULL && EVP_DigestSignInit(ctx, &p, EVP_sha256(), NULL, key) == 1, "signing");
	if (strcmp(alg, "PS256") == 0)
		must(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) > 0 &&
			     EVP_PKEY_CTX_set_rsa_pss_saltlen(p, RSA_PSS_SALTLEN_DIGEST) > 0,
		     "PSS");
	must(EVP_DigestSign(ctx, sig, &n, text.p, text.n) == 1, "signing");
	EVP_MD_CTX_free(ctx);
	if (strcmp(alg, "ES256") == 0) {
		ecdsa_raw(sig, n, raw);
		text_base64url(out, bytes_of(raw, sizeof(raw)));
	} else {
		text_base64url(out, bytes_of(sig, n));
	}
}

void id_token_sign(EVP_PKEY *key, const char *alg, struct bytes secret, const char *header,
		   const char *claims, struct buf *out)
{
	uint8_t mac[DIGEST_SIZE];
	struct buf text;

	buf_init(&text, (size_t)1 << 24);
	text_base64url(&text, bytes_str(header));
	buf_addc(&text, '.');
	text_base64url(&text, bytes_str(claims));
	buf_add_bytes(out, buf_bytes(&text));
	buf_addc(out, '.');
	if (strcmp(alg, "HS256") == 0) {
		must(digest_hmac_sha256(secret, buf_bytes(&text), mac) == E_OK, "HMAC");
		text_base64url(out, bytes_of(mac, sizeof(mac)));
	} else if (strcmp(alg, "none") != 0) {
		sign(key, alg, buf_bytes(&text), out);
	}
	must(buf_error(out) == E_OK, "memory");
	buf_free(&text);
}
