/* The files in run/: what was written is read back, what was damaged is refused. */
#include "auto_revoke/daemon/runfile.h"
#include "core/base/digest.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/scepauth-unit-run.XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {RUNFILE_STATE, RUNFILE_BRAKE, RUNFILE_APPROVED,
					    RUNFILE_LOCK};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (runfile_remove(dir, names[i], NULL) != E_OK)
			return -1;
	return rmdir(dir);
}

static void spoil(const char *name, const char *text)
{
	assert_int_equal(runfile_write(dir, name, text, strlen(text), NULL), E_OK);
}

static void test_state(void **state)
{
	struct run_state s = {.people = 7, .mtime_ns = 1795466679123456789, .end_marked = true},
			 got;
	struct errmsg em = {""};
	char path[128];
	struct stat st;

	(void)state;
	assert_int_equal(run_state_read(dir, "/x/directory.csv", &got, &em), E_OK);
	assert_int_equal(got.people, 0);
	(void)snprintf(s.applying, sizeof(s.applying), "%064d", 5);
	assert_int_equal(run_state_write(dir, "/x/directory.csv", &s, &em), E_OK);
	assert_int_equal(run_state_read(dir, "/x/directory.csv", &got, &em), E_OK);
	assert_int_equal(got.people, 7);
	assert_int_equal(got.mtime_ns, 1795466679123456789);
	assert_true(got.end_marked);
	assert_string_equal(got.applying, s.applying);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, RUNFILE_STATE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Another export starts anew. */
	assert_int_equal(run_state_read(dir, "/y/directory.csv", &got, &em), E_OK);
	assert_int_equal(got.people, 0);
	assert_int_equal(got.mtime_ns, 0);
	spoil(RUNFILE_STATE, "file /x/directory.csv\npeople -3\nmtime_ns 0\nend_marked 0\n");
	assert_int_equal(run_state_read(dir, "/x/directory.csv", &got, &em), E_FORMAT);
	spoil(RUNFILE_STATE, "");
	assert_int_equal(run_state_read(dir, "/x/directory.csv", &got, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "remove it"));
}

static void test_brake(void **state)
{
	struct run_brake b = {.why = "count",
			      .since = "2026-11-22T20:44:39Z",
			      .known = 100,
			      .affected = 2,
			      .listed = 98,
			      .before = 100,
			      .plan = "remove u1 anna\nremove u2 ben\n"};
	struct run_brake got = {.plan = NULL};
	struct errmsg em = {""};
	struct buf text;
	char *evil;

	(void)state;
	assert_int_equal(run_brake_read(dir, &got, &em), E_NOTFOUND);
	assert_int_equal(digest_sha256_hex(bytes_str(b.plan), b.digest), E_OK);
	assert_int_equal(run_brake_write(dir, &b, &em), E_OK);
	assert_int_equal(run_brake_read(dir, &got, &em), E_OK);
	assert_string_equal(got.plan, b.plan);
	assert_string_equal(got.digest, b.digest);
	assert_string_equal(got.why, "count");
	assert_int_equal(got.known + got.affected + got.listed + got.before, 300);
	run_brake_free(&got);
	/* A list that was edited is not what the digest stands for. */
	assert_int_equal(runfile_read(dir, RUNFILE_BRAKE, &text, &em), E_OK);
	evil = strstr((char *)text.p, "u2 ben");
	assert_non_null(evil);
	evil[1] = '3';
	spoil(RUNFILE_BRAKE, buf_str(&text));
	buf_free(&text);
	assert_int_equal(run_brake_read(dir, &got, &em), E_FORMAT);
	spoil(RUNFILE_BRAKE, "digest x\n");
	assert_int_equal(run_brake_read(dir, &got, &em), E_FORMAT);
	run_brake_free(NULL);
}

static void test_approval(void **state)
{
	char digest[HASH_SIZE] = "old", by[TEXT_SIZE] = "old", want[HASH_SIZE];

	(void)state;
	assert_int_equal(run_approval_read(dir, digest, by, NULL), E_NOTFOUND);
	(void)snprintf(want, sizeof(want), "%064d", 9);
	assert_int_equal(run_approval_write(dir, want, "uid 0 (root)", NULL), E_OK);
	assert_int_equal(run_approval_read(dir, digest, by, NULL), E_OK);
	assert_string_equal(digest, want);
	assert_string_equal(by, "uid 0 (root)");
	spoil(RUNFILE_APPROVED, "by somebody\n");
	assert_int_equal(run_approval_read(dir, digest, by, NULL), E_FORMAT);
	assert_string_equal(digest, want);
}

/* Somebody else's link in run/ is neither followed when reading nor written through. */
static void test_links(void **state)
{
	char target[128], name[128];
	struct buf text;
	struct stat st;

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/target", dir);
	(void)snprintf(name, sizeof(name), "%s/%s", dir, RUNFILE_STATE);
	assert_int_equal(symlink(target, name), 0);
	assert_int_equal(runfile_read(dir, RUNFILE_STATE, &text, NULL), E_IO);
	(void)snprintf(name, sizeof(name), "%s/%s.new", dir, RUNFILE_STATE);
	assert_int_equal(symlink(target, name), 0);
	spoil(RUNFILE_STATE, "x");
	assert_int_not_equal(stat(target, &st), 0);
}

static void test_lock(void **state)
{
	struct errmsg em = {""};
	int a = -1, b = -1;

	(void)state;
	assert_int_equal(runfile_lock(dir, &a, &em), E_OK);
	assert_int_equal(runfile_lock(dir, &b, &em), E_EXISTS);
	assert_int_equal(b, -1);
	(void)close(a);
	assert_int_equal(runfile_lock(dir, &b, &em), E_OK);
	(void)close(b);
	assert_int_equal(runfile_lock("/nonexistent", &b, &em), E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_brake, setup, teardown),
		cmocka_unit_test_setup_teardown(test_approval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	};

	return cmocka_run_group_tests_name("auto_revoke/runfile", tests, NULL, NULL);
}
