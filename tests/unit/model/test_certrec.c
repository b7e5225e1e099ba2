#include "core/model/certrec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void there_and_back(void **state)
{
	const enum cert_state all[] = {CERT_NONE, CERT_RESERVED, CERT_ACTIVE, CERT_ABORTED};
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(cert_state_parse(cert_state_text(all[i])), all[i]);
	assert_string_equal(cert_state_text(CERT_ACTIVE), "active");
}

static void unknown_is_never_active(void **state)
{
	const char *const odd[] = {"", "Active", "active ", "actives", "revoked", "\xff"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(cert_state_parse(odd[i]), CERT_NONE);
	assert_int_equal(cert_state_parse(NULL), CERT_NONE);
	assert_string_equal(cert_state_text((enum cert_state)99), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(unknown_is_never_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
