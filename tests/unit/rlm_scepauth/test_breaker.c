#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

#include "rlm_scepauth/breaker.h"

static void test_closed_lets_all_pass(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 250);
	for (int i = 0; i < 3; i++) {
		assert_true(breaker_allow(&b, 1000));
		assert_false(breaker_report(&b, 1000, true));
	}
}

static void test_opens_on_failure(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 250);
	assert_true(breaker_allow(&b, 1000));
	assert_true(breaker_report(&b, 1000, false));  /* news */
	assert_false(breaker_report(&b, 1000, false)); /* not news */
	assert_false(breaker_allow(&b, 1000));
	assert_false(breaker_allow(&b, 1250));
}

static void test_one_probe_at_a_time(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 250);
	breaker_report(&b, 1000, false);
	assert_true(breaker_allow(&b, 1251));
	assert_false(breaker_allow(&b, 1251));
	assert_false(breaker_allow(&b, 1400));
	/* The probe failed: everybody waits again. */
	assert_false(breaker_report(&b, 1370, false));
	assert_false(breaker_allow(&b, 1600));
	/* The next one succeeds. */
	assert_true(breaker_allow(&b, 1621));
	assert_true(breaker_report(&b, 1622, true));
	assert_true(breaker_allow(&b, 1622));
	assert_true(breaker_allow(&b, 1622));
}

/* A probe whose caller never reports (it found no connection) must not shut the door for good. */
static void test_lost_probe(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 250);
	breaker_report(&b, 1000, false);
	assert_true(breaker_allow(&b, 1300));
	assert_false(breaker_allow(&b, 1301));
	assert_true(breaker_allow(&b, 1551));
}

static void test_hold_of_zero(void **state)
{
	struct breaker b;

	(void)state;
	breaker_init(&b, 0);
	breaker_report(&b, 0, false);
	assert_false(breaker_allow(&b, 0));
	assert_true(breaker_allow(&b, 1));
}

#define THREADS 8

struct racer {
	struct breaker *b;
	pthread_barrier_t *gate;
	int passed;
};

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->gate);
	r->passed = breaker_allow(r->b, 2000);
	return NULL;
}

static void test_threads_race_for_the_probe(void **state)
{
	(void)state;
	for (int round = 0; round < 50; round++) {
		struct racer racers[THREADS];
		pthread_t threads[THREADS];
		pthread_barrier_t gate;
		struct breaker b;
		int passed = 0;

		breaker_init(&b, 250);
		breaker_report(&b, 1000, false);
		pthread_barrier_init(&gate, NULL, THREADS);
		for (int i = 0; i < THREADS; i++) {
			racers[i] = (struct racer){.b = &b, .gate = &gate};
			assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) {
			assert_int_equal(pthread_join(threads[i], NULL), 0);
			passed += racers[i].passed;
		}
		pthread_barrier_destroy(&gate);
		assert_int_equal(passed, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_lets_all_pass),
		cmocka_unit_test(test_opens_on_failure),
		cmocka_unit_test(test_one_probe_at_a_time),
		cmocka_unit_test(test_lost_probe),
		cmocka_unit_test(test_hold_of_zero),
		cmocka_unit_test(test_threads_race_for_the_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
