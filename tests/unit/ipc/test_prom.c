/* What is written is read back, and labels cannot break out of their line. */
#include "core/ipc/prom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void test_text(void **state)
{
	static const char *const evil[] = {"source", "a\"b\\c\nd", NULL};
	static const char *const two[] = {"source", "ldap", "step", "removed", NULL};
	static const char *const other[] = {"source", "ldap", "step", "held", NULL};
	char label[24];
	int64_t v = -1;
	struct buf b;

	(void)state;
	buf_init(&b, PROM_MAX);
	prom_head(&b, "a_total", "counter", "Things.");
	prom_line(&b, "a_total", two, 7);
	prom_line(&b, "a_total", evil, 5);
	prom_head(&b, "a", "gauge", "Another thing.");
	prom_line(&b, "a", NULL, -3);
	assert_string_equal(buf_str(&b), "# HELP a_total Things.\n# TYPE a_total counter\n"
					 "a_total{source=\"ldap\",step=\"removed\"} 7\n"
					 "a_total{source=\"a\\\"b\\\\c\\nd\"} 5\n"
					 "# HELP a Another thing.\n# TYPE a gauge\na -3\n");
	assert_true(prom_get(buf_str(&b), "a_total", two, &v));
	assert_int_equal(v, 7);
	assert_true(prom_get(buf_str(&b), "a_total", evil, &v));
	assert_int_equal(v, 5);
	assert_true(prom_get(buf_str(&b), "a", NULL, &v));
	assert_int_equal(v, -3);
	assert_false(prom_get(buf_str(&b), "a_total", other, &v));
	assert_false(prom_get(buf_str(&b), "a_total", NULL, &v));
	assert_false(prom_get(buf_str(&b), "b", NULL, &v));
	assert_int_equal(prom_sum(buf_str(&b), "a_total"), 12);
	assert_int_equal(prom_sum(buf_str(&b), "a"), -3);
	assert_int_equal(prom_sum(buf_str(&b), "b"), 0);
	assert_true(prom_label(buf_str(&b), "a_total", "step", label, sizeof(label)));
	assert_string_equal(label, "removed");
	assert_true(prom_label(buf_str(&b), "a_total", "source", label, sizeof(label)));
	assert_string_equal(label, "ldap");
	assert_false(prom_label(buf_str(&b), "a_total", "source", label, 4));
	assert_false(prom_label(buf_str(&b), "a_total", "sourc", label, sizeof(label)));
	assert_false(prom_label(buf_str(&b), "a", "source", label, sizeof(label)));
	buf_free(&b);
}

/* A file that was cut off, or is none of ours, is no reason to fall over. */
static void test_damaged(void **state)
{
	static const char *const bad[] = {
		"",          "x",         "x{",
		"x{a",       "x{a=\"",    "x{a=\"b",
		"x{a=\"b\\", "x{a=\"b\"", "x{a=\"b\"} ",
		"x 12a\n",   "x \n",      "x 99999999999999999999999999\n"};
	char label[8];
	int64_t v = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(prom_get(bad[i], "x", NULL, &v));
		assert_int_equal(prom_sum(bad[i], "x"), 0);
		(void)prom_label(bad[i], "x", "a", label, sizeof(label));
		(void)prom_label(bad[i], "x", "z", label, sizeof(label));
	}
	assert_int_equal(v, 1);
}

static void test_file(void **state)
{
	char top[] = "/tmp/scepauth-unit-prom.XXXXXX", dir[64], path[96];
	struct errmsg em = {""};
	struct stat st;
	struct buf b;

	(void)state;
	assert_non_null(mkdtemp(top));
	(void)snprintf(dir, sizeof(dir), "%s/metrics", top);
	(void)umask(077);
	buf_init(&b, PROM_MAX);
	prom_line(&b, "a", NULL, 1);
	assert_int_equal(prom_write(dir, "x.prom", &b, &em), E_IO);
	assert_int_equal(prom_dir(dir, &em), E_OK);
	assert_int_equal(prom_dir(dir, &em), E_OK);
	assert_int_equal(prom_dir("/nonexistent/a", &em), E_IO);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(prom_write(dir, "x.prom", &b, &em), E_OK);
	assert_int_equal(prom_write(dir, "x.prom", &b, &em), E_OK);
	(void)snprintf(path, sizeof(path), "%s/x.prom", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(st.st_size, 4);
	buf_free(&b);
	/* Too much is no file rather than half of one. */
	buf_init(&b, 2);
	prom_line(&b, "a", NULL, 1);
	assert_int_not_equal(prom_write(dir, "x.prom", &b, &em), E_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 4);
	buf_free(&b);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
