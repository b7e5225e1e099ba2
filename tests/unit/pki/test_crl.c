#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/cert.h"
#include "core/pki/crl.h"
#include "core/pki/key.h"

#include <openssl/x509v3.h>

enum { NOW = 1800000000, DAY = 86400 };

static EVP_PKEY *root_key, *ca_key;
static X509 *root, *ca, *leaf;

static X509 *make(enum cert_kind kind, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
	struct cert_spec s = {.kind = kind,
			      .cn = "x",
			      .key = key,
			      .not_before = NOW - 10 + (int)kind,
			      .not_after = NOW + 1000 * DAY - (int)kind};
	X509 *cert = NULL;

	return cert_build(&s, issuer, issuer_key, &cert, NULL) == E_OK ? cert : NULL;
}

static int setup(void **state)
{
	(void)state;
	root_key = EVP_EC_gen("P-256");
	ca_key = EVP_RSA_gen(2048);
	root = make(CERT_KIND_ROOT, root_key, NULL, root_key);
	ca = make(CERT_KIND_ISSUING, ca_key, root, root_key);
	leaf = make(CERT_KIND_SCEP_RA, ca_key, ca, ca_key);
	return root && ca && leaf ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(ca);
	X509_free(leaf);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(ca_key);
	return 0;
}

static const struct revocation three[] = {
	{"01000000000000000000000000000001", NOW - 30, REVOCATION_KEY_COMPROMISE},
	{"40000000000000000000000000000001", NOW - 20, REVOCATION_HOLD},
	{"7fffffffffffffffffffffffffffffff", NOW - 10, REVOCATION_UNSPECIFIED},
};

static struct crl_spec spec_of(const struct revocation *list, size_t n)
{
	return (struct crl_spec){.list = list,
				 .n = n,
				 .number = 1800000000123,
				 .this_update = NOW,
				 .next_update = NOW + DAY};
}

static X509_CRL *build(const struct crl_spec *s)
{
	struct buf der = {0};
	struct errmsg em = {""};
	const uint8_t *p;
	X509_CRL *crl;

	buf_init(&der, 1 << 24);
	if (crl_build(s, ca, ca_key, &der, &em) != E_OK)
		fail_msg("%s", em.text);
	p = der.p;
	crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	assert_non_null(crl);
	assert_ptr_equal(p, der.p + der.n);
	buf_free(&der);
	return crl;
}

static void entry_is(X509_CRL *crl, int i, long want_reason, int64_t want_at)
{
	X509_REVOKED *r = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), i);
	int critical = 0;
	ASN1_ENUMERATED *e = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, &critical, NULL);

	if (want_reason < 0)
		assert_null(e);
	else
		assert_int_equal(ASN1_ENUMERATED_get(e), want_reason);
	assert_true(critical <= 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_REVOKED_get0_revocationDate(r), want_at), 0);
	ASN1_ENUMERATED_free(e);
}

static void test_list(void **state)
{
	struct crl_spec s = spec_of(three, 3);
	X509_CRL *crl = build(&s);
	AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t n = 0;

	(void)state;
	assert_int_equal(X509_CRL_get_version(crl), 1);
	assert_int_equal(X509_CRL_verify(crl, ca_key), 1);
	assert_int_equal(X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_CRL_get0_lastUpdate(crl), NOW), 0);
	assert_int_equal(ASN1_TIME_cmp_time_t(X509_CRL_get0_nextUpdate(crl), NOW + DAY), 0);
	assert_non_null(aki);
	assert_int_equal(ASN1_STRING_cmp(aki->keyid, X509_get0_subject_key_id(ca)), 0);
	assert_int_equal(ASN1_INTEGER_get_uint64(&n, number), 1);
	assert_true(n == 1800000000123);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 3);
	entry_is(crl, 0, 1, NOW - 30);
	entry_is(crl, 1, 6, NOW - 20);
	entry_is(crl, 2, -1, NOW - 10);
	ASN1_INTEGER_free(number);
	AUTHORITY_KEYID_free(aki);
	X509_CRL_free(crl);
}

static void test_empty_and_large(void **state)
{
	enum { MANY = 100000 };
	struct revocation *v = calloc(MANY, sizeof(*v));
	struct crl_spec s = spec_of(NULL, 0);
	X509_CRL *crl = build(&s);

	(void)state;
	assert_null(X509_CRL_get_REVOKED(crl));
	X509_CRL_free(crl);
	assert_non_null(v);
	for (int i = 0; i < MANY; i++) {
		snprintf(v[i].serial, sizeof(v[i].serial), "10%030d", i);
		v[i].at = NOW - 1;
		v[i].reason = REVOCATION_HOLD;
	}
	s = spec_of(v, MANY);
	crl = build(&s);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), MANY);
	X509_CRL_free(crl);
	free(v);
}

static void refused(const struct crl_spec *s, X509 *issuer, EVP_PKEY *key, int want)
{
	struct errmsg em = {""};
	struct buf out = {0};

	buf_init(&out, 1 << 20);
	assert_int_equal(crl_build(s, issuer, key, &out, &em), want);
	assert_int_equal(out.n, 0);
	assert_true(em.text[0] != '\0');
	buf_free(&out);
}

static void test_refused(void **state)
{
	struct revocation v[3];
	struct crl_spec s = spec_of(v, 3);

	(void)state;
	memcpy(v, three, sizeof(v));
	refused(&s, root, ca_key, E_CRYPTO);
	refused(&s, leaf, ca_key, E_DENIED);
	memcpy(v[1].serial, three[0].serial, SERIAL_SIZE); /* twice */
	refused(&s, ca, ca_key, E_FORMAT);
	memcpy(v[0].serial, three[2].serial, SERIAL_SIZE); /* descending */
	refused(&s, ca, ca_key, E_FORMAT);
	memcpy(v, three, sizeof(v));
	v[0].serial[31] = 'X';
	refused(&s, ca, ca_key, E_FORMAT);
	memcpy(v, three, sizeof(v));
	v[2].at = 0;
	refused(&s, ca, ca_key, E_FORMAT);
	memcpy(v, three, sizeof(v));
	s.next_update = NOW;
	refused(&s, ca, ca_key, E_FORMAT);
	s = spec_of(v, CRL_ENTRIES_MAX + 1);
	refused(&s, ca, ca_key, E_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_empty_and_large),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("crl", tests, setup, teardown);
}
