/* Percentiles and outcome counts of the load generator. */
#include "bench/eap_load/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct hist h;
static struct tally t;

static int fresh(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	memset(&t, 0, sizeof(t));
	return 0;
}

static void nothing_measured(void **state)
{
	(void)state;
	assert_int_equal(hist_percentile(&h, 50), 0);
	assert_int_equal(hist_mean(&h), 0);
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 100; i++)
		hist_add(&h, i);
	assert_int_equal(hist_percentile(&h, 0), 1);
	assert_int_equal(hist_percentile(&h, 50), 50);
	assert_int_equal(hist_percentile(&h, 50.1), 51);
	assert_int_equal(hist_percentile(&h, 99), 99);
	assert_int_equal(hist_percentile(&h, 100), 100);
	assert_int_equal(h.min, 1);
	assert_int_equal(h.max, 100);
	assert_int_equal(hist_mean(&h), 50);
}

static void large_values_are_near(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < UINT64_C(1) << 38; v = v * 3 + 1) {
		uint64_t p;

		memset(&h, 0, sizeof(h));
		hist_add(&h, v);
		hist_add(&h, v * 4);
		p = hist_percentile(&h, 50);
		assert_true(p >= v && p <= v + v / HIST_SUB);
		assert_int_equal(hist_percentile(&h, 100), v * 4);
	}
}

static void order_is_kept(void **state)
{
	uint64_t last = 0;

	(void)state;
	for (uint64_t v = 0; v < 100000; v += 7)
		hist_add(&h, v);
	for (int p = 0; p <= 1000; p++) {
		uint64_t v = hist_percentile(&h, p / 10.0);

		assert_true(v >= last);
		last = v;
	}
	assert_int_equal(last, h.max);
}

static void beyond_all_bounds(void **state)
{
	(void)state;
	hist_add(&h, UINT64_MAX);
	assert_int_equal(hist_percentile(&h, 50), UINT64_MAX);
	hist_add(&h, 5);
	assert_int_equal(hist_percentile(&h, 50), 5);
}

static void reasons_are_counted_apart(void **state)
{
	(void)state;
	tally_add(&t, OUTCOME_ACCEPT, "");
	tally_add(&t, OUTCOME_REJECT, "go away");
	tally_add(&t, OUTCOME_REJECT, "go away");
	tally_add(&t, OUTCOME_PROTOCOL, "go away");
	assert_int_equal(tally_total(&t), 4);
	assert_int_equal(t.n_reasons, 2);
	assert_int_equal(t.reasons[0].n, 2);
	assert_int_equal(t.n[OUTCOME_REJECT], 2);
}

static void a_servers_text_is_harmless(void **state)
{
	char text[2 * REASON_SIZE];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "\x1b[2J\n\x7f", 6);
	tally_add(&t, OUTCOME_REJECT, text);
	assert_int_equal(strlen(t.reasons[0].text), REASON_SIZE - 1);
	assert_memory_equal(t.reasons[0].text, "?[2J??x", 7);
}

static void too_many_reasons_share_a_line(void **state)
{
	char text[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "reason %d", i);
		tally_add(&t, OUTCOME_REJECT, text);
	}
	assert_int_equal(t.n_reasons, REASONS_MAX);
	assert_string_equal(t.reasons[REASONS_MAX - 1].text, "(others)");
	assert_int_equal(t.reasons[REASONS_MAX - 1].n, 100 - (REASONS_MAX - 1));
	assert_int_equal(tally_total(&t), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_measured, fresh),
		cmocka_unit_test_setup(small_values_are_exact, fresh),
		cmocka_unit_test_setup(large_values_are_near, fresh),
		cmocka_unit_test_setup(order_is_kept, fresh),
		cmocka_unit_test_setup(beyond_all_bounds, fresh),
		cmocka_unit_test_setup(reasons_are_counted_apart, fresh),
		cmocka_unit_test_setup(a_servers_text_is_harmless, fresh),
		cmocka_unit_test_setup(too_many_reasons_share_a_line, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
