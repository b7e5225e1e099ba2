#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scep_ca/signer/rate.h"

static unsigned take(struct rate *r, int64_t now, unsigned tries)
{
	unsigned n = 0;

	while (tries-- > 0)
		n += rate_take(r, now);
	return n;
}

static void test_bucket(void **state)
{
	const int64_t start = 1000000000;
	struct rate *r = NULL;

	(void)state;
	assert_int_equal(rate_new(60, &r), E_OK);
	assert_int_equal(take(r, start, 100), 60);      /* a minute's worth at once */
	assert_int_equal(take(r, start + 999, 100), 0); /* then one a second */
	assert_int_equal(take(r, start + 1000, 100), 1);
	assert_int_equal(take(r, start + 1500, 100), 0);
	assert_int_equal(take(r, start + 11000, 100), 10);
	assert_int_equal(take(r, start + 500, 100), 0); /* a clock that steps back gives nothing */
	assert_int_equal(take(r, start + 11000, 100), 0);
	assert_int_equal(take(r, start + 999999999, 100),
			 60); /* never more than a minute's worth */
	rate_free(r);
}

/* Many small waits give as much as a long one. */
static void test_nothing_is_lost(void **state)
{
	struct rate *r = NULL;
	unsigned n = 0;

	(void)state;
	assert_int_equal(rate_new(7, &r), E_OK);
	assert_int_equal(take(r, 1000000, 10), 7);
	for (int64_t ms = 1; ms <= 600000; ms++)
		n += rate_take(r, 1000000 + ms);
	assert_int_equal(n, 70);
	rate_free(r);
}

static void test_no_limit(void **state)
{
	struct rate *r = NULL;

	(void)state;
	assert_int_equal(rate_new(0, &r), E_OK);
	assert_int_equal(take(r, 5, 100000), 100000);
	rate_free(r);
	rate_free(NULL);
	assert_int_equal(rate_new(1000000, &r), E_OK); /* the highest */
	assert_int_equal(take(r, INT64_MAX / 2, 2000000), 1000000);
	rate_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_nothing_is_lost),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
