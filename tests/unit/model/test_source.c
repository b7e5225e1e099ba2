/* How a directory is: when "good" is not to be believed any more. */
#include "core/model/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void silence(void **state)
{
	struct source s = {.mode = "sync", .state = "good", .checked = 1000};

	(void)state;
	assert_false(source_silent(&s, 300, 1000));
	assert_false(source_silent(&s, 300, 1120));
	assert_true(source_silent(&s, 300, 1121));
	(void)snprintf(s.mode, sizeof(s.mode), "poll");
	assert_false(source_silent(&s, 300, 1720));
	assert_true(source_silent(&s, 300, 1721));
	(void)snprintf(s.state, sizeof(s.state), "failing");
	assert_false(source_silent(&s, 300, 9999)); /* which says more */
}

static void after(void **state)
{
	(void)state;
	assert_int_equal(source_silent_after("scim", 0, 60, 86400), 86400);
	assert_int_equal(source_silent_after("scim", 0, 60, 0), 0);
	assert_int_equal(source_silent_after("ldap", 0, 60, 86400), 240);
	assert_int_equal(source_silent_after("csv", 0, 60, 86400), 0);
	assert_int_equal(source_silent_after("csv", 90000, 60, 0), 90000);
	assert_int_equal(source_silent_after("scim", 7, 60, 86400), 7);
	assert_int_equal(source_silent_after("ldap", 7, 60, 86400), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(silence), cmocka_unit_test(after)};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
