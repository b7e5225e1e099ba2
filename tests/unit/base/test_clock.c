#include "core/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void test_now(void **state)
{
	int64_t real = (int64_t)time(NULL);

	(void)state;
	assert_true(clock_now() - real <= 2 && clock_now() >= real);
	clock_fix(1000);
	assert_true(clock_now() == 1000);
	clock_fix(0);
	assert_true(clock_now() >= real);
}

static void test_mono(void **state)
{
	int64_t a = clock_mono_ms(), b;

	(void)state;
	clock_fix(5); /* does not freeze durations */
	usleep(20000);
	b = clock_mono_ms();
	clock_fix(0);
	assert_true(b - a >= 19 && b - a < 2000);
}

static void test_iso(void **state)
{
	char text[21], small[5];

	(void)state;
	clock_iso(text, sizeof(text), 1795380279);
	assert_string_equal(text, "2026-11-22T20:44:39Z");
	clock_iso(text, sizeof(text), 0);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	clock_iso(text, sizeof(text), 4102444800);
	assert_string_equal(text, "2100-01-01T00:00:00Z");
	clock_iso(small, sizeof(small), 0);
	assert_string_equal(small, "");
	clock_iso(text, sizeof(text), INT64_MAX);
	assert_string_equal(text, "");
	clock_iso(small, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_now), cmocka_unit_test(test_mono),
					   cmocka_unit_test(test_iso)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
