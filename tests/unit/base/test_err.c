#include "core/base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_texts(void **state)
{
	(void)state;
#define X(name, value, text)                                                                       \
	assert_int_equal(name, value);                                                             \
	assert_string_equal(err_text(name), text);
	ERR_LIST(X)
#undef X
	assert_string_equal(err_text(E_OK), "done");
	assert_string_equal(err_text(-9999), "unknown error");
	assert_string_equal(err_text(7), "unknown error");
}

static void test_away(void **state)
{
	(void)state;
#define X(name, value, text)                                                                       \
	assert_int_equal(err_is_away(name),                                                        \
			 name == E_UNAVAIL || name == E_TIMEOUT || name == E_BACKEND);
	ERR_LIST(X)
#undef X
	assert_false(err_is_away(E_OK));
}

static void test_set(void **state)
{
	struct errmsg em;
	char big[1000];

	(void)state;
	assert_int_equal(err_set(&em, E_IO, "%s:%d", "file", 3), E_IO);
	assert_string_equal(em.text, "file:3");
	assert_int_equal(err_set(NULL, E_STATE, "nobody listens"), E_STATE);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(err_set(&em, E_IO, "%s", big), E_IO);
	assert_int_equal(strlen(em.text), sizeof(em.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_texts),
					   cmocka_unit_test(test_away), cmocka_unit_test(test_set)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
