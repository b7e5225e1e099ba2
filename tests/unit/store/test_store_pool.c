#include "tests/support/store_story.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 8
#define ROUNDS 50

static struct store_pool *open_pool(unsigned max)
{
	/* the pool must have copies of its own */
	char socket[96], user[16] = "radius", password[16] = "pw-radius";
	struct store_pool *p = NULL;
	struct store_options o = {
		.socket = socket, .user = user, .password = password, .deadline_ms = 5000};

	OK(text_copy(socket, sizeof(socket), S.redis.socket));
	OK(store_pool_open(&o, max, &p));
	memset(socket, 'x', sizeof(socket));
	memset(user, 'x', sizeof(user));
	memset(password, 'x', sizeof(password));
	return p;
}

static void hands_out_max(void **state)
{
	struct store_pool *p = open_pool(2);
	struct store *a, *b, *c;

	(void)state;
	a = store_pool_get(p);
	b = store_pool_get(p);
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	assert_null(store_pool_get(p));
	OK(store_ping(a, &S.em));
	OK(store_ping(b, &S.em));
	store_pool_put(p, b);
	c = store_pool_get(p);
	assert_ptr_equal(c, b);
	assert_null(store_pool_get(p));
	OK(store_ping(c, &S.em));
	store_pool_put(p, a);
	store_pool_put(p, c);
	store_pool_put(p, NULL);
	store_pool_close(p);
	store_pool_close(NULL);
}

static void none_at_all(void **state)
{
	struct store_pool *p = open_pool(0);

	(void)state;
	assert_null(store_pool_get(p));
	store_pool_close(p);
}

struct worker {
	struct store_pool *pool;
	atomic_int in, most, failures;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct facts f;
	int i, in;

	for (i = 0; i < ROUNDS;) {
		struct store *s = store_pool_get(w->pool);

		if (s == NULL)
			continue;
		in = atomic_fetch_add(&w->in, 1) + 1;
		if (in > atomic_load(&w->most))
			atomic_store(&w->most, in);
		if (store_authorize(s, "0123456789abcdef0123456789abcdef", &f, NULL) != E_OK ||
		    f.have_cert)
			atomic_fetch_add(&w->failures, 1);
		atomic_fetch_sub(&w->in, 1);
		store_pool_put(w->pool, s);
		i++;
	}
	return NULL;
}

/* Nothing but taking and giving back: shows a missing lock. */
static void *grab(void *arg)
{
	struct worker *w = arg;
	int i, in;

	for (i = 0; i < 100000; i++) {
		struct store *s = store_pool_get(w->pool);

		if (s == NULL)
			continue;
		in = atomic_fetch_add(&w->in, 1) + 1;
		if (in > 3)
			atomic_fetch_add(&w->failures, 1);
		atomic_fetch_sub(&w->in, 1);
		store_pool_put(w->pool, s);
	}
	return NULL;
}

static void grabbed_by_threads(void **state)
{
	struct worker w = {.pool = open_pool(3)};
	struct store *all[3];
	pthread_t t[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, grab, &w), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(atomic_load(&w.failures), 0);
	/* none was lost, none is there twice */
	for (i = 0; i < 3; i++)
		assert_non_null(all[i] = store_pool_get(w.pool));
	assert_null(store_pool_get(w.pool));
	assert_true(all[0] != all[1] && all[1] != all[2] && all[0] != all[2]);
	for (i = 0; i < 3; i++)
		store_pool_put(w.pool, all[i]);
	store_pool_close(w.pool);
}

static void shared_by_threads(void **state)
{
	struct worker w = {.pool = open_pool(3)};
	pthread_t t[THREADS];
	int i;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, work, &w), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(atomic_load(&w.failures), 0);
	assert_in_range(atomic_load(&w.most), 1, 3);
	store_pool_close(w.pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hands_out_max),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(grabbed_by_threads),
		cmocka_unit_test(shared_by_threads),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
