#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scepctl/escape.h"

static void expect(void (*fn)(struct buf *, const char *), const char *value, const char *want)
{
	struct buf b;

	buf_init(&b, 1000);
	fn(&b, value);
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static void test_quoting(void **state)
{
	(void)state;
	expect(escape_confuse, "O\"Brien ${x} \\ \xc3\xbcn\xc3\xaf",
	       "\"O\\\"Brien \\${x} \\\\ \xc3\xbcn\xc3\xaf\"");
	expect(escape_redis, "/a b/\"c\\", "\"/a b/\\\"c\\\\\"");
	expect(escape_radius, "a\"b", "\"a\\\"b\"");
	expect(escape_confuse, "", "\"\"");
}

static void test_shell(void **state)
{
	char dst[ESCAPE_SHELL_SIZE];

	(void)state;
	assert_string_equal(escape_shell(dst, "/srv/scepauth"), "/srv/scepauth");
	assert_string_equal(escape_shell(dst, "/a b"), "'/a b'");
	assert_string_equal(escape_shell(dst, "/a';rm -rf /;'"), "'/a'\\'';rm -rf /;'\\'''");
	assert_string_equal(escape_shell(dst, ""), "''");
	assert_string_equal(escape_shell(dst, "~"), "'~'");
}

static void test_path(void **state)
{
	static const char *const bad[] = {"",        "relative", "/a\"b", "/a$b",  "/a%b",
					  "/a{b",    "/a}b",     "/a\\b", "/a'b",  "/a`b",
					  "/a/../b", "/..",      "/a\nb", "/a/..", "/\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (escape_is_path(bad[i]))
			fail_msg("accepted: '%s'", bad[i]);
	assert_true(escape_is_path("/srv/a b/\xc3\xbc..x/..y"));
}

static int fill(const char *templ, const char *const *vars, const char *want)
{
	struct buf b;
	int rc;

	buf_init(&b, 1000);
	rc = escape_fill(&b, templ, vars, NULL);
	if (rc == E_OK)
		assert_string_equal(buf_str(&b), want);
	buf_free(&b);
	return rc;
}

static void test_fill(void **state)
{
	const char *vars[] = {"DIR", "/x", "HASH_auto_revoke", "@DIR@", "LINES", "a\nb", NULL};

	(void)state;
	assert_int_equal(fill("dir @DIR@/y @ @@ a@b.c #@HASH_auto_revoke@ @", vars,
			      "dir /x/y @ @@ a@b.c #@DIR@ @"),
			 E_OK);
	assert_int_equal(fill("a\n@LINES@\nb", vars, "a\na\nb\nb"), E_OK);
	assert_int_equal(fill("@LINES@\n", vars, "a\nb\n"), E_OK);
	assert_int_equal(fill("x @LINES@\n", vars, NULL),
			 E_FORMAT); /* would begin a line of its own */
	assert_int_equal(fill("@LINES@ x\n", vars, NULL), E_FORMAT);
	assert_int_equal(fill("@OTHER@", vars, NULL), E_FORMAT);
	assert_int_equal(fill("@DI@", vars, NULL), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_shell),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
