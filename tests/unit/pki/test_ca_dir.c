#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/ca_dir.h"
#include "core/pki/cert_check.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY ((int64_t)86400)

static char dir[] = "/tmp/test-ca-dir-XXXXXX";

static void path_of(char dst[PATH_MAX], const char *name)
{
	assert_true(snprintf(dst, PATH_MAX, "%s/%s", dir, name) < PATH_MAX);
}

static void make_folder(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void test_life(void **state)
{
	const int64_t now = 1000 * DAY;

	(void)state;
	assert_int_equal(cert_life(0, now + 31 * DAY, now, 30), CERT_LIFE_GOOD);
	assert_int_equal(cert_life(0, now + 30 * DAY, now, 30), CERT_LIFE_GOOD);
	assert_int_equal(cert_life(0, now + 30 * DAY - 1, now, 30), CERT_LIFE_SOON);
	assert_int_equal(cert_life(0, now + 7 * DAY, now, 30), CERT_LIFE_SOON);
	assert_int_equal(cert_life(0, now + 7 * DAY - 1, now, 30), CERT_LIFE_URGENT);
	assert_int_equal(cert_life(0, now, now, 30), CERT_LIFE_URGENT);
	assert_int_equal(cert_life(0, now - 1, now, 30), CERT_LIFE_OVER);
	assert_int_equal(cert_life(now + 1, now + 99 * DAY, now, 30), CERT_LIFE_EARLY);
	assert_int_equal(cert_life(now, now + 99 * DAY, now, 30), CERT_LIFE_GOOD);
	assert_string_equal(cert_life_text(CERT_LIFE_OVER), "expired");
}

static void test_previous(void **state)
{
	char beside[PATH_MAX];
	struct errmsg em = {""};
	int64_t until = 7;

	(void)state;
	path_of(beside, "ra.pem");
	assert_int_equal(ca_dir_previous(beside, &until, &em), E_NOTFOUND);
	make_folder("now");
	make_folder("now/previous");
	make_file("now/previous/until", "1700000000\n");
	assert_int_equal(ca_dir_previous(beside, &until, &em), E_OK);
	assert_int_equal(until, 1700000000);
	for (size_t i = 0; i < 4; i++) {
		static const char *const bad[] = {"", "\n", "soon\n", "1700000000 \n"};

		make_file("now/previous/until", bad[i]);
		assert_int_equal(ca_dir_previous(beside, &until, &em), E_CONFIG);
	}
	assert_int_equal(until, 1700000000);
}

static void test_retired(void **state)
{
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], beside[PATH_MAX], name[64];
	struct errmsg em = {""};
	size_t n = 7;

	(void)state;
	path_of(beside, "issuing.pem");
	assert_int_equal(ca_dir_retired(beside, ids, &n, &em), E_OK);
	assert_int_equal(n, 0);
	make_folder("now/retired");
	make_folder("now/retired/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	make_folder("now/retired/00000000000000000000000000000000");
	make_folder("now/retired/0000000000000000000000000000000");
	make_folder("now/retired/BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB");
	make_folder("now/retired/000000000000000000000000000000000");
	assert_int_equal(ca_dir_retired(beside, ids, &n, &em), E_OK);
	assert_int_equal(n, 2);
	assert_string_equal(ids[0], "00000000000000000000000000000000");
	assert_string_equal(ids[1], "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	for (int i = 2; i <= CA_DIR_RETIRED_MAX; i++) {
		snprintf(name, sizeof(name), "now/retired/%032d", i);
		make_folder(name);
	}
	assert_int_equal(ca_dir_retired(beside, ids, &n, &em), E_TOOBIG);
	assert_int_equal(n, 2);
}

static void test_path(void **state)
{
	static char longest[CA_DIR_PATH_SIZE + 10];
	char dst[CA_DIR_PATH_SIZE];

	(void)state;
	assert_int_equal(ca_dir_path("/a/b/ra.pem", "now/x", dst, NULL), E_OK);
	assert_string_equal(dst, "/a/b/now/x");
	assert_int_equal(ca_dir_path("ra.pem", "now/x", dst, NULL), E_OK);
	assert_string_equal(dst, "./now/x");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 3] = '/';
	assert_int_equal(ca_dir_path(longest, "now/x", dst, NULL), E_TOOBIG);
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_previous),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
