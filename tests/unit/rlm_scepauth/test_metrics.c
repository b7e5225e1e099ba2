#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rlm_scepauth/metrics.h"

static char dir[] = "/tmp/scepauth-metrics.XXXXXX";
static char path[sizeof(dir) + 16];
static char text[16384];
static atomic_int n_said;

static void on_say(const char *what)
{
	assert_non_null(strstr(what, "metrics cannot be written: "));
	atomic_fetch_add(&n_said, 1);
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/m.prom", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static struct metrics *open_there(const char *where, const char *name, int every_ms)
{
	const struct metrics_options o = {
		.path = where, .name = name, .every_ms = every_ms, .say = on_say};
	struct metrics *m = NULL;

	atomic_store(&n_said, 0);
	assert_int_equal(metrics_open(&o, &m), E_OK);
	return m;
}

static bool read_file(void)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	return true;
}

static bool has(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	return strstr(text, whole) != NULL;
}

#define AT "{instance=\"radius\\\"1\\\\\""

static void counted(void **state)
{
	struct metrics *m = open_there(path, "radius\"1\\", 3600000);
	struct stat st;

	(void)state;
	metrics_asked(m, 100, AUTHZ_OK);
	metrics_verdict(m, AUTHZ_OK);
	metrics_asked(m, 250, AUTHZ_OK);
	metrics_verdict(m, AUTHZ_OK);
	metrics_asked(m, 251, AUTHZ_OK);
	metrics_verdict(m, AUTHZ_USER_HELD);
	metrics_asked(m, 120500, AUTHZ_BACKEND_TIMEOUT);
	metrics_verdict(m, AUTHZ_BACKEND_TIMEOUT);
	metrics_shadow(m, SHADOW_MOVED);
	metrics_breaker(m, true);
	metrics_verdict(m, AUTHZ_BACKEND_TIMEOUT); /* not asked */
	metrics_asked(m, 5000000, AUTHZ_BACKEND_ERROR);
	metrics_asked(m, 10, AUTHZ_BACKEND_DOWN);
	metrics_verdict(m, (enum authz_reason)1000);
	metrics_close(m);
	assert_true(read_file());
	assert_true(has("scepauth_verdicts_total" AT ",reason=\"ok\"} 2"));
	assert_true(has("scepauth_verdicts_total" AT ",reason=\"user_held\"} 1"));
	assert_true(has("scepauth_verdicts_total" AT ",reason=\"backend_timeout\"} 2"));
	assert_true(has("scepauth_verdicts_total" AT ",reason=\"internal_error\"} 1"));
	assert_true(has("scepauth_verdicts_total" AT ",reason=\"cert_revoked\"} 0"));
	assert_true(has("scepauth_backend_errors_total" AT ",kind=\"deadline\"} 1"));
	assert_true(has("scepauth_backend_errors_total" AT ",kind=\"down\"} 1"));
	assert_true(has("scepauth_backend_errors_total" AT ",kind=\"error\"} 1"));
	assert_true(has("scepauth_breaker_open" AT "} 1"));
	assert_true(has("scepauth_shadow_total" AT ",result=\"moved\"} 1"));
	assert_true(has("scepauth_shadow_total" AT ",result=\"refused\"} 0"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"0.00025\"} 3"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"0.0005\"} 4"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"0.1\"} 4"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"0.2\"} 5"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"1\"} 5"));
	assert_true(has("scepauth_lookup_seconds_bucket" AT ",le=\"+Inf\"} 6"));
	assert_true(has("scepauth_lookup_seconds_count" AT "} 6"));
	assert_true(has("scepauth_lookup_seconds_sum" AT "} 5.121111"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(atomic_load(&n_said), 0);
}

/* While it runs, too; and nothing but the whole file is ever seen under its name. */
static void replaced(void **state)
{
	static const struct timespec pause = {.tv_nsec = 2000000};
	struct metrics *m;
	bool good = false;

	(void)state;
	unlink(path);
	m = open_there(path, "a", 5);
	assert_int_not_equal(access(path, F_OK), 0);
	metrics_verdict(m, AUTHZ_OK);
	for (int i = 0; i < 5000 && !good; i++) {
		good = read_file() && strstr(text, "reason=\"no_group\"} 1\n");
		if (*text)
			assert_non_null(strstr(text, "scepauth_lookup_seconds_count"));
		if (i == 5)
			metrics_verdict(m, AUTHZ_NO_GROUP);
		nanosleep(&pause, NULL);
	}
	assert_true(good);
	metrics_close(m);
}

static void not_writable(void **state)
{
	static const struct timespec pause = {.tv_nsec = 20000000};
	char there[sizeof(dir) + 32], too_long[5000];
	struct metrics_options o = {.path = too_long, .name = "a", .every_ms = 5, .say = on_say};
	struct metrics *m;

	(void)state;
	snprintf(there, sizeof(there), "%s/no/m.prom", dir);
	m = open_there(there, "a", 1);
	metrics_verdict(m, AUTHZ_OK);
	nanosleep(&pause, NULL);
	metrics_close(m);
	/* said once, however often it was tried */
	assert_int_equal(atomic_load(&n_said), 1);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	assert_int_equal(metrics_open(&o, &m), E_TOOBIG);
}

/* Nothing was decided: nothing is written. No metrics at all: nothing happens. */
static void none(void **state)
{
	(void)state;
	unlink(path);
	metrics_close(open_there(path, "a", 1));
	assert_int_not_equal(access(path, F_OK), 0);
	metrics_asked(NULL, 1, AUTHZ_OK);
	metrics_verdict(NULL, AUTHZ_OK);
	metrics_breaker(NULL, true);
	metrics_shadow(NULL, SHADOW_SAME);
	metrics_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted),
		cmocka_unit_test(replaced),
		cmocka_unit_test(not_writable),
		cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
