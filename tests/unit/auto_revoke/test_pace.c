#include "auto_revoke/rules/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static size_t taken(struct pace *p, size_t asked, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < asked; i++)
		n += pace_take(p, now);
	return n;
}

static void test_pace(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 60, 1000);
	assert_int_equal(taken(&p, 100, 1000), 60);
	assert_int_equal(p.over, 40);
	assert_int_equal(taken(&p, 100, 1999), 0);
	assert_int_equal(taken(&p, 100, 2000), 1);
	assert_int_equal(taken(&p, 100, 4500), 2);
	/* Never more than a minute's, however long nobody asked. */
	assert_int_equal(taken(&p, 100, 4500 + 86400000), 60);
}

static void test_pace_looked_at_often(void **state)
{
	struct pace p;
	size_t n;

	(void)state;
	pace_begin(&p, 60, 0);
	n = taken(&p, 60, 0);
	for (int64_t now = 1; now <= 10000; now++)
		n += pace_take(&p, now);
	assert_int_equal(n, 70);
}

static void test_pace_off(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 0, 0);
	assert_int_equal(taken(&p, 100000, 0), 100000);
	assert_int_equal(p.over, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_pace_looked_at_often),
		cmocka_unit_test(test_pace_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
