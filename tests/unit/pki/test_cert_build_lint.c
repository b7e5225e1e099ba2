/* What cert_lint refuses is not signed. The linter is replaced here (--wrap, see the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/pki/cert_lint.h"

enum { NOW = 1800000000, DAY = 86400 };

static int answer, asked;

int __wrap_cert_lint_client(X509 *cert, const struct cert_spec *spec, X509 *issuer,
			    struct errmsg *em);
int __wrap_cert_lint_client(X509 *cert, const struct cert_spec *spec, X509 *issuer,
			    struct errmsg *em)
{
	assert_true(cert && spec && issuer);
	asked++;
	return answer == E_OK ? E_OK : err_set(em, answer, "refused by the test");
}

static void asked_before_signing(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct cert_spec root = {.kind = CERT_KIND_ROOT,
				 .cn = "CA",
				 .key = key,
				 .not_before = NOW - DAY,
				 .not_after = NOW + 1000LL * DAY};
	struct cert_spec client = {.kind = CERT_KIND_CLIENT,
				   .serial = "587b3f5750b60161b921f99090848371",
				   .cn = "sam",
				   .key = key,
				   .not_before = NOW,
				   .not_after = NOW + DAY};
	X509 *ca = NULL, *cert = NULL;
	struct errmsg em = {""};

	(void)state;
	assert_int_equal(cert_build(&root, NULL, key, &ca, &em), E_OK);
	assert_int_equal(asked, 0);
	answer = E_DENIED;
	assert_int_equal(cert_build(&client, ca, key, &cert, &em), E_DENIED);
	assert_null(cert);
	assert_string_equal(em.text, "refused by the test");
	answer = E_OK;
	assert_int_equal(cert_build(&client, ca, key, &cert, &em), E_OK);
	assert_int_equal(asked, 2);
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(asked_before_signing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
