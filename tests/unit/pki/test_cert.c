#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/model/serial.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"

#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOW = 1800000000, DAY = 86400 };

static EVP_PKEY *root_key, *ca_key, *leaf_key;
static X509 *root, *ca;

static struct cert_spec spec_of(enum cert_kind kind, const char *cn, EVP_PKEY *key, int64_t days)
{
	return (struct cert_spec){.kind = kind,
				  .cn = cn,
				  .org = "Universit\xc3\xa4t",
				  .key = key,
				  .not_before = NOW - 300,
				  .not_after = NOW + days * DAY};
}

static int setup(void **state)
{
	struct cert_spec r, c;

	(void)state;
	root_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-256");
	if (key_generate_rsa(2048, &ca_key) != E_OK)
		return -1;
	r = spec_of(CERT_KIND_ROOT, "Root", root_key, 1000);
	c = spec_of(CERT_KIND_ISSUING, "Issuing", ca_key, 500);
	return cert_build(&r, NULL, root_key, &root, NULL) ||
	       cert_build(&c, root, root_key, &ca, NULL);
}

static int teardown(void **state)
{
	(void)state;
	X509_free(root);
	X509_free(ca);
	EVP_PKEY_free(root_key);
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

static X509 *build(const struct cert_spec *spec)
{
	struct errmsg em = {""};
	X509 *cert = NULL;

	if (cert_build(spec, ca, ca_key, &cert, &em) != E_OK)
		fail_msg("%s", em.text);
	return cert;
}

static void refused(const struct cert_spec *spec, X509 *issuer, EVP_PKEY *issuer_key, int want)
{
	struct errmsg em = {""};
	X509 *cert = NULL;

	assert_int_equal(cert_build(spec, issuer, issuer_key, &cert, &em), want);
	assert_null(cert);
	assert_true(em.text[0] != '\0');
}

static void test_kinds(void **state)
{
	const char *hosts[] = {"radius.example.edu", "192.0.2.1", "2001:db8::1"};
	struct cert_spec server = spec_of(CERT_KIND_TLS_SERVER, "radius.example.edu", leaf_key, 10);
	struct cert_spec ra = spec_of(CERT_KIND_SCEP_RA, "RA", ca_key, 10);
	X509 *cert;

	(void)state;
	assert_int_equal(X509_get_pathlen(root), 1);
	assert_int_equal(X509_get_pathlen(ca), 0);
	assert_int_equal(X509_get_key_usage(ca), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
	assert_true(X509_get_extension_flags(ca) & EXFLAG_BCONS);
	assert_int_equal(X509_get_extended_key_usage(ca), UINT32_MAX);
	assert_true(cert_check_ca(root) && cert_check_ca(ca));

	server.dns = hosts;
	server.n_dns = 3;
	cert = build(&server);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE); /* an EC key */
	assert_false(cert_check_ca(cert));
	assert_true(cert_check_host(cert, "radius.example.edu"));
	assert_true(cert_check_host(cert, "192.0.2.1"));
	assert_true(cert_check_host(cert, "2001:db8::1"));
	assert_false(cert_check_host(cert, "radius.example.com"));
	assert_false(cert_check_host(cert, "192.0.2.2"));
	X509_free(cert);

	cert = build(&ra);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	assert_int_equal(X509_get_extended_key_usage(cert), UINT32_MAX);
	assert_true(cert_check_rsa(cert));
	assert_false(cert_check_ca(cert));
	assert_false(X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) >= 0);
	X509_free(cert);
}

static void san_of(X509 *cert, char *mail, char *upn, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

	assert_non_null(names);
	assert_int_equal(sk_GENERAL_NAME_num(names), 2);
	for (int i = 0; i < 2; i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);
		char oid[64];

		if (gn->type == GEN_EMAIL) {
			snprintf(mail, size, "%.*s", ASN1_STRING_length(gn->d.ia5),
				 (const char *)ASN1_STRING_get0_data(gn->d.ia5));
			continue;
		}
		assert_int_equal(gn->type, GEN_OTHERNAME);
		OBJ_obj2txt(oid, sizeof(oid), gn->d.otherName->type_id, 1);
		assert_string_equal(oid, "1.3.6.1.4.1.311.20.2.3");
		assert_int_equal(gn->d.otherName->value->type, V_ASN1_UTF8STRING);
		snprintf(upn, size, "%.*s",
			 ASN1_STRING_length(gn->d.otherName->value->value.utf8string),
			 (const char *)ASN1_STRING_get0_data(
				 gn->d.otherName->value->value.utf8string));
	}
	GENERAL_NAMES_free(names);
}

static void test_client(void **state)
{
	struct cert_spec spec = spec_of(CERT_KIND_CLIENT, "sam", ca_key, 10);
	char mail[64] = "", upn[64] = "";
	X509 *cert;

	(void)state;
	spec.email = "sam@example.edu";
	spec.upn = "s\xc3\xa4m@example.edu";
	cert = build(&spec);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	san_of(cert, mail, upn, sizeof(mail));
	assert_string_equal(mail, spec.email);
	assert_string_equal(upn, spec.upn);
	assert_int_equal(cert_check_chain(cert, &ca, 1, root, CERT_USE_TLS_CLIENT, NOW, NULL),
			 E_OK);
	assert_int_equal(cert_check_chain(cert, &ca, 1, root, CERT_USE_TLS_SERVER, NOW, NULL),
			 E_DENIED);
	assert_int_equal(cert_check_chain(cert, NULL, 0, root, CERT_USE_TLS_CLIENT, NOW, NULL),
			 E_DENIED);
	assert_int_equal(
		cert_check_chain(cert, &ca, 1, root, CERT_USE_TLS_CLIENT, NOW + 11 * DAY, NULL),
		E_DENIED);
	X509_free(cert);
}

/* Names that other tools read as syntax stay one UTF8String. */
static void test_names_stay_text(void **state)
{
	static const char *const names[] = {"a/CN=root", "O\"Brien, CN=admin", "${HOME} \\ #",
					    "+=;<>", "\xe6\x97\xa5\xe6\x9c\xac"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct cert_spec spec = spec_of(CERT_KIND_CLIENT, names[i], leaf_key, 10);
		X509 *cert = build(&spec);
		X509_NAME *subject = X509_get_subject_name(cert);
		const ASN1_STRING *s;

		assert_int_equal(X509_NAME_entry_count(subject), 2);
		s = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(
			subject, X509_NAME_get_index_by_NID(subject, NID_commonName, -1)));
		assert_int_equal(ASN1_STRING_type(s), V_ASN1_UTF8STRING);
		assert_int_equal(ASN1_STRING_length(s), strlen(names[i]));
		assert_memory_equal(ASN1_STRING_get0_data(s), names[i], strlen(names[i]));
		X509_free(cert);
	}
}

static void test_bad_names(void **state)
{
	static const char *const hosts[] = {"a b", "a..b", "-a", "a-",  "*.example.edu",
					    "",    ".",    "a.", "x/y", "a\nb"};
	static const char *const mails[] = {"plain",           "@x",   "x@", "a@b@c", "a b@c",
					    "s\xc3\xa4m@x.de", "a@b\n"};
	struct cert_spec spec;
	const char *host;
	char longer[66];

	(void)state;
	memset(longer, 'x', 65);
	longer[65] = '\0';
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		spec = spec_of(CERT_KIND_TLS_SERVER, "s", leaf_key, 10);
		host = hosts[i];
		spec.dns = &host;
		spec.n_dns = 1;
		refused(&spec, ca, ca_key, E_FORMAT);
	}
	for (size_t i = 0; i < sizeof(mails) / sizeof(mails[0]); i++) {
		spec = spec_of(CERT_KIND_CLIENT, "s", leaf_key, 10);
		spec.email = mails[i];
		refused(&spec, ca, ca_key, E_FORMAT);
	}
	spec = spec_of(CERT_KIND_CLIENT, "", leaf_key, 10);
	refused(&spec, ca, ca_key, E_FORMAT);
	spec.cn = longer;
	refused(&spec, ca, ca_key, E_FORMAT);
	spec.cn = "a\nb";
	refused(&spec, ca, ca_key, E_FORMAT);
	spec.cn = "\xff";
	refused(&spec, ca, ca_key, E_FORMAT);
	spec = spec_of(CERT_KIND_TLS_SERVER, "no host", leaf_key, 10);
	refused(&spec, ca, ca_key, E_FORMAT);
	spec = spec_of(CERT_KIND_SCEP_RA, "ra", leaf_key, 10);
	spec.email = "a@b.c";
	refused(&spec, ca, ca_key, E_FORMAT);
	spec = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 10);
	spec.upn = "a\x01";
	refused(&spec, ca, ca_key, E_FORMAT);
}

static void test_validity(void **state)
{
	struct cert_spec spec = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 500);
	int64_t from, to;
	X509 *cert;

	(void)state;
	cert = build(&spec); /* to the same second as its issuer */
	assert_int_equal(cert_validity(cert, &from, &to), E_OK);
	assert_int_equal(from, spec.not_before);
	assert_int_equal(to, spec.not_after);
	X509_free(cert);
	spec.not_after++;
	refused(&spec, ca, ca_key, E_DENIED);
	spec = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 10);
	spec.not_before = NOW - 301;
	refused(&spec, ca, ca_key, E_DENIED);
	spec.not_before = spec.not_after;
	refused(&spec, ca, ca_key, E_FORMAT);
}

static void test_issuer_rules(void **state)
{
	struct cert_spec leaf = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 10);
	struct cert_spec sub = spec_of(CERT_KIND_ISSUING, "below", leaf_key, 10);
	struct cert_spec top = spec_of(CERT_KIND_ROOT, "top", root_key, 10);
	X509 *cert = build(&leaf);

	(void)state;
	refused(&leaf, cert, leaf_key, E_DENIED); /* a leaf issues nothing */
	refused(&sub, ca, ca_key, E_DENIED);      /* path length 0 */
	refused(&leaf, ca, root_key, E_CRYPTO);   /* not the issuer's key */
	refused(&leaf, NULL, leaf_key, E_FORMAT); /* self-signed leaf */
	refused(&top, root, root_key, E_FORMAT);  /* root below a root */
	refused(&top, NULL, ca_key, E_CRYPTO);
	X509_free(cert);
}

static void test_serial(void **state)
{
	struct cert_spec spec = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 10);
	char serial[SERIAL_SIZE], other[SERIAL_SIZE];
	X509 *cert;

	(void)state;
	memcpy(spec.serial, "0102030405060708090a0b0c0d0e0f10", SERIAL_SIZE);
	cert = build(&spec);
	assert_int_equal(cert_serial(cert, serial), E_OK);
	assert_string_equal(serial, spec.serial);
	X509_free(cert);
	memcpy(spec.serial, "8102030405060708090a0b0c0d0e0f10", SERIAL_SIZE);
	refused(&spec, ca, ca_key, E_FORMAT);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(cert_new_serial(serial), E_OK);
		assert_true(serial_is_canonical(serial));
	}
	spec.serial[0] = '\0';
	cert = build(&spec);
	assert_int_equal(cert_serial(cert, serial), E_OK);
	X509_free(cert);
	cert = build(&spec);
	assert_int_equal(cert_serial(cert, other), E_OK);
	assert_string_not_equal(serial, other);
	X509_free(cert);
}

/* Serials of other makers: a negative one, a long one, a short one. */
static void test_foreign_serial(void **state)
{
	X509 *cert = X509_dup(ca);
	char out[SERIAL_SIZE] = "same";
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	BIGNUM *bn = NULL;

	(void)state;
	assert_int_equal(ASN1_INTEGER_set(n, 5), 1);
	assert_int_equal(X509_set_serialNumber(cert, n), 1);
	assert_int_equal(cert_serial(cert, out), E_FORMAT);
	BN_hex2bn(&bn, "-0102030405060708090a0b0c0d0e0f10");
	BN_to_ASN1_INTEGER(bn, n);
	assert_int_equal(X509_set_serialNumber(cert, n), 1);
	assert_int_equal(cert_serial(cert, out), E_FORMAT);
	BN_hex2bn(&bn, "0102030405060708090a0b0c0d0e0f1011");
	BN_to_ASN1_INTEGER(bn, n);
	assert_int_equal(X509_set_serialNumber(cert, n), 1);
	assert_int_equal(cert_serial(cert, out), E_FORMAT);
	assert_string_equal(out, "same");
	BN_free(bn);
	ASN1_INTEGER_free(n);
	X509_free(cert);
}

static void test_identifiers(void **state)
{
	struct cert_spec spec = spec_of(CERT_KIND_CLIENT, "c", leaf_key, 10);
	char ski[AKI_SIZE], aki[AKI_SIZE], a[HASH_SIZE], b[HASH_SIZE];
	X509 *cert = build(&spec);
	struct buf print;

	(void)state;
	assert_int_equal(cert_ski(ca, ski), E_OK);
	assert_int_equal(cert_aki(cert, aki), E_OK);
	assert_string_equal(ski, aki);
	assert_int_equal(strlen(ski), 40);
	assert_int_equal(cert_aki(root, aki), E_NOTFOUND);
	assert_int_equal(cert_spki_hash(cert, a), E_OK);
	assert_int_equal(key_spki_hash(leaf_key, b), E_OK);
	assert_string_equal(a, b);
	buf_init(&print, 200);
	assert_int_equal(cert_fingerprint(cert, "SHA256", &print), E_OK);
	assert_int_equal(print.n, 32 * 3 - 1);
	assert_int_equal(print.p[2], ':');
	buf_reset(&print);
	assert_int_equal(cert_fingerprint(cert, "no such", &print), E_CRYPTO);
	buf_free(&print);
	X509_free(cert);
}

static void test_der(void **state)
{
	struct buf der;
	X509 *cert = NULL;

	(void)state;
	buf_init(&der, 65536);
	assert_int_equal(cert_to_der(ca, &der), E_OK);
	assert_int_equal(cert_from_der(buf_bytes(&der), &cert), E_OK);
	assert_true(cert_check_same(cert, ca));
	X509_free(cert);
	cert = NULL;
	assert_int_equal(cert_from_der(bytes_of(der.p, der.n - 1), &cert), E_FORMAT);
	assert_int_equal(cert_from_der(bytes_of(der.p, 0), &cert), E_FORMAT);
	buf_addc(&der, 0);
	assert_int_equal(cert_from_der(buf_bytes(&der), &cert), E_FORMAT);
	assert_null(cert);
	buf_free(&der);
}

/* TRUE is 0xff in DER (X.690 section 11.1); Go refuses anything else. */
static void test_der_true(void **state)
{
	static const uint8_t basic[] = {0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00};
	struct buf der;

	(void)state;
	buf_init(&der, 65536);
	assert_int_equal(cert_to_der(ca, &der), E_OK);
	assert_non_null(memmem(der.p, der.n, basic, sizeof(basic)));
	buf_free(&der);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/test-cert.XXXXXX", path[64];
	X509 *certs[CERT_CHAIN_MAX], *both[2] = {ca, root}, *one = NULL;
	struct errmsg em = {""};
	struct stat st;
	size_t n = 0;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/c.pem", dir);
	assert_int_equal(cert_save(path, both, 2, &em), E_OK);
	assert_int_equal(cert_save(path, both, 1, &em), E_EXISTS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(cert_load_all(path, certs, CERT_CHAIN_MAX, &n, &em), E_OK);
	assert_int_equal(n, 2);
	assert_true(cert_check_same(certs[0], ca) && cert_check_same(certs[1], root));
	X509_free(certs[0]);
	X509_free(certs[1]);
	assert_int_equal(cert_load_all(path, certs, 1, &n, &em), E_TOOBIG);
	assert_int_equal(cert_load(path, &one, &em), E_OK);
	assert_true(cert_check_same(one, ca));
	X509_free(one);
	one = NULL;
	f = fopen(path, "a"); /* a damaged third one is no end of file */
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	fclose(f);
	assert_int_equal(cert_load_all(path, certs, CERT_CHAIN_MAX, &n, &em), E_FORMAT);
	f = fopen(path, "w");
	fputs("nothing\n", f);
	fclose(f);
	assert_int_equal(cert_load(path, &one, &em), E_FORMAT);
	unlink(path);
	assert_int_equal(cert_load(path, &one, &em), E_NOTFOUND);
	assert_null(one);
	rmdir(dir);
}

static void test_pair(void **state)
{
	(void)state;
	assert_true(cert_check_key(ca, ca_key));
	assert_false(cert_check_key(ca, leaf_key));
}

static void test_ocsp_and_urls(void **state)
{
	struct cert_spec ocsp = spec_of(CERT_KIND_OCSP, "OCSP", ca_key, 10);
	struct cert_spec client = spec_of(CERT_KIND_CLIENT, "sam", leaf_key, 10);
	X509 *cert = build(&ocsp);
	CRL_DIST_POINTS *points;
	STACK_OF(OPENSSL_STRING) * urls;

	(void)state;
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_OCSP_SIGN);
	assert_true(X509_get_ext_by_NID(cert, NID_id_pkix_OCSP_noCheck, -1) >= 0);
	X509_free(cert);
	cert = build(&client);
	assert_int_equal(X509_get_ext_by_NID(cert, NID_crl_distribution_points, -1), -1);
	assert_int_equal(X509_get_ext_by_NID(cert, NID_info_access, -1), -1);
	assert_int_equal(X509_get_ext_by_NID(cert, NID_id_pkix_OCSP_noCheck, -1), -1);
	X509_free(cert);
	client.crl_url = "http://pki.example.edu:8080/crl/staff.crl";
	client.ocsp_url = "http://pki.example.edu/ocsp";
	cert = build(&client);
	urls = X509_get1_ocsp(cert);
	assert_int_equal(sk_OPENSSL_STRING_num(urls), 1);
	assert_string_equal(sk_OPENSSL_STRING_value(urls, 0), client.ocsp_url);
	X509_email_free(urls);
	points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
	assert_int_equal(sk_DIST_POINT_num(points), 1);
	assert_string_equal(
		(const char *)ASN1_STRING_get0_data(
			sk_GENERAL_NAME_value(
				sk_DIST_POINT_value(points, 0)->distpoint->name.fullname, 0)
				->d.uniformResourceIdentifier),
		client.crl_url);
	CRL_DIST_POINTS_free(points);
	X509_free(cert);
	client.crl_url = "https://pki.example.edu/crl";
	refused(&client, ca, ca_key, E_FORMAT);
	client.crl_url = "http://pki.example.edu/a b";
	refused(&client, ca, ca_key, E_FORMAT);
	client.crl_url = NULL;
	client.ocsp_url = "http://";
	refused(&client, ca, ca_key, E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ocsp_and_urls),
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_names_stay_text),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_validity),
		cmocka_unit_test(test_issuer_rules),
		cmocka_unit_test(test_serial),
		cmocka_unit_test(test_foreign_serial),
		cmocka_unit_test(test_identifiers),
		cmocka_unit_test(test_der),
		cmocka_unit_test(test_der_true),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_pair),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
