/* The export as a file: read whole while it holds still, or not at all. */
#include "auto_revoke/directory/directory.h"
#include "auto_revoke/directory/roster.h"
#include "core/base/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64], path[128];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/scepauth-unit-file.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/directory.csv", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)rmdir(path);
	return rmdir(dir);
}

/* age: seconds before now; negative lies in the future. */
static void put(const char *text, int age)
{
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT},
				{.tv_sec = time(NULL) - age, .tv_nsec = age == 0 ? UTIME_NOW : 0}};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(futimens(fd, t), 0);
	assert_int_equal(close(fd), 0);
}

static struct directory open_csv(void)
{
	struct directory d;

	assert_int_equal(directory_file_open(path, "csv", &d, NULL), E_OK);
	return d;
}

static int look(struct directory *d, size_t *ret_n, struct errmsg *em)
{
	struct directory_mark mark;
	struct roster r;
	int rc;

	roster_init(&r);
	rc = d->read_all(d->ctx, roster_add, &r, &mark, em);
	*ret_n = r.n;
	roster_free(&r);
	return rc;
}

static void test_settled(void **state)
{
	struct directory d = open_csv();
	struct errmsg em = {""};
	size_t n;

	(void)state;
	assert_string_equal(d.name, "csv");
	assert_true(d.changed(d.ctx));
	put("login\nanna\n", 5);
	assert_int_equal(look(&d, &n, &em), E_OK);
	assert_int_equal(n, 1);
	assert_false(d.changed(d.ctx));
	put("login\nanna\nben\n", 4);
	assert_true(d.changed(d.ctx));
	assert_int_equal(look(&d, &n, &em), E_OK);
	assert_int_equal(n, 2);
	/* Same size and time, but another file put over it. */
	char other[160];

	(void)snprintf(other, sizeof(other), "%s.new", path);
	assert_int_equal(rename(path, other), 0);
	put("login\nanna\ncat\n", 4);
	assert_true(d.changed(d.ctx));
	assert_int_equal(unlink(other), 0);
	directory_close(&d);
	directory_close(&d);
	directory_close(NULL);
}

/* Too young by the wall clock, or dated in the future: believed after a second without change. */
static void test_young(void **state)
{
	struct directory d = open_csv();
	struct errmsg em = {""};
	int ages[] = {0, -3600};
	size_t n;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int64_t begin;
		int rc;

		put("login\nanna\n", ages[i]);
		begin = clock_mono_ms();
		assert_int_equal(look(&d, &n, &em), E_STATE);
		while ((rc = look(&d, &n, &em)) == E_STATE && clock_mono_ms() - begin < 5000)
			(void)usleep(50000);
		assert_int_equal(rc, E_OK);
		assert_true(clock_mono_ms() - begin >= 950);
	}
	directory_close(&d);
}

/* A writer that goes on: every change starts the second anew. */
static void test_growing(void **state)
{
	struct directory d = open_csv();
	struct errmsg em = {""};
	char text[256] = "login\n";
	size_t n;

	(void)state;
	for (int i = 0; i < 8; i++) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "p%d\n", i);
		put(text, -100);
		assert_int_equal(look(&d, &n, &em), E_STATE);
		assert_int_equal(n, 0);
		(void)usleep(200000);
	}
	directory_close(&d);
}

static void test_refused(void **state)
{
	struct directory d = open_csv();
	struct errmsg em = {""};
	size_t n;

	(void)state;
	assert_int_equal(look(&d, &n, &em), E_NOTFOUND);
	put("", 5);
	assert_int_equal(look(&d, &n, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "the file is empty"));
	assert_non_null(strstr(em.text, path));
	put("login\nanna\nben", 5);
	assert_int_equal(look(&d, &n, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "line 3"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(look(&d, &n, &em), E_FORMAT);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	(void)alarm(20);
	assert_int_equal(look(&d, &n, &em), E_FORMAT); /* and does not hang */
	(void)alarm(0);
	directory_close(&d);
	assert_int_equal(directory_file_open(path, "xml", &d, &em), E_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_settled, setup, teardown),
		cmocka_unit_test_setup_teardown(test_young, setup, teardown),
		cmocka_unit_test_setup_teardown(test_growing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("auto_revoke/file", tests, NULL, NULL);
}
