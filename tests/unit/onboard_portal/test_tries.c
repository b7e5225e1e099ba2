#include "onboard_portal/flow/tries.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t key[TRIES_KEY_SIZE] = {7};
static const struct tries_rule rule = {
	.free_tries = 3, .first_delay = 1, .max_delay = 60, .forget = 600};

static struct tries *make(size_t slots)
{
	struct tries *t = NULL;

	assert_int_equal(tries_new(&rule, slots, key, &t), E_OK);
	return t;
}

static void delay_doubles_up_to_its_limit(void **state)
{
	static const int64_t want[] = {0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct tries *t = make(64);
	int64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		tries_failed(t, "anna", now);
		assert_int_equal(tries_wait(t, "anna", now), want[i]);
		now += want[i];
		assert_int_equal(tries_wait(t, "anna", now), 0);
	}
	assert_int_equal(tries_wait(t, "bert", now), 0);
	tries_free(t);
}

static void forgets_after_quiet_time(void **state)
{
	struct tries *t = make(64);

	(void)state;
	for (int i = 0; i < 5; i++)
		tries_failed(t, "anna", 1000);
	assert_int_equal(tries_wait(t, "anna", 1000), 2);
	tries_failed(t, "anna", 1601);
	assert_int_equal(tries_wait(t, "anna", 1601), 0);
	tries_free(t);
}

static void success_clears_and_undo_takes_back_one(void **state)
{
	struct tries *t = make(64);

	(void)state;
	for (int i = 0; i < 5; i++)
		tries_failed(t, "anna", 1000);
	tries_undo(t, "anna", 1000);
	assert_int_equal(tries_wait(t, "anna", 1000), 1);
	tries_forget(t, "anna");
	assert_int_equal(tries_wait(t, "anna", 1000), 0);
	tries_failed(t, "anna", 1000);
	assert_int_equal(tries_wait(t, "anna", 1000), 0);
	tries_undo(t, "nobody", 1000);
	tries_free(t);
}

/* However many names fail, memory stays, and somebody who is kept waiting is not forgotten first. */
static void flood_does_not_free_the_blocked(void **state)
{
	struct tries *t = make(64);
	char name[32];

	(void)state;
	for (int i = 0; i < 20; i++)
		tries_failed(t, "anna", 1000);
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		tries_failed(t, name, 1000);
	}
	assert_int_equal(tries_wait(t, "anna", 1000), 60);
	tries_free(t);
}

static void ipv6_counts_by_network(void **state)
{
	char a[TRIES_ADDRESS_SIZE], b[TRIES_ADDRESS_SIZE];

	(void)state;
	tries_address(a, "2001:db8:1:2:aaaa::1");
	tries_address(b, "2001:db8:1:2:bbbb::2");
	assert_string_equal(a, b);
	tries_address(b, "2001:db8:1:3::1");
	assert_string_not_equal(a, b);
	tries_address(a, "192.0.2.1");
	assert_string_equal(a, "192.0.2.1");
	tries_address(b, "::ffff:192.0.2.9");
	tries_address(a, "::ffff:192.0.2.8");
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delay_doubles_up_to_its_limit),
		cmocka_unit_test(forgets_after_quiet_time),
		cmocka_unit_test(success_clears_and_undo_takes_back_one),
		cmocka_unit_test(flood_does_not_free_the_blocked),
		cmocka_unit_test(ipv6_counts_by_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
