#include "core/model/user.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void there_and_back(void **state)
{
	const char *const lists[] = {"", "staff", "staff,students", "a.b,c-d,e_f,G@h"};
	struct user u;
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		memset(&u, 0, sizeof(u));
		assert_int_equal(user_groups_parse(&u, lists[i]), E_OK);
		assert_int_equal(user_groups_text(&u, text, sizeof(text)), E_OK);
		assert_string_equal(text, lists[i]);
	}
	assert_int_equal(u.n_groups, 4);
	assert_string_equal(u.groups[2], "e_f");
}

static void twice_counts_once(void **state)
{
	struct user u = {0};

	(void)state;
	assert_int_equal(user_groups_parse(&u, "a,b,a"), E_OK);
	assert_int_equal(u.n_groups, 2);
}

static void refused_and_untouched(void **state)
{
	const char *const bad[] = {",",    "a,",       ",a",
				   "a,,b", "a b",      "a,b\n",
				   "-a",   "\xc3\xa4", "a123456789012345678901234567890123"};
	struct user u = {0};
	size_t i;

	(void)state;
	assert_int_equal(user_groups_parse(&u, "keep"), E_OK);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (user_groups_parse(&u, bad[i]) != E_FORMAT)
			fail_msg("accepted: '%s'", bad[i]);
		assert_int_equal(u.n_groups, 1);
		assert_string_equal(u.groups[0], "keep");
	}
}

static void limits(void **state)
{
	struct user u = {0};
	char text[32];

	(void)state;
	assert_int_equal(user_groups_parse(&u, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p"), E_OK);
	assert_int_equal(u.n_groups, USER_GROUPS_MAX);
	assert_int_equal(user_groups_parse(&u, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), E_TOOBIG);
	assert_int_equal(user_groups_text(&u, text, 32), E_OK);
	assert_int_equal(user_groups_text(&u, text, 31), E_TOOBIG);
	assert_int_equal(user_groups_text(&u, text, 0), E_TOOBIG);
	/* the longest name fits exactly */
	assert_int_equal(user_groups_parse(&u, "a1234567890123456789012345678901"), E_OK);
	assert_int_equal(user_groups_text(&u, text, 32), E_TOOBIG);
	u.n_groups = USER_GROUPS_MAX + 1;
	assert_int_equal(user_groups_text(&u, text, sizeof(text)), E_TOOBIG);
}

static void leaving(void **state)
{
	(void)state;
	assert_false(user_left(0, 100));
	assert_false(user_left(101, 100));
	assert_true(user_left(100, 100));
	assert_true(user_left(-1, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaving),
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(twice_counts_once),
		cmocka_unit_test(refused_and_untouched),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
