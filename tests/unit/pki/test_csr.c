#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/csr.h"
#include "core/pki/key.h"

#include <openssl/x509.h>

static EVP_PKEY *key;

static int setup(void **state)
{
	(void)state;
	key = EVP_EC_gen("P-256");
	return key ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	return 0;
}

struct attr {
	int type;
	const char *value;
	int n; /* -1: strlen */
};

static struct buf encode(X509_REQ *req)
{
	struct buf out;
	uint8_t *der = NULL;
	int n = i2d_X509_REQ(req, &der);

	assert_true(n > 0);
	buf_init(&out, 1 << 20);
	buf_add(&out, der, (size_t)n);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return out;
}

static X509_REQ *unsigned_req(EVP_PKEY *k)
{
	X509_REQ *req = X509_REQ_new();

	assert_int_equal(X509_REQ_set_version(req, 0), 1);
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(req), NID_commonName,
						    V_ASN1_UTF8STRING,
						    (const uint8_t *)"somebody else", -1, -1, 0),
			 1);
	assert_int_equal(X509_REQ_set_pubkey(req, k), 1);
	return req;
}

static struct buf make(const struct attr *attrs, size_t n)
{
	X509_REQ *req = unsigned_req(key);

	for (size_t i = 0; i < n; i++)
		assert_int_equal(X509_REQ_add1_attr_by_NID(
					 req, NID_pkcs9_challengePassword, attrs[i].type,
					 (const uint8_t *)attrs[i].value,
					 attrs[i].n < 0 ? (int)strlen(attrs[i].value) : attrs[i].n),
				 1);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	return encode(req);
}

static int parse(struct buf *der, struct csr *ret)
{
	struct errmsg em = {""};
	int rc = csr_parse(buf_bytes(der), ret, &em);

	if (rc != E_OK)
		assert_true(em.text[0] != '\0');
	buf_free(der);
	return rc;
}

static void test_good(void **state)
{
	static const int types[] = {V_ASN1_PRINTABLESTRING, V_ASN1_UTF8STRING, V_ASN1_IA5STRING,
				    V_ASN1_T61STRING};
	char want[HASH_SIZE], got[HASH_SIZE];
	EVP_PKEY *again = NULL;

	(void)state;
	assert_int_equal(key_spki_hash(key, want), E_OK);
	for (size_t i = 0; i < 4; i++) {
		struct attr a = {types[i], "0123456789ABCDEF0123456789ABCDEF", -1};
		struct buf der = make(&a, 1);
		struct csr c = {0};

		assert_int_equal(parse(&der, &c), E_OK);
		assert_string_equal(c.challenge, a.value);
		assert_int_equal(key_from_spki(buf_bytes(&c.spki), &again), E_OK);
		assert_int_equal(key_spki_hash(again, got), E_OK);
		assert_string_equal(got, want);
		EVP_PKEY_free(again);
		csr_free(&c);
		assert_int_equal(c.challenge[0], 0);
	}
}

static void test_no_challenge(void **state)
{
	struct buf der = make(NULL, 0);
	struct csr c = {0};

	(void)state;
	assert_int_equal(parse(&der, &c), E_OK);
	assert_string_equal(c.challenge, "");
	csr_free(&c);
	csr_free(&c);
	csr_free(NULL);
}

static void expect_attrs(const struct attr *attrs, size_t n, int want)
{
	struct buf der = make(attrs, n);
	struct csr c = {.challenge = "untouched"};

	assert_int_equal(parse(&der, &c), want);
	if (want != E_OK)
		assert_string_equal(c.challenge, "untouched");
	else
		csr_free(&c);
}

static void test_challenge_shapes(void **state)
{
	const struct attr nul = {V_ASN1_UTF8STRING, "ab\0cd", 5};
	const struct attr bmp = {V_ASN1_BMPSTRING, "\0a\0b", 4};
	const struct attr octets = {V_ASN1_OCTET_STRING, "abc", -1};
	char text[CHALLENGE_MAX + 1];
	struct attr size = {V_ASN1_UTF8STRING, text, CHALLENGE_MAX - 1};

	(void)state;
	memset(text, 'A', sizeof(text));
	expect_attrs(&nul, 1, E_FORMAT);
	expect_attrs(&bmp, 1, E_FORMAT);
	expect_attrs(&octets, 1, E_FORMAT);
	expect_attrs(&size, 1, E_OK);
	size.n = CHALLENGE_MAX;
	expect_attrs(&size, 1, E_FORMAT);
}

/* A request over a tbs of our own making, which libcrypto would not build. */
static struct buf sign_raw(const uint8_t *tbs, size_t n)
{
	static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
					       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t n_sig = sizeof(sig), all;
	struct buf out;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n_sig, tbs, n), 1);
	EVP_MD_CTX_free(ctx);
	all = n + sizeof(ecdsa_sha256) + 3 + n_sig;
	assert_true(all > 255 && all < 65536 && n_sig < 127);
	buf_init(&out, 65536);
	buf_addc(&out, 0x30);
	buf_add_u8(&out, 0x82);
	buf_add_u8(&out, (uint8_t)(all >> 8));
	buf_add_u8(&out, (uint8_t)all);
	buf_add(&out, tbs, n);
	buf_add(&out, ecdsa_sha256, sizeof(ecdsa_sha256));
	buf_addc(&out, 0x03);
	buf_add_u8(&out, (uint8_t)(n_sig + 1));
	buf_add_u8(&out, 0);
	buf_add(&out, sig, n_sig);
	return out;
}

/* challengePassword twice: unstructuredName (1.9.2) is turned into one before signing. */
static void test_two_challenges(void **state)
{
	static const uint8_t name_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x02};
	static const char filler[] =
		"a name that is long enough to make the request longer than 255 bytes in all";
	X509_REQ *req = unsigned_req(key);
	uint8_t *tbs = NULL, *oid;
	struct csr c = {0};
	struct buf der;
	int n;

	(void)state;
	assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword,
						   V_ASN1_UTF8STRING, (const uint8_t *)filler,
						   (int)strlen(filler)),
			 1);
	assert_int_equal(X509_REQ_add1_attr_by_NID(req, NID_pkcs9_unstructuredName,
						   V_ASN1_UTF8STRING, (const uint8_t *)"two", 3),
			 1);
	n = i2d_re_X509_REQ_tbs(req, &tbs);
	assert_true(n > 0);
	der = sign_raw(tbs, (size_t)n);
	assert_int_equal(parse(&der, &c), E_OK); /* so it is not the helper that is refused below */
	assert_string_equal(c.challenge, filler);
	csr_free(&c);
	oid = memmem(tbs, (size_t)n, name_oid, sizeof(name_oid));
	assert_non_null(oid);
	oid[sizeof(name_oid) - 1] = 0x07;
	der = sign_raw(tbs, (size_t)n);
	assert_int_equal(parse(&der, &c), E_FORMAT);
	OPENSSL_free(tbs);
	X509_REQ_free(req);
}

/* One attribute with two values is another way to say two things. */
static void test_two_values(void **state)
{
	X509_REQ *req = unsigned_req(key);
	X509_ATTRIBUTE *a = X509_ATTRIBUTE_create_by_NID(NULL, NID_pkcs9_challengePassword,
							 V_ASN1_UTF8STRING, "one", 3);
	struct csr c = {0};
	struct buf der;

	(void)state;
	assert_int_equal(X509_ATTRIBUTE_set1_data(a, V_ASN1_UTF8STRING, "two", 3), 1);
	assert_int_equal(X509_ATTRIBUTE_count(a), 2);
	assert_int_equal(X509_REQ_add1_attr(req, a), 1);
	X509_ATTRIBUTE_free(a);
	assert_true(X509_REQ_sign(req, key, EVP_sha256()) > 0);
	der = encode(req);
	assert_int_equal(parse(&der, &c), E_FORMAT);
}

static void test_trailing_and_truncated(void **state)
{
	struct buf der = make(NULL, 0);
	struct csr c = {0};

	(void)state;
	for (size_t n = 0; n < der.n; n++)
		assert_int_equal(csr_parse(bytes_of(der.p, n), &c, NULL), E_FORMAT);
	buf_addc(&der, '\0');
	assert_int_equal(csr_parse(buf_bytes(&der), &c, NULL), E_FORMAT);
	buf_free(&der);
	buf_init(&der, CSR_MAX + 1);
	for (size_t i = 0; i <= CSR_MAX; i++)
		buf_addc(&der, 0x30);
	assert_int_equal(parse(&der, &c), E_FORMAT);
}

/* Any changed bit is refused: the signature covers all that is used. */
static void test_tampered(void **state)
{
	struct attr a = {V_ASN1_UTF8STRING, "0123456789ABCDEF", -1};
	struct buf der = make(&a, 1);
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < der.n; i++) {
		struct csr c = {0};

		der.p[i] ^= 1;
		if (csr_parse(buf_bytes(&der), &c, NULL) == E_OK) {
			accepted++;
			csr_free(&c);
		}
		der.p[i] ^= 1;
	}
	assert_int_equal(accepted, 0);
	buf_free(&der);
}

static void test_other_signer(void **state)
{
	EVP_PKEY *other = EVP_EC_gen("P-256");
	X509_REQ *req = unsigned_req(key);
	struct csr c = {0};
	struct buf der;

	(void)state;
	assert_true(X509_REQ_sign(req, other, EVP_sha256()) > 0);
	der = encode(req);
	assert_int_equal(parse(&der, &c), E_CRYPTO);
	EVP_PKEY_free(other);
}

static void expect_key(EVP_PKEY *k, const EVP_MD *md, int want)
{
	X509_REQ *req = unsigned_req(k);
	struct csr c = {0};
	struct buf der;

	assert_true(X509_REQ_sign(req, k, md) > 0);
	der = encode(req);
	assert_int_equal(parse(&der, &c), want);
	csr_free(&c);
	EVP_PKEY_free(k);
}

static void test_key_policy(void **state)
{
	EVP_PKEY *rsa = NULL;

	(void)state;
	assert_int_equal(key_generate_rsa(2048, &rsa), E_OK);
	assert_int_equal(EVP_PKEY_up_ref(rsa), 1);
	assert_int_equal(EVP_PKEY_up_ref(rsa), 1);
	expect_key(rsa, EVP_sha256(), E_OK);
	expect_key(rsa, EVP_sha1(), E_OK);
	expect_key(rsa, EVP_md5(), E_DENIED);
	expect_key(EVP_RSA_gen(1024), EVP_sha256(), E_DENIED);
	expect_key(EVP_EC_gen("secp256k1"), EVP_sha256(), E_DENIED);
	expect_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, E_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_no_challenge),
		cmocka_unit_test(test_challenge_shapes),
		cmocka_unit_test(test_two_challenges),
		cmocka_unit_test(test_two_values),
		cmocka_unit_test(test_trailing_and_truncated),
		cmocka_unit_test(test_tampered),
		cmocka_unit_test(test_other_signer),
		cmocka_unit_test(test_key_policy),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
