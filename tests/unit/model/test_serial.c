#include "core/model/serial.h"
#include "tests/unit/model/serial_spellings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void spellings(void **state)
{
	char got[SERIAL_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < N_SERIAL_SPELLINGS; i++) {
		const struct serial_spelling *t = &serial_spellings[i];

		memcpy(got, "untouched", 10);
		if (t->serial != NULL) {
			if (serial_parse(got, t->text) != E_OK)
				fail_msg("refused: '%s'", t->text);
			assert_string_equal(got, t->serial);
			assert_true(serial_is_canonical(got));
		} else {
			if (serial_parse(got, t->text) != E_FORMAT)
				fail_msg("accepted: '%s'", t->text);
			assert_string_equal(got, "untouched");
		}
	}
	assert_int_equal(serial_parse(got, NULL), E_FORMAT);
}

static void from_bytes(void **state)
{
	const uint8_t b[17] = {0x00, 0x7f, 0x01, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
	const uint8_t high[16] = {0x80};
	const uint8_t zero[16] = {0};
	char got[SERIAL_SIZE] = "untouched";

	(void)state;
	assert_int_equal(serial_from_bytes(got, b + 1, 15), E_FORMAT);
	assert_int_equal(serial_from_bytes(got, b, 16), E_FORMAT);
	assert_int_equal(serial_from_bytes(got, b, 0), E_FORMAT);
	assert_int_equal(serial_from_bytes(got, NULL, 16), E_FORMAT);
	assert_int_equal(serial_from_bytes(got, high, 16), E_FORMAT);
	assert_int_equal(serial_from_bytes(got, zero, 16), E_FORMAT);
	assert_string_equal(got, "untouched");
	assert_int_equal(serial_from_bytes(got, b + 1, 16), E_OK);
	assert_string_equal(got, "7f0102030405060708090a0b0c0d0eff");
	assert_int_equal(serial_from_bytes(got, b, 17), E_OK);
	assert_string_equal(got, "7f0102030405060708090a0b0c0d0eff");
}

static void canonical(void **state)
{
	(void)state;
	assert_true(serial_is_canonical("0123456789abcdef0123456789abcdef"));
	assert_false(serial_is_canonical("0123456789ABCDEF0123456789abcdef"));
	assert_false(serial_is_canonical("0123456789abcdef0123456789abcde"));
	assert_false(serial_is_canonical("0123456789abcdef0123456789abcdef0"));
	assert_false(serial_is_canonical("00123456789abcdef123456789abcdef"));
	assert_false(serial_is_canonical("80123456789abcdef123456789abcdef"));
	assert_false(serial_is_canonical(""));
	assert_false(serial_is_canonical(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(from_bytes),
		cmocka_unit_test(canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
