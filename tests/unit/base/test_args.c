#include "core/base/args.h"
#include "core/base/version.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static char printed[4096];

/* Parses with both output streams caught in `printed`. */
static int parse(struct args *ret, const char *a, const char *b, const char *c)
{
	char name[] = "/tmp/test_args.XXXXXX", text[3][64], prog[] = "scep_ca";
	const char *given[] = {a, b, c};
	char *argv[5] = {prog};
	int argc = 1, file = mkstemp(name), out = dup(1), err = dup(2), rc;
	ssize_t n;

	for (size_t i = 0; i < 3 && given[i]; i++) {
		snprintf(text[i], sizeof(text[i]), "%s", given[i]);
		argv[argc++] = text[i];
	}
	unlink(name);
	fflush(stdout);
	dup2(file, 1);
	dup2(file, 2);
	rc = args_parse(argc, argv, "scep_ca", "Issues certificates.", ret);
	fflush(stdout);
	fflush(stderr);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	n = pread(file, printed, sizeof(printed) - 1, 0);
	close(file);
	printed[n > 0 ? n : 0] = '\0';
	return rc;
}

static void test_good(void **state)
{
	struct args a = {.conf_file = "x"};

	(void)state;
	assert_int_equal(parse(&a, NULL, NULL, NULL), -1);
	assert_string_equal(a.conf_file, "/etc/scepauth/scepauth.conf");
	assert_false(a.check_only || a.verbose);
	assert_int_equal(parse(&a, "-tv", NULL, NULL), -1);
	assert_true(a.check_only && a.verbose);
	assert_int_equal(parse(&a, "--check", "--verbose", NULL), -1);
	assert_true(a.check_only && a.verbose);
	assert_string_equal(printed, "");
}

static void test_file(void **state)
{
	char prog[] = "p", opt[] = "-c", name[] = "/x/y.conf", *argv[] = {prog, opt, name, NULL};
	struct args a;

	(void)state;
	assert_int_equal(args_parse(3, argv, "p", NULL, &a), -1);
	assert_string_equal(a.conf_file, "/x/y.conf");
}

static void test_help(void **state)
{
	struct args a;

	(void)state;
	assert_int_equal(parse(&a, "-h", NULL, NULL), EXIT_DONE);
	assert_non_null(strstr(printed, "usage: scep_ca "));
	assert_non_null(strstr(printed, "Issues certificates."));
	assert_int_equal(parse(&a, "--version", NULL, NULL), EXIT_DONE);
	assert_string_equal(printed, "scep_ca " SCEPAUTH_VERSION "\n");
}

static void test_bad(void **state)
{
	struct args a = {.conf_file = "untouched"};

	(void)state;
	assert_int_equal(parse(&a, "-x", NULL, NULL), EXIT_USAGE);
	assert_non_null(strstr(printed, "usage: "));
	assert_int_equal(parse(&a, "-c", NULL, NULL), EXIT_USAGE);
	assert_int_equal(parse(&a, "--nonsense", NULL, NULL), EXIT_USAGE);
	assert_int_equal(parse(&a, "-t", "stray", NULL), EXIT_USAGE);
	assert_non_null(strstr(printed, "unexpected argument: stray"));
	assert_string_equal(a.conf_file, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_file),
					   cmocka_unit_test(test_help), cmocka_unit_test(test_bad)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
