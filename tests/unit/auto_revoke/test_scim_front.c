/* The file of what was provisioned, the tokens, and the limit of requests. */
#include "auto_revoke/front/server.h"
#include "core/base/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define USER_A "00000000aaaaaaaaaaaaaaaaaaaaaaaa"
#define USER_B "00000001bbbbbbbbbbbbbbbbbbbbbbbb"
#define LINE_A                                                                                     \
	"{\"op\":\"user\",\"id\":\"" USER_A "\",\"active\":true,\"version\":1,\"userName\":\"a\"}" \
	"\n"
#define LINE_B                                                                                     \
	"{\"op\":\"user\",\"id\":\"" USER_B "\",\"active\":true,\"version\":1,\"userName\":\"b\"}" \
	"\n"

static char dir[64], path[80];

static int folder_make(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test_scim_front.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/people", dir);
	return 0;
}

static int folder_remove(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void raw(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void append(struct scim_file *f, const char *lines)
{
	struct errmsg em = {""};

	assert_int_equal(scim_file_begin(f, &em), E_OK);
	if (scim_file_append(f, bytes_str(lines), &em) != E_OK)
		fail_msg("%s", em.text);
	scim_file_end(f);
}

static void test_write_and_follow(void **state)
{
	struct scim_file w, r;
	struct errmsg em = {""};

	(void)state;
	assert_int_equal(scim_file_open(dir, false, &r, &em), E_OK);
	assert_true(scim_file_changed(&r));
	assert_int_equal(scim_file_follow(&r, &em), E_NOTFOUND);
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_OK);
	append(&w, LINE_A);
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_false(scim_file_changed(&r));
	assert_int_equal(r.table.live_users, 1);
	append(&w, LINE_B "{\"op\":\"user-gone\",\"id\":\"" USER_A "\",\"at\":1}\n");
	assert_true(scim_file_changed(&r));
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_int_equal(r.table.n_users, 2);
	assert_int_equal(r.table.live_users, 1);
	/* Another one appends by hand, as scepctl does: the writer has it before it writes again. */
	raw("{\"op\":\"free\",\"name\":\"a\"}\n");
	append(&w, "{\"op\":\"user-gone\",\"id\":\"" USER_B "\",\"at\":1}\n");
	assert_int_equal(w.table.n_names, 1);
	assert_int_equal(w.table.live_users, 0);
	scim_file_close(&w);
	scim_file_close(&r);
}

static void test_torn_line(void **state)
{
	struct scim_file w, r;
	struct errmsg em = {""};

	(void)state;
	raw(LINE_A "{\"op\":\"user\",\"id\":\"0000");
	assert_int_equal(scim_file_open(dir, false, &r, &em), E_OK);
	assert_int_equal(scim_file_follow(&r, &em),
			 E_OK); /* being written, for all that it knows */
	assert_int_equal(r.table.n_users, 1);
	assert_true(scim_file_changed(&r));
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_OK);
	append(&w, LINE_B);
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_int_equal(r.table.n_users, 2);
	scim_file_close(&w);
	scim_file_close(&r);
}

static void test_damage(void **state)
{
	struct scim_file w, r;
	struct errmsg em = {""};

	(void)state;
	raw(LINE_A);
	assert_int_equal(scim_file_open(dir, false, &r, &em), E_OK);
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	raw("nonsense\n");
	assert_int_equal(scim_file_follow(&r, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "line 2"));
	assert_int_equal(r.table.n_users, 0); /* nothing of it is used */
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_FORMAT);
	assert_int_equal(truncate(path, (off_t)strlen(LINE_A)), 0);
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_int_equal(truncate(path, 3), 0);
	assert_int_equal(scim_file_follow(&r, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "shorter"));
	scim_file_close(&r);
	assert_int_equal(scim_file_open("/nowhere/at/all", true, &w, &em), E_NOTFOUND);
}

static void test_written_anew(void **state)
{
	struct scim_file w, r;
	struct errmsg em = {""};
	struct buf lines;

	(void)state;
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_OK);
	buf_init(&lines, 64 << 20);
	for (int i = 0; i < 11000; i++)
		buf_adds(&lines, i == 0 ? LINE_A : i == 1 ? LINE_B : LINE_A);
	append(&w, buf_str(&lines));
	buf_free(&lines);
	assert_int_equal(scim_file_open(dir, false, &r, &em), E_OK);
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_int_equal(r.lines, 11000);
	scim_file_close(&w);
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_OK);
	assert_true(w.lines < 10);
	assert_int_equal(w.table.live_users, 2);
	append(&w, "{\"op\":\"user-gone\",\"id\":\"" USER_B "\",\"at\":1}\n");
	assert_int_equal(scim_file_follow(&r, &em), E_OK);
	assert_int_equal(r.table.live_users, 1);
	scim_file_close(&w);
	scim_file_close(&r);
}

static void test_disk_full(void **state)
{
	struct scim_file w;
	struct errmsg em = {""};
	int good;

	(void)state;
	assert_int_equal(scim_file_open(dir, true, &w, &em), E_OK);
	append(&w, LINE_A);
	assert_int_equal(scim_file_begin(&w, &em), E_OK);
	good = w.fd;
	w.fd = open("/dev/full", O_RDWR);
	assert_true(w.fd >= 0);
	assert_int_equal(scim_file_append(&w, bytes_str(LINE_B), &em), E_IO);
	if (w.fd < 0)
		assert_int_equal(close(good), 0);
	else
		w.fd = good;
	assert_int_equal(scim_file_begin(&w, &em), E_OK);
	assert_int_equal(w.table.n_users, 1);
	scim_file_end(&w);
	scim_file_close(&w);
}

static void tokens_put(const char *text)
{
	(void)unlink(path);
	raw(text);
}

static void test_tokens(void **state)
{
	/* SHA-256 of "one" and "two" */
	static const char
		one[] = "entra 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed "
			"1800000000\n",
		two[] = "next 3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3 "
			"1800000001\n";
	static const char *const bad[] = {
		"entra\n",
		"entra 7692 1\n",
		"entra zz92c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed 1\n",
		"en/tra 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed 1\n",
		"entra 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed x\n",
		"a 7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed 1 2\n",
	};
	struct tokens t = {.n = 0};
	struct errmsg em = {""};
	char text[1024];

	(void)state;
	memcpy(t.path, path, strlen(path) + 1);
	assert_int_equal(tokens_refresh(&t, &em), E_NOTFOUND);
	(void)snprintf(text, sizeof(text), "%s%s", one, two);
	tokens_put(text);
	assert_int_equal(tokens_refresh(&t, &em), E_OK);
	assert_string_equal(tokens_find(&t, "Bearer one")->name, "entra");
	assert_string_equal(tokens_find(&t, "bearer  two")->name, "next");
	assert_null(tokens_find(&t, NULL));
	assert_null(tokens_find(&t, ""));
	assert_null(tokens_find(&t, "Bearer"));
	assert_null(tokens_find(&t, "Bearer "));
	assert_null(tokens_find(&t, "Bearer onee"));
	assert_null(tokens_find(&t, "Basic one"));
	assert_null(tokens_find(&t, "one"));
	tokens_put(two);
	assert_int_equal(tokens_refresh(&t, &em), E_OK);
	assert_null(tokens_find(&t, "Bearer one"));
	assert_non_null(tokens_find(&t, "Bearer two"));
	assert_int_equal(chmod(path, 0640), 0);
	tokens_put(one);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(tokens_refresh(&t, &em), E_DENIED);
	assert_null(tokens_find(&t, "Bearer one"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		tokens_put(bad[i]);
		if (tokens_refresh(&t, &em) != E_FORMAT)
			fail_msg("taken: %s", bad[i]);
		assert_null(tokens_find(&t, "Bearer one"));
	}
	(void)snprintf(text, sizeof(text), "%s%s%s", one, two, one);
	tokens_put(text);
	assert_int_equal(tokens_refresh(&t, &em), E_FORMAT); /* a third one */
}

static void test_bucket(void **state)
{
	struct bucket b = {.rate = 10, .at_ms = 1000};
	int taken = 0;

	(void)state;
	assert_false(bucket_take(&b, 1000));
	for (int i = 0; i < 100; i++)
		taken += bucket_take(&b, 1000000);
	assert_int_equal(taken, 20);
	assert_false(bucket_take(&b, 1000050));
	assert_true(bucket_take(&b, 1000100));
	assert_false(bucket_take(&b, 1000100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write_and_follow, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_torn_line, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_damage, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_written_anew, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_disk_full, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(test_tokens, folder_make, folder_remove),
		cmocka_unit_test(test_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
