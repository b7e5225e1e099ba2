#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scep_ca/front/crl_cache.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

/* The signer of this test: its "list" is a text that counts. */
static struct {
	int calls, made, result;
	char revision[8];
	int64_t now, lifetime;
	long delay_ms;
} fake;

int signer_crl(struct signer *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em)
{
	struct timespec pause = {.tv_nsec = fake.delay_ms * 1000000};

	(void)s;
	assert_string_equal(profile, "staff");
	fake.calls++;
	(void)nanosleep(&pause, NULL);
	if (fake.result != E_OK)
		return err_set(em, fake.result, "no");
	*ret = (struct signer_crl){.made = strcmp(known, fake.revision) != 0};
	memcpy(ret->revision, fake.revision, sizeof(fake.revision));
	if (!ret->made)
		return E_OK;
	buf_addf(out, "list %d", ++fake.made);
	ret->this_update = fake.now;
	ret->next_update = fake.now + fake.lifetime;
	return E_OK;
}

static struct crl_cache *cache;
static char shown[32];

/* Leaves the list in shown. */
static int get(int64_t now, int64_t mono_ms)
{
	struct crl_cache_seen seen;
	struct errmsg em = {""};
	struct buf out = {0};
	int rc;

	fake.now = now;
	buf_init(&out, 100);
	rc = crl_cache_get(cache, now, mono_ms, &out, &seen, &em);
	snprintf(shown, sizeof(shown), "%s%s", buf_str(&out), em.text[0] ? "!" : "");
	if (rc == E_OK) {
		assert_true(now < seen.next_update);
		assert_int_equal(strlen(seen.etag), 64);
	} else {
		assert_int_equal(out.n, 0);
	}
	buf_free(&out);
	return rc;
}

static int start(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.lifetime = 86400;
	memcpy(fake.revision, "r1", 3);
	return crl_cache_new(NULL, "staff", &cache);
}

static int end(void **state)
{
	(void)state;
	crl_cache_free(cache);
	return 0;
}

static void shows(int64_t now, int64_t ms, const char *want)
{
	assert_int_equal(get(now, ms), E_OK);
	assert_string_equal(shown, want);
}

static void test_asks_seldom(void **state)
{
	(void)state;
	shows(1000, 0, "list 1");
	memcpy(fake.revision, "r2", 3);
	shows(1001, CRL_CACHE_CHECK_MS - 1, "list 1");
	assert_int_equal(fake.calls, 1);
	shows(1002, CRL_CACHE_CHECK_MS, "list 2");
	shows(1004, 2 * CRL_CACHE_CHECK_MS, "list 2"); /* asked, nothing new */
	shows(1004, 3 * CRL_CACHE_CHECK_MS - 1, "list 2");
	assert_int_equal(fake.calls, 3);
	/* leave dates pass without a change */
	shows(1002 + CRL_CACHE_RENEW - 1, 100000, "list 2");
	shows(1002 + CRL_CACHE_RENEW, 200000, "list 3");
	/* a clock that was set back is no reason to keep a list from the future */
	shows(500, 300000, "list 4");
}

/* A signer that takes long is asked less often: ten times as long as it took, here 3 s or more. */
static void test_slow(void **state)
{
	(void)state;
	fake.delay_ms = 300;
	shows(1000, 0, "list 1");
	fake.delay_ms = 0;
	memcpy(fake.revision, "r2", 3);
	shows(1001, 2999, "list 1");
	assert_int_equal(fake.calls, 1);
	shows(1002, 60000, "list 2");
	memcpy(fake.revision, "r3", 3);
	shows(1003, 60000 + CRL_CACHE_CHECK_MS, "list 3");
}

static void test_away(void **state)
{
	(void)state;
	fake.result = E_UNAVAIL;
	assert_int_equal(get(1000, 0), E_UNAVAIL);
	assert_int_equal(get(1000, 1), E_UNAVAIL);
	assert_int_equal(fake.calls, 1); /* no storm on a store that is away */
	fake.result = E_OK;
	shows(1000, 3000, "list 1");
	fake.result = E_TIMEOUT;
	shows(1003, 6000, "list 1!");
	shows(1000 + 86399, 90000, "list 1!");
	assert_int_equal(get(1000 + 86400, 100000), E_UNAVAIL);
	fake.result = E_CRYPTO;
	assert_int_equal(get(1000 + 86400, 200000), E_CRYPTO);
}

static void *one(void *arg)
{
	struct crl_cache_seen seen;
	struct buf out = {0};
	int *rc = arg;

	buf_init(&out, 100);
	*rc = crl_cache_get(cache, 1000, 0, &out, &seen, NULL);
	buf_free(&out);
	return NULL;
}

static void test_together(void **state)
{
	pthread_t t[8];
	int rc[8];

	(void)state;
	fake.delay_ms = 50;
	fake.now = 1000;
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, one, &rc[i]), 0);
	for (int i = 0; i < 8; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(rc[i], E_OK);
	}
	assert_int_equal(fake.calls, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_asks_seldom, start, end),
		cmocka_unit_test_setup_teardown(test_slow, start, end),
		cmocka_unit_test_setup_teardown(test_away, start, end),
		cmocka_unit_test_setup_teardown(test_together, start, end),
	};

	return cmocka_run_group_tests_name("crl_cache", tests, NULL, NULL);
}
