#include "tests/support/store_story.h"

struct seen {
	size_t n, stop_at;
	char last[LOGIN_SIZE];
	bool sorted;
};

static int see(void *ctx, const char *name, const char *value)
{
	struct seen *s = ctx;

	if (value[0] == '\0')
		return E_FORMAT;
	if (strcmp(name, s->last) <= 0)
		s->sorted = false;
	OK(text_copy(s->last, sizeof(s->last), name));
	s->n++;
	return s->n == s->stop_at ? E_IO : E_OK;
}

static void thousands_of_logins(void **state)
{
	struct seen s = {.sorted = true};

	(void)state;
	OK(store_logins(S.leavers, "okta", see, &s, &S.em));
	assert_int_equal(s.n, 0);
	(void)RAW("installer", "EVAL",
		  "for i = 1, 5432 do redis.call('HSET', 'login:okta', 'login' .. i, 'u' .. i) end",
		  "0");
	OK(store_logins(S.leavers, "okta", see, &s, &S.em));
	assert_int_equal(s.n, 5432);
	assert_true(s.sorted);
	memset(&s, 0, sizeof(s));
	s.stop_at = 10;
	assert_int_equal(store_logins(S.leavers, "okta", see, &s, &S.em), E_IO);
	assert_int_equal(s.n, 10);
}

static void who_is_held(void **state)
{
	struct seen s = {.sorted = true};
	struct user a, b;

	(void)state;
	person(&a, "held-a");
	person(&b, "held-b");
	OK(store_suspend_user(S.leavers, "held-a", "x", "scim", &S.em));
	OK(store_suspend_user(S.leavers, "held-b", "x", "ldap", &S.em));
	OK(store_holds(S.leavers, "scim", see, &s, &S.em));
	assert_int_equal(s.n, 1);
	assert_string_equal(s.last, a.id);
}

static void refused(void **state)
{
	struct seen s = {0};

	(void)state;
	FAILS(store_logins(S.leavers, "nowhere", see, &s, &S.em), E_FORMAT);
	FAILS(store_holds(S.leavers, "", see, &s, &S.em), E_FORMAT);
	FAILS(store_logins(S.radius, "local", see, &s, &S.em), E_BACKEND);
	FAILS(store_logins(S.front, "local", see, &s, &S.em), E_BACKEND);
	assert_int_equal(s.n, 0);
	assert_non_null(
		strstr(RAW("auto_revoke", "FCALL_RO", "logins", "0", "local", "x"), "cursor"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_of_logins),
		cmocka_unit_test(who_is_held),
		cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
