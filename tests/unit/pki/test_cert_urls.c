#include "core/pki/cert_urls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

static X509 *with(int nid, const char *value, int nid2, const char *value2)
{
	X509 *c = X509_new();

	assert_non_null(c);
	for (int i = 0; i < 2; i++) {
		X509_EXTENSION *e = (i ? value2 : value) == NULL
					    ? NULL
					    : X509V3_EXT_conf_nid(NULL, NULL, i ? nid2 : nid,
								  i ? value2 : value);

		assert_true(e != NULL || (i ? value2 : value) == NULL);
		assert_true(e == NULL || X509_add_ext(c, e, -1));
		X509_EXTENSION_free(e);
	}
	return c;
}

static void found(void **state)
{
	char url[4][CERT_URL_SIZE];
	size_t n = 9;
	X509 *c = with(
		NID_crl_distribution_points, "URI:http://crl.example.org/a.crl", NID_info_access,
		"OCSP;URI:http://ocsp.example.org/,caIssuers;URI:http://ca.example.org/x.crt");

	(void)state;
	assert_int_equal(cert_urls(c, url, 4, &n), E_OK);
	assert_true(n == 2 || n == 3);
	assert_string_equal(url[0], "http://crl.example.org/a.crl");
	assert_string_equal(url[1], "http://ocsp.example.org/");
	n = 9;
	assert_int_equal(cert_urls(c, url, 1, &n), E_TOOBIG);
	assert_int_equal(n, 9);
	X509_free(c);
}

static void each_once(void **state)
{
	char url[4][CERT_URL_SIZE];
	size_t n = 9;
	X509 *c =
		with(NID_crl_distribution_points,
		     "URI:http://crl.example.org/a.crl,URI:http://crl.example.org/a.crl", 0, NULL);

	(void)state;
	assert_int_equal(cert_urls(c, url, 4, &n), E_OK);
	assert_int_equal(n, 1);
	X509_free(c);
}

static void none_and_too_long(void **state)
{
	char url[4][CERT_URL_SIZE], far[CERT_URL_SIZE + 16] = "URI:http://";
	size_t n = 9;
	X509 *c = with(0, NULL, 0, NULL);

	(void)state;
	assert_int_equal(cert_urls(c, url, 4, &n), E_OK);
	assert_int_equal(n, 0);
	X509_free(c);
	memset(far + 11, 'x', sizeof(far) - 12);
	far[sizeof(far) - 1] = '\0';
	c = with(NID_crl_distribution_points, far, 0, NULL);
	assert_int_equal(cert_urls(c, url, 4, &n), E_TOOBIG);
	X509_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(each_once),
		cmocka_unit_test(none_and_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
