/* The files in run/: what was written is read back, what was damaged is refused. */
#include "auto_revoke/daemon/runfile.h"
#include "core/base/digest.h"
#include "core/ipc/brake_file.h"

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
	static const char *const names[] = {RUNFILE_STATE, BRAKE_FILE, BRAKE_APPROVED,
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
	struct brake_held b = {.source = "file",
			       .why = "count",
			       .since = "2026-11-22T20:44:39Z",
			       .known = 100,
			       .affected = 2,
			       .listed = 98,
			       .before = 100,
			       .plan = "remove u1 anna\nremove u2 ben\n"};
	struct brake_held got = {.plan = NULL};
	struct errmsg em = {""};
	struct buf text;
	char *evil;

	(void)state;
	assert_int_equal(brake_read(dir, &got, &em), E_NOTFOUND);
	assert_int_equal(digest_sha256_hex(bytes_str(b.plan), b.digest), E_OK);
	assert_int_equal(brake_write(dir, &b, &em), E_OK);
	assert_int_equal(brake_read(dir, &got, &em), E_OK);
	assert_string_equal(got.plan, b.plan);
	assert_string_equal(got.digest, b.digest);
	assert_string_equal(got.why, "count");
	assert_string_equal(got.source, "file");
	assert_int_equal(got.known + got.affected + got.listed + got.before, 300);
	brake_free(&got);
	/* A list that was edited is not what the digest stands for. */
	assert_int_equal(runfile_read(dir, BRAKE_FILE, &text, &em), E_OK);
	evil = strstr((char *)text.p, "u2 ben");
	assert_non_null(evil);
	evil[1] = '3';
	spoil(BRAKE_FILE, buf_str(&text));
	buf_free(&text);
	assert_int_equal(brake_read(dir, &got, &em), E_FORMAT);
	spoil(BRAKE_FILE, "digest x\n");
	assert_int_equal(brake_read(dir, &got, &em), E_FORMAT);
	brake_free(NULL);
}

static void test_approval(void **state)
{
	struct brake_release want = {.by = "uid 0 (root)", .reason = "term ended"},
			     got = {.by = "old"};

	(void)state;
	assert_int_equal(brake_approval(dir, &got, NULL), E_NOTFOUND);
	(void)snprintf(want.digest, sizeof(want.digest), "%064d", 9);
	assert_int_equal(brake_approve(dir, &want, NULL), E_OK);
	assert_int_equal(brake_approval(dir, &got, NULL), E_OK);
	assert_string_equal(got.digest, want.digest);
	assert_string_equal(got.by, "uid 0 (root)");
	assert_string_equal(got.reason, "term ended");
	want.reason[0] = '\0';
	assert_int_equal(brake_approve(dir, &want, NULL), E_OK);
	assert_int_equal(brake_approval(dir, &got, NULL), E_OK);
	assert_string_equal(got.reason, "");
	/* A reason must not be able to say who. */
	(void)snprintf(want.reason, sizeof(want.reason), "x\nby uid 0 (root)");
	assert_int_equal(brake_approve(dir, &want, NULL), E_FORMAT);
	spoil(BRAKE_APPROVED, "by somebody\n");
	assert_int_equal(brake_approval(dir, &got, NULL), E_FORMAT);
	assert_string_equal(got.digest, want.digest);
}

static void test_sample(void **state)
{
	static const char plan[] = "remove u1 anna\nremove u2 ben\nbroken\nsuspend u3 carl\n";
	struct brake_row rows[4];

	(void)state;
	assert_int_equal(brake_sample("", 4, rows), 0);
	assert_int_equal(brake_sample(plan, 2, rows), 2);
	assert_int_equal(brake_sample(plan, 4, rows), 3);
	assert_int_equal(rows[2].n_op, 7);
	assert_memory_equal(rows[2].op, "suspend", 7);
	assert_int_equal(rows[2].n_login, 4);
	assert_memory_equal(rows[2].login, "carl", 4);
	assert_int_equal(brake_count(plan, "remove"), 2);
	assert_int_equal(brake_count(plan, "suspend"), 1);
	assert_int_equal(brake_count(plan, "rem"), 0);
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
	assert_int_equal(runfile_lock(dir, RUNFILE_LOCK, &a, &em), E_OK);
	assert_int_equal(runfile_lock(dir, RUNFILE_LOCK, &b, &em), E_EXISTS);
	assert_int_equal(b, -1);
	(void)close(a);
	assert_int_equal(runfile_lock(dir, RUNFILE_LOCK, &b, &em), E_OK);
	(void)close(b);
	assert_int_equal(runfile_lock("/nonexistent", RUNFILE_LOCK, &b, &em), E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_state, setup, teardown),
		cmocka_unit_test_setup_teardown(test_brake, setup, teardown),
		cmocka_unit_test(test_sample),
		cmocka_unit_test_setup_teardown(test_approval, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lock, setup, teardown),
	};

	return cmocka_run_group_tests_name("auto_revoke/runfile", tests, NULL, NULL);
}
