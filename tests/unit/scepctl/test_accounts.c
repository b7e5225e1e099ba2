#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scepctl/accounts.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96];

static int setup(void **state)
{
	FILE *f;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-accounts.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/accounts", dir);
	umask(077);
	f = fopen(path, "w");
	fputs("# a comment\n\nold:$y$h:staff:Old One:old@x.de\nnot:an account\n", f);
	return fclose(f);
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir); /* fails when a temporary file was left behind */
}

static void read_all(char *dst, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = fread(dst, 1, size - 1, f);

	dst[n] = '\0';
	fclose(f);
}

static struct accounts *opened(void)
{
	struct accounts *a = NULL;
	struct errmsg em = {""};

	if (accounts_open(path, &a, &em) != E_OK)
		fail_msg("%s", em.text);
	return a;
}

static struct account account(const char *login)
{
	return (struct account){
		.login = login, .hash = "$y$x", .groups = "staff", .name = "N", .email = "e@x.de"};
}

static void test_change(void **state)
{
	struct accounts *a = opened();
	struct account found, new = account("new");
	char text[1000];
	struct stat st;

	(void)state;
	assert_int_equal(accounts_count(a), 1);
	assert_int_equal(accounts_find(a, "old", &found), E_OK);
	assert_string_equal(found.name, "Old One");
	assert_int_equal(accounts_find(a, "not", &found), E_NOTFOUND);
	assert_int_equal(accounts_add(a, &new, NULL), E_OK);
	assert_int_equal(accounts_add(a, &new, NULL), E_EXISTS);
	assert_int_equal(accounts_set_hash(a, "old", "$y$changed", NULL), E_OK);
	assert_int_equal(accounts_set_hash(a, "none", "x", NULL), E_NOTFOUND);
	assert_int_equal(accounts_save(a, NULL), E_OK);
	accounts_close(a);
	read_all(text, sizeof(text));
	assert_string_equal(text,
			    "# a comment\n\nold:$y$changed:staff:Old One:old@x.de\nnot:an account\n"
			    "new:$y$x:staff:N:e@x.de\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	a = opened();
	assert_int_equal(accounts_del(a, "old", NULL), E_OK);
	assert_int_equal(accounts_del(a, "old", NULL), E_NOTFOUND);
	assert_int_equal(accounts_save(a, NULL), E_OK);
	accounts_close(a);
	read_all(text, sizeof(text));
	assert_string_equal(text, "# a comment\n\nnot:an account\nnew:$y$x:staff:N:e@x.de\n");
}

static void test_no_injection(void **state)
{
	struct accounts *a = opened();
	struct account x;

	(void)state;
#define REFUSED(field, value)                                                                      \
	(x = account("x"), x.field = (value), assert_int_equal(accounts_add(a, &x, NULL), E_FORMAT))
	REFUSED(name, "a:b");
	REFUSED(name, "a\nroot:$y$x:staff::");
	REFUSED(email, "a b@c");
	REFUSED(email, "a@b:c");
	REFUSED(groups, "a:b");
	REFUSED(login, "a\nb");
	REFUSED(hash, "$y$:");
#undef REFUSED
	assert_int_equal(accounts_count(a), 1);
	accounts_close(a);
}

static void test_one_at_a_time(void **state)
{
	struct accounts *a = opened(), *b = NULL;

	(void)state;
	assert_int_equal(accounts_open(path, &b, NULL), E_STATE);
	assert_null(b);
	accounts_close(a);
	accounts_close(opened());
	accounts_close(NULL);
}

static void test_missing(void **state)
{
	struct accounts *a = NULL;
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "%s/none", dir);
	assert_int_equal(accounts_open(other, &a, NULL), E_NOTFOUND);
	assert_null(a);
}

static void test_login(void **state)
{
	static const char *const bad[] = {"",    "a b",      "a:b", "-a", ".a",
					  "a\n", "\xc3\xa4", "a/b", "a,b"};
	char login[LOGIN_SIZE];

	(void)state;
	assert_int_equal(accounts_login(login, "Sam.Student@Example.EDU", NULL), E_OK);
	assert_string_equal(login, "sam.student@example.edu");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (accounts_login(login, bad[i], NULL) != E_FORMAT)
			fail_msg("accepted: '%s'", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_change, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_injection, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
