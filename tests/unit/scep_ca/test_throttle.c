#include "scep_ca/front/throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void drain(struct throttle *t, const char *client, int64_t at)
{
	for (int i = 0; i < THROTTLE_BURST; i++) {
		assert_true(throttle_allows(t, client, at));
		throttle_refused(t, client, at);
	}
	assert_false(throttle_allows(t, client, at));
}

static void bucket_empties_and_refills(void **state)
{
	struct throttle *t = NULL;

	(void)state;
	assert_int_equal(throttle_new(&t), E_OK);
	drain(t, "192.0.2.1", 1000);
	assert_true(throttle_allows(t, "192.0.2.2", 1000));
	assert_false(throttle_allows(t, "192.0.2.1", 1000 + 1000 / THROTTLE_PER_SECOND - 1));
	assert_true(throttle_allows(t, "192.0.2.1", 1000 + 1000 / THROTTLE_PER_SECOND));
	/* full again after a while, and never fuller than full */
	drain(t, "192.0.2.1", 1000 + 86400000LL);
	throttle_free(t);
}

static void one_bucket_per_prefix(void **state)
{
	struct throttle *t = NULL;

	(void)state;
	assert_int_equal(throttle_new(&t), E_OK);
	drain(t, "2001:db8::1", 0);
	assert_false(throttle_allows(t, "2001:db8::ffff", 0));
	assert_true(throttle_allows(t, "2001:db8:0:1::1", 0));
	drain(t, "::ffff:192.0.2.9", 0);
	assert_false(throttle_allows(t, "192.0.2.9", 0));
	throttle_free(t);
}

static void asking_costs_nothing(void **state)
{
	struct throttle *t = NULL;

	(void)state;
	assert_int_equal(throttle_new(&t), E_OK);
	for (int i = 0; i < 10 * THROTTLE_BURST; i++)
		assert_true(throttle_allows(t, "192.0.2.1", 0));
	throttle_free(t);
}

/* A flood from many addresses does not wash out the worst one. */
static void many_addresses(void **state)
{
	struct throttle *t = NULL;
	char client[32];

	(void)state;
	assert_int_equal(throttle_new(&t), E_OK);
	drain(t, "192.0.2.1", 0);
	for (int i = 0; i < 20000; i++) {
		assert_true(snprintf(client, sizeof(client), "10.%d.%d.%d", i >> 16, (i >> 8) & 255,
				     i & 255) > 0);
		throttle_refused(t, client, 0);
	}
	assert_false(throttle_allows(t, "192.0.2.1", 0));
	throttle_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_empties_and_refills),
		cmocka_unit_test(one_bucket_per_prefix),
		cmocka_unit_test(asking_costs_nothing),
		cmocka_unit_test(many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
