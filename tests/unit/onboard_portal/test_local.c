#include "onboard_portal/auth/local.h"

#include "core/base/clock.h"

#include <crypt.h>
#include <errno.h>
#include <time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test_local.XXXXXX";
static char path[64];
static char hash[CRYPT_OUTPUT_SIZE];

static int setup(void **state)
{
	struct crypt_data *d = calloc(1, sizeof(*d));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/accounts", dir);
	assert_non_null(crypt_gensalt_rn("$y$", 1, NULL, 0, setting, sizeof(setting)));
	snprintf(hash, sizeof(hash), "%s", crypt_r("right", setting, d));
	free(d);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

/* By renaming, as scepctl does. */
static void write_accounts(const char *format, mode_t mode)
{
	char fresh[80];
	FILE *f;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	f = fopen(fresh, "w");
	assert_non_null(f);
	for (const char *p = format; *p != '\0'; p++) {
		if (*p == '%')
			fputs(hash, f);
		else
			fputc(*p, f);
	}
	fclose(f);
	assert_int_equal(chmod(fresh, mode), 0);
	assert_int_equal(rename(fresh, path), 0);
}

static int check(struct auth *a, const char *login, const char *password, struct user *u)
{
	struct errmsg em = {0};

	return a->check(a->self, login, password, u, &em);
}

static void right_wrong_unknown_empty(void **state)
{
	struct errmsg em = {0};
	struct user u = {0};
	struct auth a;

	(void)state;
	write_accounts("# people\n\nanna:%:staff,students:Anna B:anna@example.edu\nbert:%:::\n",
		       0600);
	assert_int_equal(local_open(path, &a, &em), E_OK);
	assert_string_equal(em.text, "");
	assert_int_equal(check(&a, "anna", "right", &u), E_OK);
	assert_string_equal(u.source, "local");
	assert_string_equal(u.name, "Anna B");
	assert_int_equal(u.n_groups, 2);
	assert_string_equal(u.groups[1], "students");
	assert_int_equal(check(&a, "bert", "right", &u), E_OK);
	assert_string_equal(u.name, "bert");
	assert_int_equal(u.n_groups, 0);
	assert_int_equal(check(&a, "anna", "wrong", &u), E_DENIED);
	assert_int_equal(check(&a, "anna", "", &u), E_DENIED);
	assert_int_equal(check(&a, "carl", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "# people", "right", &u), E_NOTFOUND);
	a.close(a.self);
}

static void file_is_read_again_when_it_changes(void **state)
{
	struct errmsg em = {0};
	struct user u;
	struct auth a;

	(void)state;
	write_accounts("anna:%:staff:A:\n", 0600);
	assert_int_equal(local_open(path, &a, &em), E_OK);
	assert_int_equal(check(&a, "anna", "right", &u), E_OK);
	write_accounts("anne:%:staff:A:\n", 0600); /* same size */
	assert_int_equal(check(&a, "anna", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "anne", "right", &u), E_OK);
	a.close(a.self);
}

static void missing_or_open_file_is_unavailable(void **state)
{
	struct errmsg em = {0};
	struct user u;
	struct auth a;

	(void)state;
	unlink(path);
	assert_int_equal(local_open(path, &a, &em), E_OK);
	assert_non_null(strstr(em.text, "accounts"));
	assert_int_equal(check(&a, "anna", "right", &u), E_UNAVAIL);
	write_accounts("anna:%:staff:A:\n", 0604);
	assert_int_equal(check(&a, "anna", "right", &u), E_UNAVAIL);
	write_accounts("anna:%:staff:A:\n", 0640);
	assert_int_equal(check(&a, "anna", "right", &u), E_OK);
	unlink(path);
	assert_int_equal(check(&a, "anna", "right", &u), E_UNAVAIL);
	a.close(a.self);
}

static void bad_lines_are_left_out(void **state)
{
	struct errmsg em = {0};
	struct user u;
	struct auth a;

	(void)state;
	write_accounts("anna:%:staff:A\n"           /* a field is missing */
		       "Bert:%:staff:B:\n"          /* upper case */
		       "carl:right:staff:C:\n"      /* no hash */
		       "dora:$1$abc$xxx:staff:D:\n" /* weak hash */
		       "emil:%:st aff:E:\n"         /* bad group */
		       "fred:%:staff:F::x\n"        /* a field too many */
		       "good:%:staff:G:\n",
		       0600);
	assert_int_equal(local_open(path, &a, &em), E_OK);
	assert_non_null(strstr(em.text, "left out"));
	assert_int_equal(check(&a, "good", "right", &u), E_OK);
	assert_int_equal(check(&a, "anna", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "Bert", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "bert", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "carl", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "dora", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "emil", "right", &u), E_NOTFOUND);
	assert_int_equal(check(&a, "fred", "right", &u), E_NOTFOUND);
	a.close(a.self);
}

/* Processor time, so that a busy machine does not decide. */
static int64_t spent_ms(void)
{
	struct timespec t;

	assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), 0);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Least of several runs of each. */
static void unknown_costs_what_wrong_costs(void **state)
{
	int64_t wrong = INT64_MAX, unknown = INT64_MAX;
	struct crypt_data *d = calloc(1, sizeof(*d));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct errmsg em = {0};
	struct user u;
	struct auth a;

	(void)state;
	assert_non_null(crypt_gensalt_rn("$y$", 6, NULL, 0, setting, sizeof(setting)));
	snprintf(hash, sizeof(hash), "%s", crypt_r("right", setting, d));
	free(d);
	write_accounts("anna:%:staff:A:\n", 0600);
	assert_int_equal(local_open(path, &a, &em), E_OK);
	for (int i = 0; i < 7; i++) {
		int64_t t = spent_ms();

		assert_int_equal(check(&a, "anna", "wrong", &u), E_DENIED);
		wrong = spent_ms() - t < wrong ? spent_ms() - t : wrong;
		t = spent_ms();
		assert_int_equal(check(&a, "nobody", "wrong", &u), E_NOTFOUND);
		unknown = spent_ms() - t < unknown ? spent_ms() - t : unknown;
	}
	print_message("# wrong %lld ms, unknown %lld ms\n", (long long)wrong, (long long)unknown);
	assert_true(wrong >= 5);
	assert_true(unknown * 2 >= wrong && wrong * 2 >= unknown);
	a.close(a.self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right_wrong_unknown_empty),
		cmocka_unit_test(file_is_read_again_when_it_changes),
		cmocka_unit_test(missing_or_open_file_is_unavailable),
		cmocka_unit_test(bad_lines_are_left_out),
		cmocka_unit_test(unknown_costs_what_wrong_costs),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
