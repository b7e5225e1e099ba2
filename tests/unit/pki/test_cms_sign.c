#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/cert.h"
#include "core/pki/cms_sign.h"

#include <openssl/cms.h>

enum { NOW = 1800000000, DAY = 86400 };

static EVP_PKEY *root_key, *key;
static X509 *root, *signer;

static int setup(void **state)
{
	const char *host = "portal.example.edu";
	struct cert_spec r = {
		.kind = CERT_KIND_ROOT, .cn = "Root", .not_before = NOW, .not_after = NOW + DAY};
	struct cert_spec s = {.kind = CERT_KIND_TLS_SERVER,
			      .cn = "portal",
			      .dns = &host,
			      .n_dns = 1,
			      .not_before = NOW,
			      .not_after = NOW + DAY};

	(void)state;
	r.key = root_key = EVP_EC_gen("P-256");
	s.key = key = EVP_EC_gen("P-256");
	return cert_build(&r, NULL, root_key, &root, NULL) ||
	       cert_build(&s, root, root_key, &signer, NULL);
}

static int teardown(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(signer);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(key);
	return 0;
}

/* A second implementation of the claim: libcrypto verifies up to the root and gives the content back. */
static bool verifies(struct bytes der, struct bytes want)
{
	const uint8_t *p = der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);
	X509_STORE *store = X509_STORE_new();
	BIO *out = BIO_new(BIO_s_mem());
	char *got = NULL;
	bool ok;
	long n;

	X509_STORE_add_cert(store, root);
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), NOW + 10);
	X509_VERIFY_PARAM_set_purpose(X509_STORE_get0_param(store), X509_PURPOSE_ANY);
	ok = cms && CMS_verify(cms, NULL, store, NULL, out, CMS_BINARY) == 1;
	n = BIO_get_mem_data(out, &got);
	ok = ok && (size_t)n == want.n && memcmp(got, want.p, want.n) == 0;
	BIO_free(out);
	X509_STORE_free(store);
	CMS_ContentInfo_free(cms);
	return ok;
}

static void test_round_trip(void **state)
{
	/* Line ends and NULs must come through as they are. */
	const struct bytes content = bytes_of("<plist>\n\0\r\n\xc3\xa9", 13);
	struct buf out;
	CMS_ContentInfo *cms;
	const uint8_t *p;
	STACK_OF(X509) * certs;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(cms_sign_attached(signer, key, &root, 1, content, &out), E_OK);
	assert_int_equal(out.p[0], 0x30);
	assert_true(verifies(buf_bytes(&out), content));
	p = out.p;
	cms = d2i_CMS_ContentInfo(NULL, &p, (long)out.n);
	certs = CMS_get1_certs(cms);
	assert_int_equal(sk_X509_num(certs), 2);
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
	((uint8_t *)memmem(out.p, out.n, content.p, content.n))[1] ^= 1;
	assert_false(verifies(buf_bytes(&out), content));
	buf_free(&out);
}

static void test_signer_in_chain(void **state)
{
	X509 *chain[2] = {signer, root};
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(cms_sign_attached(signer, key, chain, 2, bytes_str("x"), &out), E_OK);
	assert_true(verifies(buf_bytes(&out), bytes_str("x")));
	buf_free(&out);
}

static void test_wrong_key(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 65536);
	assert_int_equal(cms_sign_attached(signer, root_key, NULL, 0, bytes_str("x"), &out),
			 E_CRYPTO);
	assert_int_equal(out.n, 0);
	buf_free(&out);
	buf_init(&out, 100);
	assert_int_equal(cms_sign_attached(signer, key, NULL, 0, bytes_str("x"), &out), E_TOOBIG);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_signer_in_chain),
		cmocka_unit_test(test_wrong_key),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
