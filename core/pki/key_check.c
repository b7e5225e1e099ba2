/*
 * What a public key must be to get a certificate: that others cannot find the private one from it. The
 * rules are those of Boulder's goodkey, with the block list left to the ledger. No cost depends on what
 * the sender chooses but the size, which is bounded first.
 */
#include "core/pki/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>

enum {
	SMALL_FACTOR_MAX = 751, /* NIST SP 800-89 section 5.3.3 */
	FERMAT_ROUNDS = 110,
	ROCA_PRIME_MAX = 167,
	P256_SPKI_SIZE = 91, /* DER with a named curve and an uncompressed point (RFC 5480) */
	P384_SPKI_SIZE = 120,
};

/* ---- RSA ---- */

static bool is_size(int bits)
{
	return bits == 2048 || bits == 3072 || bits == 4096;
}

static bool has_small_factor(const BIGNUM *n)
{
	for (BN_ULONG d = 3; d <= SMALL_FACTOR_MAX; d += 2)
		if (BN_mod_word(n, d) == 0)
			return true;
	return !BN_is_odd(n);
}

static bool is_prime(unsigned n)
{
	for (unsigned d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return false;
	return true;
}

/* Is r a power of 65537 modulo the prime p? */
static bool is_power(unsigned r, unsigned p)
{
	unsigned v = 1;

	for (unsigned i = 0; i < p; i++) {
		if (v == r)
			return true;
		v = v * (65537 % p) % p;
	}
	return false;
}

/* CVE-2017-15361: the primes of one smart card library are powers of 65537 modulo every small prime, hence
 * their product is. A random modulus is so with a chance of about 2^-28. */
static bool is_roca(const BIGNUM *n)
{
	for (unsigned p = 3; p <= ROCA_PRIME_MAX; p += 2)
		if (is_prime(p) && !is_power((unsigned)BN_mod_word(n, p), p))
			return false;
	return true;
}

/* r = floor(sqrt(n)), by Newton from above. */
static bool root(BIGNUM *r, const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *next;
	bool ok = false;

	BN_CTX_start(ctx);
	next = BN_CTX_get(ctx);
	if (!next || !BN_one(next) || !BN_lshift(next, next, (BN_num_bits(n) + 1) / 2))
		goto out;
	do {
		if (!BN_copy(r, next) || !BN_div(next, NULL, n, r, ctx) || !BN_add(next, next, r) ||
		    !BN_rshift1(next, next))
			goto out;
	} while (BN_cmp(next, r) < 0);
	ok = true;
out:
	BN_CTX_end(ctx);
	return ok;
}

/* Sets *ret. Most numbers are told to be no squares by what they leave modulo small ones. */
static bool is_square(const BIGNUM *n, BN_CTX *ctx, bool *ret)
{
	static const unsigned moduli[] = {64, 63, 65, 11, 17, 19, 23, 29, 31};
	BIGNUM *r;
	bool ok;

	*ret = BN_is_zero(n);
	if (*ret)
		return true;
	for (size_t i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
		unsigned m = moduli[i], left = (unsigned)BN_mod_word(n, m);
		bool found = false;

		for (unsigned k = 0; k < m && !found; k++)
			found = k * k % m == left;
		if (!found)
			return true;
	}
	BN_CTX_start(ctx);
	r = BN_CTX_get(ctx);
	ok = r && root(r, n, ctx) && BN_sqr(r, r, ctx);
	*ret = ok && BN_cmp(r, n) == 0;
	BN_CTX_end(ctx);
	return ok;
}

/* Fermat: two factors close together are a - b and a + b for an a little above the root. */
static int has_close_factors(const BIGNUM *n, bool *ret)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *a, *b2, *step;
	int rc = E_NOMEM;

	*ret = false;
	if (!ctx)
		return rc;
	BN_CTX_start(ctx);
	a = BN_CTX_get(ctx);
	b2 = BN_CTX_get(ctx);
	step = BN_CTX_get(ctx);
	/* n itself may be a square, so a starts at the root, where b2 is 0 or negative */
	if (!step || !root(a, n, ctx) || !BN_sqr(b2, a, ctx) || !BN_sub(b2, b2, n))
		goto out;
	for (int i = 0; i <= FERMAT_ROUNDS && !*ret; i++) {
		if (!BN_is_negative(b2) && !is_square(b2, ctx, ret))
			goto out;
		/* (a+1)^2 - n = (a^2 - n) + 2a + 1 */
		if (!BN_lshift1(step, a) || !BN_add_word(step, 1) || !BN_add(b2, b2, step) ||
		    !BN_add_word(a, 1))
			goto out;
	}
	rc = E_OK;
out:
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return rc;
}

static int check_modulus(const BIGNUM *n, struct errmsg *em)
{
	bool close = false;

	if (!is_size(BN_num_bits(n)))
		return err_set(em, E_DENIED, "RSA key of %d bits; 2048, 3072 and 4096 are accepted",
			       BN_num_bits(n));
	if (has_small_factor(n))
		return err_set(em, E_DENIED, "RSA modulus has a small factor");
	if (is_roca(n))
		return err_set(em, E_DENIED,
			       "RSA modulus is of the weak ROCA kind (CVE-2017-15361)");
	if (has_close_factors(n, &close) != E_OK)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	if (close)
		return err_set(em, E_DENIED, "RSA modulus has factors that are close together");
	return E_OK;
}

static int check_rsa(EVP_PKEY *key, struct errmsg *em)
{
	BIGNUM *n = NULL, *e = NULL;
	int rc;

	if (!EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e))
		rc = err_set(em, E_DENIED, "RSA key without modulus or exponent");
	else if (!BN_is_word(e, 65537))
		rc = err_set(em, E_DENIED, "RSA exponent is not 65537");
	else
		rc = check_modulus(n, em);
	BN_free(n);
	BN_free(e);
	return rc;
}

/* ---- EC ---- */

/* On the curve and not at infinity: with curves of prime order nothing is left to check. */
static bool is_good_point(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool ok = ctx && EVP_PKEY_public_check_quick(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int check_ec(EVP_PKEY *key, struct errmsg *em)
{
	char curve[64] = "";
	int explicit_params = 0, size, want;

	if (!EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL))
		return err_set(em, E_DENIED, "EC key without a named curve");
	if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
				   &explicit_params) &&
	    explicit_params)
		return err_set(em, E_DENIED,
			       "EC key with explicit curve parameters (RFC 5480 section 2.1.1)");
	if (strcmp(curve, SN_X9_62_prime256v1) == 0)
		want = P256_SPKI_SIZE;
	else if (strcmp(curve, SN_secp384r1) == 0)
		want = P384_SPKI_SIZE;
	else
		return err_set(em, E_DENIED, "EC curve is neither P-256 nor P-384");
	size = i2d_PUBKEY(key, NULL);
	if (size != want)
		return err_set(em, E_DENIED, "EC point is not in uncompressed form");
	if (!is_good_point(key))
		return err_set(em, E_DENIED, "EC point is not one of the curve");
	return E_OK;
}

int key_check_policy(EVP_PKEY *key, struct errmsg *em)
{
	int rc;

	/* "RSA" leaves RSASSA-PSS keys out: EAP-TLS stacks cannot use them. */
	if (EVP_PKEY_is_a(key, "RSA"))
		rc = check_rsa(key, em);
	else if (EVP_PKEY_is_a(key, "EC"))
		rc = check_ec(key, em);
	else
		rc = err_set(em, E_DENIED, "key is neither RSA nor EC");
	ERR_clear_error();
	return rc;
}
