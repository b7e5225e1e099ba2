#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/model/revocation.h"

#include <string.h>

static void reads(const char *record, int64_t want_at, enum revocation_reason want)
{
	enum revocation_reason reason = (enum revocation_reason)99;
	int64_t at = -1;

	revocation_read(record, &at, &reason);
	if (at != want_at || reason != want)
		fail_msg("'%s': %lld, %d", record, (long long)at, (int)reason);
}

static void test_records(void **state)
{
	(void)state;
	reads("1800000000 anna laptop stolen", 1800000000, REVOCATION_UNSPECIFIED);
	reads("1800000000 anna keyCompromise", 1800000000, REVOCATION_KEY_COMPROMISE);
	reads("1800000000 anna KEYCOMPROMISE: stolen", 1800000000, REVOCATION_KEY_COMPROMISE);
	reads("1800000000 anna keyCompromised", 1800000000, REVOCATION_UNSPECIFIED);
	reads("1800000000 anna superseded, new one", 1800000000, REVOCATION_SUPERSEDED);
	reads("1800000000 anna cessationOfOperation.", 1800000000, REVOCATION_CESSATION);
	reads("1800000000 anna privilegeWithdrawn", 1800000000, REVOCATION_PRIVILEGE_WITHDRAWN);
	reads("1800000000 anna affiliationChanged", 1800000000, REVOCATION_AFFILIATION_CHANGED);
	reads("1800000000 auto_revoke left", 1800000000, REVOCATION_AFFILIATION_CHANGED);
	reads("1800000000 auto_revoke2 left", 1800000000, REVOCATION_UNSPECIFIED);
	reads("1800000000 auto left", 1800000000, REVOCATION_UNSPECIFIED);
	/* a hold is never said in words: it comes from the state */
	reads("1800000000 anna certificateHold", 1800000000, REVOCATION_UNSPECIFIED);
}

static void test_by_hand(void **state)
{
	static const char *const odd[] = {"",
					  " ",
					  "1",
					  "1800000000",
					  "yes",
					  "0 a b",
					  "-5 a b",
					  "12x a b",
					  "1 a",
					  "99999999999999999999 a b",
					  "253402300800 a b",
					  "00000000000000000000000000000000000000001 a b"};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		reads(odd[i], 0, REVOCATION_UNSPECIFIED);
}

static void test_tidy(void **state)
{
	struct revocation v[] = {
		{"c", 5, REVOCATION_HOLD},        {"a", 9, REVOCATION_HOLD},
		{"a", 10, REVOCATION_SUPERSEDED}, {"b", 7, REVOCATION_HOLD},
		{"b", 6, REVOCATION_HOLD},        {"c", 5, REVOCATION_HOLD},
	};

	(void)state;
	assert_int_equal(revocation_tidy(v, 6), 3);
	assert_string_equal(v[0].serial, "a");
	assert_int_equal(v[0].reason, REVOCATION_SUPERSEDED);
	assert_string_equal(v[1].serial, "b");
	assert_int_equal(v[1].at, 6);
	assert_string_equal(v[2].serial, "c");
	assert_int_equal(revocation_tidy(v, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_tidy),
	};

	return cmocka_run_group_tests_name("revocation", tests, NULL, NULL);
}
