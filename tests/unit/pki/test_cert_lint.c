/* Good certificates pass; each thing that could be wrong with one is made wrong and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/cert_lint.h"

#include <openssl/x509v3.h>

#include <stdlib.h>
#include <string.h>

enum { NOW = 1800000000, DAY = 86400 };

static EVP_PKEY *ca_key, *rsa, *ec;
static X509 *ca;

static struct cert_spec spec_of(EVP_PKEY *key)
{
	return (struct cert_spec){
		.kind = CERT_KIND_CLIENT,
		.serial = "587b3f5750b60161b921f99090848371",
		.cn = "sam laptop",
		.email = "sam@example.edu",
		.upn = "sam@example.edu",
		.crl_url = "http://scep.example.edu/crl/staff.crl",
		.ocsp_url = "http://scep.example.edu/ocsp",
		.not_before = NOW,
		.not_after = NOW + DAY,
		.key = key,
	};
}

static X509 *build(const struct cert_spec *s)
{
	struct errmsg em = {""};
	X509 *cert = NULL;

	if (cert_build(s, ca, ca_key, &cert, &em) != E_OK)
		fail_msg("%s", em.text);
	return cert;
}

static int setup(void **state)
{
	struct cert_spec s = {.kind = CERT_KIND_ROOT,
			      .cn = "CA",
			      .not_before = NOW - DAY,
			      .not_after = NOW + 10000LL * DAY};

	(void)state;
	ca_key = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(2048);
	ec = EVP_EC_gen("P-256");
	s.key = ca_key;
	return ca_key && rsa && ec && cert_build(&s, NULL, ca_key, &ca, NULL) == E_OK ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	X509_free(ca);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ec);
	return 0;
}

static void good(const struct cert_spec *s)
{
	struct errmsg em = {""};
	X509 *cert = build(s);

	if (cert_lint_client(cert, s, ca, &em) != E_OK)
		fail_msg("%s", em.text);
	X509_free(cert);
}

static void test_good(void **state)
{
	static char long_cn[65], long_mail[200], long_url[240];
	struct cert_spec s = spec_of(rsa);

	(void)state;
	good(&s);
	s.key = ec;
	good(&s);
	s.email = s.upn = s.crl_url = s.ocsp_url = NULL;
	good(&s);
	s.email = s.upn = "";
	good(&s);
	s.upn = "päivi@example.edu";
	s.org = "Example University";
	s.cn = "päivi";
	good(&s);
	/* lengths of one, two and three bytes */
	memset(long_cn, 'c', sizeof(long_cn) - 1);
	memset(long_mail, 'm', sizeof(long_mail) - 1);
	memset(long_url, 'u', sizeof(long_url) - 1);
	memcpy(long_mail + 60, "@example.edu.", 13);
	memcpy(long_url, "http://", 7);
	s = spec_of(rsa);
	s.cn = long_cn;
	s.email = s.upn = long_mail;
	s.crl_url = s.ocsp_url = long_url;
	good(&s);
	s.not_after = 2600000000; /* after 2049 */
	good(&s);
	s.serial[0] = '\0'; /* any of our form */
	good(&s);
}

/* What is built for one spec is not what another one asks for. */
static void other(void (*change)(struct cert_spec *), const char *why)
{
	struct cert_spec s = spec_of(rsa), t = s;
	struct errmsg em = {""};
	X509 *cert = build(&s);

	change(&t);
	assert_int_equal(cert_lint_client(cert, &t, ca, &em), E_DENIED);
	if (!strstr(em.text, why))
		fail_msg("\"%s\" is not about %s", em.text, why);
	X509_free(cert);
}

/* clang-format off */
static void serial(struct cert_spec *s) { s->serial[31] = '2'; }
static void cn(struct cert_spec *s) { s->cn = "sam lapto"; }
static void org(struct cert_spec *s) { s->org = "Example"; }
static void from(struct cert_spec *s) { s->not_before++; }
static void to(struct cert_spec *s) { s->not_after--; }
static void key(struct cert_spec *s) { s->key = ec; }
static void email(struct cert_spec *s) { s->email = "sam@example.edv"; }
static void no_email(struct cert_spec *s) { s->email = NULL; }
static void upn(struct cert_spec *s) { s->upn = "tina@example.edu"; }
static void no_names(struct cert_spec *s) { s->email = s->upn = NULL; }
static void crl(struct cert_spec *s) { s->crl_url = "http://scep.example.edu/crl/other.crl"; }
static void no_crl(struct cert_spec *s) { s->crl_url = NULL; }
static void ocsp(struct cert_spec *s) { s->ocsp_url = "http://scep.example.edu/ocsq"; }
static void no_ocsp(struct cert_spec *s) { s->ocsp_url = NULL; }
/* clang-format on */

static void test_another_spec(void **state)
{
	(void)state;
	other(serial, "serial");
	other(cn, "subject");
	other(org, "subject");
	other(from, "validity");
	other(to, "validity");
	other(key, "public key");
	other(email, "subjectAltName");
	other(no_email, "subjectAltName");
	other(upn, "subjectAltName");
	other(no_names, "subjectAltName");
	other(crl, "crlDistributionPoints");
	other(no_crl, "crlDistributionPoints");
	other(ocsp, "authorityInfoAccess");
	other(no_ocsp, "authorityInfoAccess");
}

/* A good one, bent by libcrypto itself. */
static void bent(void (*bend)(X509 *), const char *why)
{
	struct cert_spec s = spec_of(rsa);
	struct errmsg em = {""};
	X509 *cert = build(&s);

	s.serial[0] = '\0';
	bend(cert);
	assert_int_equal(cert_lint_client(cert, &s, ca, &em), E_DENIED);
	if (!strstr(em.text, why))
		fail_msg("\"%s\" is not about %s", em.text, why);
	X509_free(cert);
}

static void extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	int at = X509_get_ext_by_NID(cert, nid, -1);

	assert_non_null(e);
	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(cert, at));
	assert_int_equal(X509_add_ext(cert, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void drop(X509 *cert, int nid)
{
	X509_EXTENSION_free(X509_delete_ext(cert, X509_get_ext_by_NID(cert, nid, -1)));
}

static void number(X509 *cert, const char *hex, bool negative)
{
	BIGNUM *bn = NULL;

	assert_true(BN_hex2bn(&bn, hex) > 0);
	BN_set_negative(bn, negative);
	assert_non_null(BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)));
	BN_free(bn);
}

/* clang-format off */
static void is_ca(X509 *c) { extension(c, NID_basic_constraints, "critical,CA:TRUE"); }
static void is_ca_0(X509 *c) { extension(c, NID_basic_constraints, "critical,CA:FALSE,pathlen:0"); }
static void mild(X509 *c) { extension(c, NID_basic_constraints, "CA:FALSE"); }
static void no_bc(X509 *c) { drop(c, NID_basic_constraints); }
static void signs(X509 *c) { extension(c, NID_key_usage, "critical,digitalSignature,keyCertSign"); }
static void no_ku(X509 *c) { drop(c, NID_key_usage); }
static void server(X509 *c) { extension(c, NID_ext_key_usage, "serverAuth"); }
static void both(X509 *c) { extension(c, NID_ext_key_usage, "clientAuth,serverAuth"); }
static void any(X509 *c) { extension(c, NID_ext_key_usage, "anyExtendedKeyUsage"); }
static void no_eku(X509 *c) { drop(c, NID_ext_key_usage); }
static void no_aki(X509 *c) { drop(c, NID_authority_key_identifier); }
static void ski(X509 *c) { extension(c, NID_subject_key_identifier, "01020304"); }
static void dns(X509 *c) { extension(c, NID_subject_alt_name, "DNS:radius.example.edu"); }
static void comment(X509 *c) { extension(c, NID_netscape_comment, "hello"); }
static void nocheck(X509 *c) { extension(c, NID_id_pkix_OCSP_noCheck, "NULL"); }
static void short_serial(X509 *c) { number(c, "7b3f5750b60161b921f99090848371", false); }
static void long_serial(X509 *c) { number(c, "01587b3f5750b60161b921f99090848371", false); }
static void negative(X509 *c) { number(c, "587b3f5750b60161b921f99090848371", true); }
static void version(X509 *c) { assert_int_equal(X509_set_version(c, X509_VERSION_1), 1); }
static void issuer(X509 *c) { assert_int_equal(X509_set_issuer_name(c, X509_get_subject_name(c)), 1); }
/* clang-format on */

static void twice(X509 *c)
{
	X509_EXTENSION *e = X509_get_ext(c, X509_get_ext_by_NID(c, NID_ext_key_usage, -1));

	assert_int_equal(X509_add_ext(c, e, -1), 1);
}

static void more_names(X509 *c)
{
	X509_NAME *n = X509_NAME_dup(X509_get_subject_name(c));

	assert_int_equal(
		X509_NAME_add_entry_by_txt(n, "OU", MBSTRING_UTF8, (const uint8_t *)"x", -1, -1, 0),
		1);
	assert_int_equal(X509_set_subject_name(c, n), 1);
	X509_NAME_free(n);
}

static void generalized(X509 *c)
{
	assert_non_null(ASN1_GENERALIZEDTIME_set(X509_getm_notAfter(c), NOW + DAY));
}

static void test_bent(void **state)
{
	(void)state;
	bent(is_ca, "basicConstraints");
	bent(is_ca_0, "basicConstraints");
	bent(mild, "basicConstraints");
	bent(no_bc, "basicConstraints is missing");
	bent(signs, "keyUsage");
	bent(no_ku, "keyUsage is missing");
	bent(server, "extendedKeyUsage");
	bent(both, "extendedKeyUsage");
	bent(any, "extendedKeyUsage");
	bent(no_eku, "extendedKeyUsage is missing");
	bent(twice, "extendedKeyUsage");
	bent(no_aki, "authorityKeyIdentifier is missing");
	bent(ski, "subjectKeyIdentifier");
	bent(dns, "subjectAltName");
	bent(comment, "does not belong there");
	bent(nocheck, "does not belong there");
	bent(short_serial, "serial");
	bent(long_serial, "serial");
	bent(negative, "serial");
	bent(version, "X.509 v3");
	bent(issuer, "issuer's name");
	bent(more_names, "subject");
	bent(generalized, "validity");
}

/* Another CA of the same name: only the key identifier tells them apart. */
static void test_issuer(void **state)
{
	struct cert_spec s = {.kind = CERT_KIND_ROOT,
			      .cn = "CA",
			      .not_before = NOW - DAY,
			      .not_after = NOW + 10000LL * DAY};
	struct errmsg em = {""};
	X509 *twin = NULL, *cert;

	(void)state;
	s.key = ec;
	assert_int_equal(cert_build(&s, NULL, ec, &twin, &em), E_OK);
	s = spec_of(rsa);
	cert = build(&s);
	assert_int_equal(cert_lint_client(cert, &s, twin, &em), E_DENIED);
	assert_non_null(strstr(em.text, "authorityKeyIdentifier"));
	X509_free(twin);
	/* and one that ends before */
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(ca), NOW + DAY - 1));
	assert_int_equal(cert_lint_client(cert, &s, ca, &em), E_DENIED);
	assert_non_null(strstr(em.text, "issuer's"));
	X509_free(cert);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_another_spec),
		cmocka_unit_test(test_bent),
		cmocka_unit_test(test_issuer),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
