#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/authz/place.h"

#include <string.h>

static void test_ssid(void **state)
{
	static const char *const good[] = {
		"00-11-22-aa-BB-cc:campus",
		"00:11:22:aa:bb:cc:campus",
		"0011.22aa.bbcc:campus",
		"001122aabbcc:campus",
	};
	static const char *const none[] = {
		"",
		"campus",
		"00-11-22-aa-BB-cc",
		"00-11-22-aa-BB-cc:",
		"00-11-22-aa-BB-c:campus",
		"00-11-22-aa-BB-cc-campus",
		"00-11-22-aa-BB-ccd:campus",
		"-00-11-22-aa-BB-cc:campus",
		":campus",
		"00/11/22/aa/BB/cc:campus",
		"00-11-22",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_non_null(place_ssid(good[i]));
		assert_string_equal(place_ssid(good[i]), "campus");
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		if (place_ssid(none[i]))
			fail_msg("'%s' has an SSID", none[i]);
	assert_string_equal(place_ssid("00-11-22-aa-BB-cc:a:b c"), "a:b c");
}

static void test_lists(void **state)
{
	(void)state;
	assert_true(place_is_listed("campus", "campus"));
	assert_true(place_is_listed("a,campus,b", "campus"));
	assert_true(place_is_listed("a,campus", "campus"));
	assert_false(place_is_listed("a,campus", "Campus"));
	assert_false(place_is_listed("a,campus", "camp"));
	assert_false(place_is_listed("a,camp", "campus"));
	assert_false(place_is_listed("a,campus", "a,campus"));
	assert_false(place_is_listed("a,,b", ""));
	assert_false(place_is_listed("", ""));
	assert_false(place_is_listed("", "a"));
	assert_false(place_is_listed("cam*", "campus"));
	assert_true(place_is_listed("cam*", "cam*"));

	assert_true(place_matches("ap-*", "ap-17"));
	assert_true(place_matches("x,ap-*", "ap-"));
	assert_false(place_matches("x,ap-*", "ap"));
	assert_false(place_matches("x,ap-*", "wap-1"));
	assert_true(place_matches("10.0.0.*", "10.0.0.9"));
	assert_false(place_matches("10.0.0.*", "10.0.1.9"));
	assert_true(place_matches("x,ap-1", "ap-1"));
	assert_false(place_matches("x,ap-1", "ap-17"));
	assert_true(place_matches("*", "anything"));
	assert_false(place_matches("*", ""));
	assert_false(place_matches(",", "a"));
}

static void test_names(void **state)
{
	static const char *const fit[] = {
		"",      "anonymous", "Anonymous@example.edu", "@example.edu",
		"alice", "ALICE",     "alice@example.edu",     "Alice@Example.EDU"};
	static const char *const differ[] = {
		"alic",    "alicx",           "anonymoux",         "alicea",
		"bob",     "bob@example.edu", "alice@example.com", "anonymouse",
		"anonymou"};

	(void)state;
	for (size_t i = 0; i < sizeof(fit) / sizeof(fit[0]); i++)
		if (!place_name_fits(fit[i], "alice@example.edu"))
			fail_msg("%s does not fit", fit[i]);
	for (size_t i = 0; i < sizeof(differ) / sizeof(differ[0]); i++)
		if (place_name_fits(differ[i], "alice@example.edu"))
			fail_msg("%s fits", differ[i]);
	assert_true(place_name_fits("alice@any.where", "alice"));
	assert_false(place_name_fits("bob@any.where", "alice"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ssid),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
