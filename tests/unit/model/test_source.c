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

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(silence)};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
