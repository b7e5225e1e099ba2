#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/base/buf.h"
#include "core/pki/key.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static EVP_PKEY *rsa2048;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-key.XXXXXX");
	return mkdtemp(dir) && key_generate_rsa(2048, &rsa2048) == E_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa2048);
	return rmdir(dir);
}

static const char *path(const char *name)
{
	static char p[128];

	snprintf(p, sizeof(p), "%s/%s", dir, name);
	return p;
}

static EVP_PKEY *rsa_with(unsigned bits, unsigned long e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;
	BIGNUM *bn = BN_new();

	assert_non_null(bn);
	assert_int_equal(BN_set_word(bn, e), 1);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, bn), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	BN_free(bn);
	return key;
}

/* A public key from the numbers alone. */
static EVP_PKEY *rsa_public(const BIGNUM *n, unsigned long e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	assert_int_equal(BN_set_word(exponent, e), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, exponent), 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void refused(EVP_PKEY *key, const char *word)
{
	struct errmsg em = {""};

	assert_non_null(key);
	assert_int_equal(key_check_policy(key, &em), E_DENIED);
	assert_non_null(strstr(em.text, word));
	EVP_PKEY_free(key);
}

static void test_policy_rsa(void **state)
{
	BIGNUM *n = BN_new();

	(void)state;
	assert_int_equal(key_check_policy(rsa2048, NULL), E_OK);
	refused(rsa_with(1024, 65537), "1024 bits");
	refused(rsa_with(2047, 65537), "2047 bits");
	refused(rsa_with(2048, 3), "exponent");
	assert_int_equal(BN_set_bit(n, 4096), 1); /* 4097 bits, no need to generate it */
	assert_int_equal(BN_set_bit(n, 0), 1);
	refused(rsa_public(n, 65537), "4097 bits");
	BN_free(n);
}

static void test_policy_small_factor(void **state)
{
	BIGNUM *n = NULL;

	(void)state;
	assert_int_equal(EVP_PKEY_get_bn_param(rsa2048, OSSL_PKEY_PARAM_RSA_N, &n), 1);
	while (BN_mod_word(n, 3) != 0)
		assert_int_equal(BN_add_word(n, 2), 1);
	refused(rsa_public(n, 65537), "small factor");
	assert_int_equal(BN_add_word(n, 1), 1);
	refused(rsa_public(n, 65537), "small factor"); /* even */
	BN_free(n);
}

static void test_policy_sizes(void **state)
{
	static const int sizes[] = {2049, 2056, 2560, 3071, 3073, 4088, 4095, 6144, 8192};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		BIGNUM *n = BN_new();
		char word[32];

		assert_int_equal(BN_rand(n, sizes[i], BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
		snprintf(word, sizeof(word), "key of %d bits", sizes[i]);
		refused(rsa_public(n, 65537), word);
		BN_free(n);
	}
	for (unsigned bits = 3072; bits <= 4096; bits += 1024) {
		EVP_PKEY *key = rsa_with(bits, 65537);

		assert_int_equal(key_check_policy(key, NULL), E_OK);
		EVP_PKEY_free(key);
	}
}

static BIGNUM *prime_1024(void)
{
	BIGNUM *p = BN_new();

	assert_int_equal(BN_generate_prime_ex(p, 1024, 0, NULL, NULL, NULL), 1);
	return p;
}

/* n = p times the prime next to p + 2^distance. */
static BIGNUM *product(const BIGNUM *p, int distance)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *q = BN_dup(p), *n = BN_new(), *gap = BN_new();

	assert_int_equal(BN_set_bit(gap, distance), 1);
	assert_int_equal(BN_add(q, q, gap), 1);
	assert_int_equal(BN_set_bit(q, 0), 1);
	while (BN_check_prime(q, ctx, NULL) != 1)
		assert_int_equal(BN_add_word(q, 2), 1);
	assert_int_equal(BN_mul(n, p, q, ctx), 1);
	BN_free(gap);
	BN_free(q);
	BN_CTX_free(ctx);
	return n;
}

/* The difference d of the factors costs d^2 / (8 sqrt n) rounds: 2^516 some 60, 2^520 some 10,000. */
static void test_policy_close_factors(void **state)
{
	static const int close[] = {0, 2, 100, 400, 512, 516};
	BIGNUM *p = prime_1024(), *n;
	EVP_PKEY *key;
	BN_CTX *ctx = BN_CTX_new();

	(void)state;
	for (size_t i = 0; i < sizeof(close) / sizeof(close[0]); i++) {
		n = product(p, close[i]);
		refused(rsa_public(n, 65537), "close together");
		BN_free(n);
	}
	n = product(p, 520);
	key = rsa_public(n, 65537);
	assert_int_equal(key_check_policy(key, NULL), E_OK);
	EVP_PKEY_free(key);
	assert_int_equal(BN_sqr(n, p, ctx), 1);
	refused(rsa_public(n, 65537), "close together");
	BN_free(n);
	BN_free(p);
	BN_CTX_free(ctx);
}

/* A prime as the library made them: k M + (65537^a mod M), M the product of the primes to 167. */
static BIGNUM *roca_prime(BN_CTX *ctx)
{
	BIGNUM *m = BN_new(), *a = BN_new(), *g = BN_new(), *p = BN_new();

	assert_int_equal(BN_set_word(m, 2), 1);
	for (BN_ULONG d = 3; d <= 167; d += 2) {
		bool prime = true;

		for (BN_ULONG k = 3; k * k <= d; k += 2)
			prime = prime && d % k != 0;
		if (prime)
			assert_int_equal(BN_mul_word(m, d), 1);
	}
	do {
		assert_int_equal(BN_rand(a, 64, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY), 1);
		assert_int_equal(BN_set_word(g, 65537), 1);
		assert_int_equal(BN_mod_exp(g, g, a, m, ctx), 1);
		assert_int_equal(
			BN_rand(p, 1024 - BN_num_bits(m) + 1, BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY),
			1);
		assert_int_equal(BN_mul(p, p, m, ctx), 1);
		assert_int_equal(BN_add(p, p, g), 1);
	} while (BN_num_bits(p) != 1024 || BN_check_prime(p, ctx, NULL) != 1);
	BN_free(m);
	BN_free(a);
	BN_free(g);
	return p;
}

static void test_policy_roca(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_new();
	EVP_PKEY *key = NULL;

	(void)state;
	do {
		BIGNUM *p = roca_prime(ctx), *q = roca_prime(ctx);

		assert_int_equal(BN_mul(n, p, q, ctx), 1);
		BN_free(p);
		BN_free(q);
	} while (BN_num_bits(n) != 2048);
	refused(rsa_public(n, 65537), "ROCA");
	BN_free(n);
	BN_CTX_free(ctx);
	for (int i = 0; i < 3; i++) { /* and usual ones are not */
		assert_int_equal(key_generate_rsa(2048, &key), E_OK);
		assert_int_equal(key_check_policy(key, NULL), E_OK);
		EVP_PKEY_free(key);
		key = NULL;
	}
}

/* A point beside the curve is no key, whoever finds that first. */
static void test_policy_ec_point(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *bad = NULL;
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	(void)state;
	assert_int_equal(n, 91);
	der[n - 1] ^= 1;
	assert_int_equal(key_from_spki(bytes_of(der, (size_t)n), &bad), E_FORMAT);
	memset(der + 27, 0, 64); /* x = y = 0 */
	assert_int_equal(key_from_spki(bytes_of(der, (size_t)n), &bad), E_FORMAT);
	assert_null(bad);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static void test_policy_ec(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	(void)state;
	assert_int_equal(key_check_policy(key, NULL), E_OK);
	EVP_PKEY_free(key);
	key = EVP_EC_gen("P-384");
	assert_int_equal(key_check_policy(key, NULL), E_OK);
	EVP_PKEY_free(key);
	refused(EVP_EC_gen("P-521"), "neither P-256");
	refused(EVP_EC_gen("secp256k1"), "neither P-256");
	refused(EVP_EC_gen("P-224"), "neither P-256");
	refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), "neither RSA nor EC");
	refused(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), "neither RSA nor EC");
}

/* P-256 spelled out, and P-256 with a compressed point: both decode to a key on P-256. */
static void test_policy_ec_encodings(void **state)
{
	static const char *const names[] = {OSSL_PKEY_PARAM_EC_ENCODING,
					    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT};
	static const char *const values[] = {"explicit", "compressed"};
	static const char *const words[] = {"explicit", "uncompressed"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = EVP_EC_gen("P-256");
		const uint8_t *p;
		uint8_t *der = NULL;
		int n;

		assert_int_equal(EVP_PKEY_set_utf8_string_param(key, names[i], values[i]), 1);
		n = i2d_PUBKEY(key, &der);
		assert_true(n > 0 && n != 91);
		EVP_PKEY_free(key);
		p = der;
		key = d2i_PUBKEY(NULL, &p, n);
		refused(key, words[i]);
		OPENSSL_free(der);
	}
}

static void test_policy_pss(void **state)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &key), 1);
	EVP_PKEY_CTX_free(ctx);
	refused(key, "neither RSA nor EC");
}

static void test_generate_bounds(void **state)
{
	EVP_PKEY *key = NULL;

	(void)state;
	assert_int_equal(key_generate_rsa(2047, &key), E_UNSUPPORTED);
	assert_int_equal(key_generate_rsa(1024, &key), E_UNSUPPORTED);
	assert_int_equal(key_generate_rsa(16384, &key), E_UNSUPPORTED);
	assert_null(key);
	assert_int_equal(EVP_PKEY_get_bits(rsa2048), 2048);
}

static void test_save_load(void **state)
{
	EVP_PKEY *key = NULL;
	struct errmsg em = {""};
	struct stat st;

	(void)state;
	assert_int_equal(key_save(path("a"), rsa2048, NULL, &em), E_OK);
	assert_int_equal(stat(path("a"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(key_load(path("a"), NULL, &key, &em), E_OK);
	assert_int_equal(EVP_PKEY_eq(key, rsa2048), 1);
	EVP_PKEY_free(key);
	key = NULL;
	assert_int_equal(key_save(path("a"), rsa2048, NULL, &em), E_EXISTS);
	assert_int_equal(chmod(path("a"), 0640), 0);
	assert_int_equal(key_load(path("a"), NULL, &key, &em), E_DENIED);
	assert_non_null(strstr(em.text, "chmod 600"));
	assert_null(key);
	assert_int_equal(unlink(path("a")), 0);
	assert_int_equal(key_load(path("a"), NULL, &key, &em), E_NOTFOUND);
	assert_int_equal(key_load(dir, NULL, &key, &em), E_FORMAT);
}

static void test_save_encrypted(void **state)
{
	EVP_PKEY *key = NULL;
	struct errmsg em = {""};
	char text[4096];
	FILE *f;
	size_t n;

	(void)state;
	assert_int_equal(key_save(path("b"), rsa2048, "", &em),
			 E_CRYPTO); /* an empty passphrase protects nothing */
	assert_int_equal(access(path("b"), F_OK), -1);
	assert_int_equal(key_save(path("b"), rsa2048, "s\xc3\xa9same", &em), E_OK);
	f = fopen(path("b"), "r");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	assert_non_null(strstr(text, "BEGIN ENCRYPTED PRIVATE KEY"));
	assert_int_equal(key_load(path("b"), NULL, &key, &em), E_CRYPTO);
	assert_non_null(strstr(em.text, "no passphrase"));
	assert_int_equal(key_load(path("b"), "sesame", &key, &em), E_CRYPTO);
	assert_null(strstr(em.text, "sesame"));
	assert_null(key);
	assert_int_equal(key_load(path("b"), "s\xc3\xa9same", &key, &em), E_OK);
	assert_int_equal(EVP_PKEY_eq(key, rsa2048), 1);
	EVP_PKEY_free(key);
	unlink(path("b"));
}

static void test_load_rubbish(void **state)
{
	EVP_PKEY *key = NULL;
	FILE *f;

	(void)state;
	umask(077);
	f = fopen(path("c"), "w");
	fputs("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", f);
	fclose(f);
	assert_int_equal(key_load(path("c"), NULL, &key, NULL), E_FORMAT);
	assert_null(key);
	unlink(path("c"));
}

static void test_spki(void **state)
{
	char hash[HASH_SIZE], again[HASH_SIZE];
	EVP_PKEY *key = NULL;
	uint8_t *der = NULL, longer[1024], ber[1024];
	int n = i2d_PUBKEY(rsa2048, &der);

	(void)state;
	assert_int_equal(key_from_spki(bytes_of(der, (size_t)n), &key), E_OK);
	assert_int_equal(key_spki_hash(rsa2048, hash), E_OK);
	assert_int_equal(key_spki_hash(key, again), E_OK);
	assert_string_equal(hash, again);
	assert_int_equal(strlen(hash), 64);
	EVP_PKEY_free(key);
	key = NULL;
	memcpy(longer, der, (size_t)n);
	longer[n] = 0;
	assert_int_equal(key_from_spki(bytes_of(longer, (size_t)n + 1), &key), E_FORMAT);
	assert_int_equal(key_from_spki(bytes_of(der, (size_t)n - 1), &key), E_FORMAT);
	assert_int_equal(key_from_spki(bytes_of(der, 0), &key), E_FORMAT);
	/* the same key in BER: outer length 0x82 hh ll as 0x83 00 hh ll */
	ber[0] = der[0];
	ber[1] = 0x83;
	ber[2] = 0;
	memcpy(ber + 3, der + 2, (size_t)n - 2);
	assert_int_equal(der[1], 0x82);
	assert_int_equal(key_from_spki(bytes_of(ber, (size_t)n + 1), &key), E_FORMAT);
	assert_null(key);
	OPENSSL_free(der);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_rsa),   cmocka_unit_test(test_policy_small_factor),
		cmocka_unit_test(test_policy_ec),    cmocka_unit_test(test_policy_ec_encodings),
		cmocka_unit_test(test_policy_pss),   cmocka_unit_test(test_generate_bounds),
		cmocka_unit_test(test_save_load),    cmocka_unit_test(test_save_encrypted),
		cmocka_unit_test(test_load_rubbish), cmocka_unit_test(test_spki),
		cmocka_unit_test(test_policy_sizes), cmocka_unit_test(test_policy_close_factors),
		cmocka_unit_test(test_policy_roca),  cmocka_unit_test(test_policy_ec_point),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
