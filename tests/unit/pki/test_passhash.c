#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/pki/passhash.h"

#include <string.h>

static void test_new(void **state)
{
	char one[PASSHASH_SIZE], two[PASSHASH_SIZE];

	(void)state;
	assert_int_equal(passhash_new("correct horse", one), E_OK);
	assert_int_equal(passhash_new("correct horse", two), E_OK);
	assert_int_equal(strncmp(one, "$y$", 3), 0);
	assert_string_not_equal(one, two); /* the salt */
	assert_true(passhash_matches("correct horse", one));
	assert_false(passhash_matches("correct horsf", one));
	assert_false(passhash_matches("", one));
	one[strlen(one) - 1] = '\0';
	assert_false(passhash_matches("correct horse", one));
}

static void test_like(void **state)
{
	char one[PASSHASH_SIZE], two[PASSHASH_SIZE] = "untouched";

	(void)state;
	assert_int_equal(passhash_new("a", one), E_OK);
	assert_int_equal(passhash_like("b", "no hash", two), E_CRYPTO);
	assert_string_equal(two, "untouched");
	assert_int_equal(passhash_like("b", one, two), E_OK);
	assert_string_not_equal(one, two);
	assert_memory_equal(one, two, 10); /* method and cost */
}

static void test_no_hash(void **state)
{
	static const char *const bad[] = {"", "*", "*0", "!", "$y$", "x", "plain text"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (passhash_matches("", bad[i]) || passhash_matches(bad[i], bad[i]))
			fail_msg("'%s' lets somebody in", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_like),
		cmocka_unit_test(test_no_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
