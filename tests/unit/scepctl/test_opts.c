#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scepctl/opts.h"

#include <string.h>

struct got {
	bool flag;
	const char *text;
	long number;
	struct opts_list list;
	const char *rest[2];
	size_t n;
	struct errmsg em;
};

static int parse(struct got *g, int argc, const char *const *words)
{
	const struct opts_spec specs[] = {
		{"--flag", "-f", OPT_FLAG, &g->flag, 0, 0},
		{"--text", NULL, OPT_TEXT, &g->text, 0, 0},
		{"--number", "-n", OPT_NUMBER, &g->number, 1, 10},
		{"--list", NULL, OPT_LIST, &g->list, 0, 0},
		{0},
	};
	static char copies[8][64];
	char *argv[9] = {NULL};

	for (int i = 0; i < argc; i++) {
		snprintf(copies[i], sizeof(copies[i]), "%s", words[i]);
		argv[i] = copies[i];
	}
	memset(g, 0, sizeof(*g));
	return opts_parse(argc, argv, specs, g->rest, 2, &g->n, &g->em);
}

#define PARSE(g, ...)                                                                              \
	parse(g, (int)(sizeof((const char *[]){"cmd", __VA_ARGS__}) / sizeof(char *)),             \
	      (const char *const[]){"cmd", __VA_ARGS__})

static void test_all_forms(void **state)
{
	struct got g;

	(void)state;
	assert_int_equal(PARSE(&g, "one", "--text=a=b", "-f", "-n", "7", "two"), E_OK);
	assert_true(g.flag);
	assert_string_equal(g.text, "a=b");
	assert_int_equal(g.number, 7);
	assert_int_equal(g.n, 2);
	assert_string_equal(g.rest[0], "one");
	assert_string_equal(g.rest[1], "two");
	assert_int_equal(PARSE(&g, "--list", "a", "--list=b", "--text", "-x"), E_OK);
	assert_int_equal(g.list.n, 2);
	assert_string_equal(g.list.v[1], "b");
	assert_string_equal(g.text, "-x"); /* a value may begin with a dash */
	assert_int_equal(PARSE(&g, "--", "--flag", "-"), E_OK);
	assert_false(g.flag);
	assert_int_equal(g.n, 2);
}

static void test_refusals(void **state)
{
	struct got g;

	(void)state;
	assert_int_equal(PARSE(&g, "--text"), E_FORMAT);
	assert_int_equal(PARSE(&g, "--text", "a", "--text", "b"), E_FORMAT);
	assert_non_null(strstr(g.em.text, "twice"));
	assert_int_equal(PARSE(&g, "--flag=yes"), E_FORMAT);
	assert_int_equal(PARSE(&g, "-n", "0"), E_FORMAT);
	assert_int_equal(PARSE(&g, "-n", "11"), E_FORMAT);
	assert_int_equal(PARSE(&g, "-n", "7x"), E_FORMAT);
	assert_int_equal(PARSE(&g, "-n", ""), E_FORMAT);
	assert_int_equal(PARSE(&g, "a", "b", "c"), E_FORMAT);
	assert_int_equal(PARSE(&g, "--tex", "a"),
			 E_FORMAT); /* no abbreviations: they break when options are added */
	assert_non_null(strstr(g.em.text, "did you mean --text"));
	assert_int_equal(PARSE(&g, "--zzzzzzzz"), E_FORMAT);
	assert_null(strstr(g.em.text, "did you mean"));
	assert_int_equal(PARSE(&g, "-t=x"), E_FORMAT);
}

static void test_nearest(void **state)
{
	static const char *const names[] = {"init", "install", "status", "suspend",
					    "user", "why",     NULL};

	(void)state;
	assert_string_equal(opts_nearest("statsu", names), "status");
	assert_string_equal(opts_nearest("inti", names), "init");
	assert_string_equal(opts_nearest("inst", names), "install");
	assert_string_equal(opts_nearest("users", names), "user");
	assert_null(opts_nearest("frobnicate", names));
	assert_null(opts_nearest("", (const char *const[]){"status", NULL}));
	assert_null(opts_nearest(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		names));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_forms),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
