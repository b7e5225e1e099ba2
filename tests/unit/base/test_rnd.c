#include "core/base/rnd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes(void **state)
{
	static uint8_t a[100000], b[100000];
	size_t counts[256] = {0};

	(void)state;
	assert_int_equal(rnd_bytes(a, sizeof(a)), E_OK);
	assert_int_equal(rnd_bytes(b, sizeof(b)), E_OK);
	assert_memory_not_equal(a, b, sizeof(a));
	/* the end is filled too, and no value is missing: 390 of each are expected */
	for (size_t i = 0; i < sizeof(a); i++)
		counts[a[i]]++;
	for (size_t i = 0; i < 256; i++)
		assert_in_range(counts[i], 200, 600);
	assert_memory_not_equal(a + sizeof(a) - 16, b + sizeof(b) - 16, 16);
	assert_int_equal(rnd_bytes(a, 0), E_OK);
}

static void test_id(void **state)
{
	char a[34], b[34];

	(void)state;
	assert_int_equal(rnd_id(a, sizeof(a), "u", 16), E_OK);
	assert_int_equal(rnd_id(b, sizeof(b), "u", 16), E_OK);
	assert_int_equal(strlen(a), 33);
	assert_int_equal(a[0], 'u');
	assert_int_equal(strspn(a + 1, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	assert_int_equal(rnd_id(a, 33, "u", 16), E_TOOBIG);
	assert_int_equal(rnd_id(a, 10, "much-too-long", 2), E_TOOBIG);
	assert_int_equal(rnd_id(a, 0, "", 0), E_TOOBIG);
	assert_int_equal(rnd_id(a, sizeof(a), "", 1000), E_TOOBIG);
	assert_int_equal(rnd_id(a, sizeof(a), "", SIZE_MAX / 2 + 1), E_TOOBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_bytes), cmocka_unit_test(test_id)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
