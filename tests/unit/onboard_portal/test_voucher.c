/* Vouchers for guests: codes, and what a sponsor asks for. */
#include "onboard_portal/flow/voucher.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW 1795478400 /* 2026-11-24 00:00 UTC */
#define DAY 86400

static const struct voucher_rules rules = {.now = NOW + 3600, .days = 7, .devices = 2};

static bool ask(const char *from, const char *until, struct voucher_ask *a)
{
	return voucher_read(&(struct voucher_typed){.names = "Ann",
						    .reason = "fair",
						    .from = from,
						    .until = until,
						    .devices = "1"},
			    &rules, a);
}

static void codes_are_read_as_meant(void **state)
{
	static const uint8_t rnd[VOUCHER_CHARS] = {0, 1, 31, 32, 255, 10, 11, 12, 13, 14, 15, 16};
	char code[VOUCHER_CODE_SIZE], got[VOUCHER_CODE_SIZE];

	(void)state;
	code_make(rnd, VOUCHER_CHARS, code);
	assert_string_equal(code, "01Z0-ZABC-DEFG");
	assert_int_equal(code_read(" oIzO zabc--defg", VOUCHER_CHARS, got), E_OK);
	assert_string_equal(got, code);
	assert_int_equal(code_read("01Z0-ZABC-DEF", VOUCHER_CHARS, got), E_FORMAT);
	assert_int_equal(code_read("01Z0-ZABC-DEFGH", VOUCHER_CHARS, got), E_FORMAT);
	assert_int_equal(code_read("01Z0-ZABC-DEFU", VOUCHER_CHARS, got), E_FORMAT);
	assert_int_equal(code_read("", VOUCHER_CHARS, got), E_FORMAT);
	assert_int_equal(code_read(NULL, VOUCHER_CHARS, got), E_FORMAT);
}

static void a_name_needs_the_key(void **state)
{
	uint8_t key[VOUCHER_KEY_SIZE] = {1}, other[VOUCHER_KEY_SIZE] = {2};
	char id[VOUCHER_ID_SIZE], id2[VOUCHER_ID_SIZE], hash[HASH_SIZE], hash2[HASH_SIZE];

	(void)state;
	assert_int_equal(voucher_name("01Z0-ZABC-DEFG", key, id, hash), E_OK);
	assert_int_equal(strlen(id), VOUCHER_ID_SIZE - 1);
	assert_int_equal(strncmp(id, "guest-", 6), 0);
	assert_int_equal(strlen(hash), HASH_SIZE - 1);
	assert_int_equal(voucher_name("01Z0-ZABC-DEFG", key, id2, hash2), E_OK);
	assert_string_equal(id, id2);
	assert_string_equal(hash, hash2);
	assert_int_equal(voucher_name("01Z0-ZABC-DEFG", other, id2, hash2), E_OK);
	assert_string_not_equal(id, id2);
	assert_string_not_equal(hash, hash2);
	assert_null(strstr(hash, id + 6)); /* the one does not tell the other */
}

static void days_are_bounded(void **state)
{
	struct voucher_ask a;

	(void)state;
	assert_true(ask("", "2026-11-24", &a));
	assert_int_equal(a.from, NOW + 3600);
	assert_int_equal(a.until, NOW + DAY - 1);
	assert_true(ask(NULL, "2026-11-30", &a));
	assert_int_equal(a.until, NOW + 7 * DAY - 1);
	assert_false(ask("", "2026-12-01", &a));
	assert_string_equal(a.until_key, "voucher_until_late");
	assert_true(ask("2026-11-25", "2026-12-01", &a));
	assert_int_equal(a.from, NOW + DAY);
	assert_false(ask("2026-11-23", "2026-11-24", &a));
	assert_string_equal(a.from_key, "voucher_from_bad");
	assert_false(ask("", "2026-11-23", &a));
	assert_string_equal(a.until_key, "voucher_until_early");
	assert_false(ask("2026-11-26", "2026-11-25", &a));
	assert_string_equal(a.until_key, "voucher_until_early");
	assert_true(ask("2027-11-24", "2027-11-24", &a));
	assert_false(ask("2027-11-25", "2027-11-25", &a));
	assert_string_equal(a.from_key, "voucher_from_bad");
	assert_false(ask("", "2026-11-31", &a));
	assert_string_equal(a.until_key, "voucher_day_bad");
	assert_false(ask("24.11.2026", "2026-11-24", &a));
	assert_string_equal(a.from_key, "voucher_day_bad");
}

static void states(void **state)
{
	struct voucher v = {.from = 10, .until = 20};

	(void)state;
	assert_int_equal(voucher_state(&v, 9), VOUCHER_EARLY);
	assert_int_equal(voucher_state(&v, 10), VOUCHER_OPEN);
	assert_int_equal(voucher_state(&v, 20), VOUCHER_OVER);
	v.used = 11;
	assert_int_equal(voucher_state(&v, 19), VOUCHER_USED);
	v.revoked = 12;
	assert_int_equal(voucher_state(&v, 19), VOUCHER_ENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_read_as_meant),
		cmocka_unit_test(a_name_needs_the_key),
		cmocka_unit_test(days_are_bounded),
		cmocka_unit_test(states),
	};

	return cmocka_run_group_tests_name("voucher", tests, NULL, NULL);
}
