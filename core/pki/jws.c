#include "core/pki/jws.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_MAX = 4, COORDINATE = 32 };

struct jws_key {
	EVP_PKEY *key;
	bool rsa;
};

int jws_alg_find(const char *name, enum jws_alg *ret)
{
	static const struct {
		const char *name;
		enum jws_alg alg;
	} known[] = {{"RS256", JWS_RS256}, {"PS256", JWS_PS256}, {"ES256", JWS_ES256}};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, name) == 0) {
			*ret = known[i].alg;
			return E_OK;
		}
	}
	return E_UNSUPPORTED;
}

/* bld is filled by the caller; takes it. */
static int key_make(const char *type, OSSL_PARAM_BLD *bld, struct jws_key **ret)
{
	struct jws_key *k = calloc(1, sizeof(*k));
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	int r = E_FORMAT;

	if (k == NULL || params == NULL || ctx == NULL) {
		r = E_NOMEM;
	} else if (EVP_PKEY_fromdata_init(ctx) > 0 &&
		   EVP_PKEY_fromdata(ctx, &k->key, EVP_PKEY_PUBLIC_KEY, params) > 0) {
		r = E_OK;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	ERR_clear_error();
	if (r == E_OK)
		*ret = k;
	else
		free(k);
	return r;
}

int jws_key_rsa(struct bytes n, struct bytes e, struct jws_key **ret)
{
	OSSL_PARAM_BLD *bld = NULL;
	BIGNUM *bn = NULL, *be = NULL;
	struct jws_key *k = NULL;
	int bits, r = E_NOMEM;

	if (n.n > RSA_BITS_MAX / 8 + 1 || e.n == 0 || e.n > EXPONENT_MAX)
		return E_FORMAT;
	bn = BN_bin2bn(n.p, (int)n.n, NULL);
	be = BN_bin2bn(e.p, (int)e.n, NULL);
	bld = OSSL_PARAM_BLD_new();
	if (bn == NULL || be == NULL || bld == NULL)
		goto out;
	r = E_FORMAT;
	bits = BN_num_bits(bn);
	if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || !BN_is_odd(bn) || !BN_is_odd(be) ||
	    BN_is_one(be))
		goto out;
	r = E_NOMEM;
	if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, bn) <= 0 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, be) <= 0)
		goto out;
	r = key_make("RSA", bld, &k);
	bld = NULL;
	if (r == E_OK) {
		k->rsa = true;
		*ret = k;
	}
out:
	OSSL_PARAM_BLD_free(bld);
	BN_free(bn);
	BN_free(be);
	return r;
}

int jws_key_p256(struct bytes x, struct bytes y, struct jws_key **ret)
{
	uint8_t point[1 + 2 * COORDINATE] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM_BLD *bld;

	if (x.n != COORDINATE || y.n != COORDINATE)
		return E_FORMAT;
	memcpy(point + 1, x.p, COORDINATE);
	memcpy(point + 1 + COORDINATE, y.p, COORDINATE);
	bld = OSSL_PARAM_BLD_new();
	if (bld == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) <=
		    0 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)) <=
		    0) {
		OSSL_PARAM_BLD_free(bld);
		return E_NOMEM;
	}
	return key_make("EC", bld, ret);
}

void jws_key_free(struct jws_key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

bool jws_key_fits(const struct jws_key *k, enum jws_alg alg)
{
	return k->rsa == (alg == JWS_RS256 || alg == JWS_PS256);
}

/* The two numbers as OpenSSL wants them: in DER. */
static int ecdsa_der(struct bytes raw, uint8_t **ret, int *ret_n)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, COORDINATE, NULL);
	BIGNUM *s = BN_bin2bn(raw.p + COORDINATE, COORDINATE, NULL);

	if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		ECDSA_SIG_free(sig);
		return E_NOMEM;
	}
	*ret_n = i2d_ECDSA_SIG(sig, ret);
	ECDSA_SIG_free(sig);
	return *ret_n > 0 ? E_OK : E_NOMEM;
}

static int verify(const struct jws_key *k, enum jws_alg alg, struct bytes text,
		  struct bytes signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL; /* belongs to ctx */
	int r = E_CRYPTO;

	if (ctx == NULL)
		return E_NOMEM;
	if (EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL, k->key) != 1)
		goto out;
	if (alg == JWS_PS256 &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) <= 0 ||
	     EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha256()) <= 0 ||
	     EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) <= 0))
		goto out;
	r = EVP_DigestVerify(ctx, signature.p, signature.n, text.p, text.n) == 1 ? E_OK : E_DENIED;
out:
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return r;
}

int jws_verify(const struct jws_key *k, enum jws_alg alg, struct bytes text, struct bytes signature)
{
	uint8_t *der = NULL;
	int n = 0, r;

	if (!jws_key_fits(k, alg))
		return E_DENIED;
	if (alg != JWS_ES256)
		return verify(k, alg, text, signature);
	if (signature.n != (size_t)2 * COORDINATE)
		return E_DENIED;
	r = ecdsa_der(signature, &der, &n);
	if (r == E_OK)
		r = verify(k, alg, text, bytes_of(der, (size_t)n));
	OPENSSL_free(der);
	return r;
}
