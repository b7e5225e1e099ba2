#include "core/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_adds(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(buf_bytes(&b).n, 0);
	buf_adds(&b, "ab");
	buf_addc(&b, 'c');
	buf_addf(&b, "-%03d-%s", 7, "x");
	buf_add(&b, "\0z", 2);
	buf_add_u8(&b, 0xfe);
	buf_add_u32(&b, 0x01020304);
	buf_add_bytes(&b, bytes_str("end"));
	buf_add(&b, NULL, 0);
	assert_int_equal(buf_error(&b), E_OK);
	assert_int_equal(b.n, 19);
	assert_memory_equal(b.p,
			    "abc-007-x\0z\xfe\x01\x02\x03\x04"
			    "end",
			    20);
	buf_free(&b);
}

static void test_cap(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_adds(&b, "12345");
	assert_int_equal(buf_error(&b), E_OK);
	buf_addc(&b, '6');
	assert_int_equal(buf_error(&b), E_TOOBIG);
	buf_reset(&b);
	assert_int_equal(buf_error(&b), E_OK);
	buf_adds(&b, "1234");
	buf_adds(&b, "56"); /* does not fit: nothing of it is added */
	assert_int_equal(buf_error(&b), E_TOOBIG);
	assert_string_equal(buf_str(&b), "1234");
	buf_addc(&b, '5'); /* would fit, but the error sticks */
	assert_string_equal(buf_str(&b), "1234");
	buf_addf(&b, "%s", "x");
	buf_add_u32(&b, 1);
	assert_int_equal(b.n, 4);
	assert_int_equal(buf_error(&b), E_TOOBIG);
	buf_free(&b);

	buf_init(&b, SIZE_MAX);
	buf_addc(&b, 'x');
	buf_add(&b, "", SIZE_MAX - 1);
	assert_int_not_equal(buf_error(&b), E_OK);
	assert_int_equal(b.n, 1);
	buf_free(&b);

	buf_init(&b, 0);
	buf_adds(&b, "");
	assert_int_equal(buf_error(&b), E_OK);
	buf_addc(&b, 'x');
	assert_int_equal(buf_error(&b), E_TOOBIG);
	buf_free(&b);
}

static void test_grows(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100000);
	for (int i = 0; i < 100000; i++)
		buf_addc(&b, (char)('a' + i % 26));
	assert_int_equal(buf_error(&b), E_OK);
	assert_int_equal(b.n, 100000);
	for (int i = 0; i < 100000; i++)
		assert_true(b.p[i] == 'a' + i % 26);
	assert_int_equal(b.p[100000], 0);
	buf_addc(&b, 'x');
	assert_int_equal(buf_error(&b), E_TOOBIG);
	buf_free(&b);
	assert_null(b.p);
}

static void test_reset_wipes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_adds(&b, "secret");
	buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_non_null(b.p);
	for (size_t i = 0; i < b.cap; i++)
		assert_int_equal(b.p[i], 0);
	buf_free(&b);
}

static void test_steal(void **state)
{
	struct buf b;
	uint8_t *p;
	size_t n = 0;

	(void)state;
	buf_init(&b, 100);
	assert_null(buf_steal(&b, &n));
	buf_adds(&b, "mine");
	p = buf_steal(&b, &n);
	assert_int_equal(n, 4);
	assert_string_equal((char *)p, "mine");
	assert_string_equal(buf_str(&b), "");
	buf_adds(&b, "again");
	assert_string_equal(buf_str(&b), "again");
	free(p);
	buf_free(&b);
	buf_free(NULL);
	b = (struct buf){0};
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds),  cmocka_unit_test(test_cap),
		cmocka_unit_test(test_grows), cmocka_unit_test(test_reset_wipes),
		cmocka_unit_test(test_steal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
