#include "core/base/text.h"
#include "onboard_portal/flow/logouts.h"
#include "onboard_portal/flow/session.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t key[SESSION_KEY_SIZE] = "0123456789abcdef0123456789abcde";
static const uint8_t other_key[SESSION_KEY_SIZE] = "x123456789abcdef0123456789abcde";
static const uint8_t rnd[SESSION_NONCE_SIZE] = {1, 2, 3};

static void start(struct session *s, const char *user)
{
	assert_int_equal(session_start(s, user, 1000500, 3600, 600, rnd), E_OK);
}

static void opens_what_it_sealed(void **state)
{
	char cookie[SESSION_TEXT_SIZE];
	struct session s, back;

	(void)state;
	start(&s, "u00ff");
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	assert_int_equal(session_open(cookie, key, 1001, &back), E_OK);
	assert_string_equal(back.user, "u00ff");
	assert_string_equal(back.nonce, s.nonce);
	assert_int_equal(back.issued_ms, 1000500);
	assert_int_equal(back.expires, 4600);
	assert_null(strpbrk(cookie, " ;,\"\\"));
}

static void a_proof_is_another_thing_than_a_login(void **state)
{
	char cookie[SESSION_TEXT_SIZE];
	struct session s, back;

	(void)state;
	start(&s, "u1");
	assert_false(session_recent(&s, 1000500, 600000));
	s.proven_ms = 1000000;
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	assert_int_equal(session_open(cookie, key, 1001, &back), E_OK);
	assert_true(session_recent(&back, 1000000, 600000));
	assert_true(session_recent(&back, 1599999, 600000));
	assert_false(session_recent(&back, 1600000, 600000));
	assert_false(session_recent(&back, 999999, 600000)); /* a clock that was set back */
}

static void ends_at_its_time(void **state)
{
	char cookie[SESSION_TEXT_SIZE];
	struct session s;

	(void)state;
	start(&s, "u1");
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	assert_int_equal(session_open(cookie, key, 1599, &s), E_OK);
	assert_int_equal(session_open(cookie, key, 1600, &s), E_TIMEOUT); /* not used for so long */
	/* Used every two minutes it goes on, and no longer than its end. */
	for (int64_t t = 1120; t < 4600; t += 120) {
		session_used(&s, t, 600);
		assert_int_equal(session_seal(&s, key, cookie), E_OK);
		assert_int_equal(session_open(cookie, key, t, &s), E_OK);
		assert_in_range(s.idle_end, t + 450 < 4600 ? t + 450 : 4600, 4600);
		assert_int_equal(s.expires, 4600);
	}
	s.idle_end = 9999;
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	assert_int_equal(session_open(cookie, key, 4599, &s), E_OK);
	assert_int_equal(session_open(cookie, key, 4600, &s), E_TIMEOUT);
}

static void is_sealed_anew_now_and_then(void **state)
{
	struct session s;

	(void)state;
	start(&s, "u1");
	assert_int_equal(s.idle_end, 1600);
	assert_false(session_used(&s, 1000, 600));
	assert_false(session_used(&s, 1149, 600));
	assert_int_equal(s.idle_end, 1600);
	assert_true(session_used(&s, 1150, 600));
	assert_int_equal(s.idle_end, 1750);
	assert_false(session_used(&s, 1150, 600));
	assert_false(session_used(&s, 900, 600)); /* a clock that was set back shortens nothing */
	assert_int_equal(s.idle_end, 1750);
	assert_true(session_used(&s, 4500, 600));
	assert_int_equal(s.idle_end, 4600);
	assert_false(session_used(&s, 4599, 600));
}

static void refuses_every_changed_byte(void **state)
{
	char cookie[SESSION_TEXT_SIZE];
	struct session s, back = {.user = "untouched"};

	(void)state;
	start(&s, "u1");
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	for (size_t i = 0; cookie[i] != '\0'; i++) {
		char kept = cookie[i];

		for (const char *c = "Aa0.-_="; *c != '\0'; c++) {
			cookie[i] = *c;
			if (*c != kept)
				assert_int_equal(session_open(cookie, key, 1001, &back), E_DENIED);
		}
		cookie[i] = kept;
	}
	assert_string_equal(back.user, "untouched");
	assert_int_equal(session_open(cookie, key, 1001, &back), E_OK);
}

static void refuses_others(void **state)
{
	char cookie[SESSION_TEXT_SIZE], longer[SESSION_TEXT_SIZE + 64];
	struct session s;

	(void)state;
	start(&s, "u1");
	assert_int_equal(session_seal(&s, other_key, cookie), E_OK);
	assert_int_equal(session_open(cookie, key, 1001, &s), E_DENIED);
	assert_int_equal(session_open(NULL, key, 1001, &s), E_DENIED);
	assert_int_equal(session_open("", key, 1001, &s), E_DENIED);
	assert_int_equal(session_open(".", key, 1001, &s), E_DENIED);
	assert_int_equal(session_open("abc", key, 1001, &s), E_DENIED);
	memset(longer, 'A', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(session_open(longer, key, 1001, &s), E_DENIED);
	assert_int_equal(session_seal(&s, key, cookie), E_OK);
	cookie[strlen(cookie) - 1] = '\0';
	assert_int_equal(session_open(cookie, key, 1001, &s), E_DENIED);
}

static void user_cannot_smuggle_fields(void **state)
{
	struct session s;

	(void)state;
	assert_int_equal(session_start(&s, "u1\n0\n99999999999\nx", 0, 60, 60, rnd), E_FORMAT);
	assert_int_equal(session_start(&s, "u 1", 0, 60, 60, rnd), E_FORMAT);
}

static void token_belongs_to_one_session(void **state)
{
	const uint8_t other_rnd[SESSION_NONCE_SIZE] = {9};
	char token[SESSION_CSRF_SIZE];
	struct session a, b;

	(void)state;
	start(&a, "");
	assert_int_equal(session_start(&b, "", 1000500, 3600, 600, other_rnd), E_OK);
	assert_int_equal(session_csrf(&a, key, token), E_OK);
	assert_true(session_csrf_ok(&a, key, token));
	assert_false(session_csrf_ok(&b, key, token));
	assert_false(session_csrf_ok(&a, other_key, token));
	assert_false(session_csrf_ok(&a, key, NULL));
	assert_false(session_csrf_ok(&a, key, ""));
	assert_null(strstr(token, a.nonce));
	token[0] ^= 1;
	assert_false(session_csrf_ok(&a, key, token));
}

static void logout_ends_earlier_sessions_only(void **state)
{
	struct logouts *l = logouts_new(4);
	struct session s, later;

	(void)state;
	start(&s, "u1");
	assert_int_equal(session_start(&later, "u1", 1000502, 3600, 600, rnd), E_OK);
	assert_false(logouts_ended(l, &s));
	logouts_add(l, "u1", 1000501, 3600);
	assert_true(logouts_ended(l, &s));
	assert_false(logouts_ended(l, &later));
	start(&s, "u2");
	assert_false(logouts_ended(l, &s));
	logouts_free(l);
}

static void logouts_stay_bounded(void **state)
{
	struct logouts *l = logouts_new(2);
	struct session s[3];

	(void)state;
	start(&s[0], "u0");
	start(&s[1], "u1");
	start(&s[2], "u2");
	logouts_add(l, "u0", 2000000, 10); /* ends first */
	logouts_add(l, "u1", 2000000, 99);
	logouts_add(l, "u1", 2000001, 99); /* takes no second place */
	assert_true(logouts_ended(l, &s[0]));
	logouts_add(l, "u2", 2011000, 50); /* the first is over */
	assert_false(logouts_ended(l, &s[0]));
	assert_true(logouts_ended(l, &s[1]));
	assert_true(logouts_ended(l, &s[2]));
	logouts_free(l);
}

/* Whoever logged out stays out, also when a thousand others do: then all of before log in again. */
static void no_logout_is_undone_by_others(void **state)
{
	struct logouts *l = logouts_new(2);
	struct session out, other, later, visitor;

	(void)state;
	start(&out, "u0");
	start(&other, "u9");
	start(&visitor, "");
	assert_int_equal(session_start(&later, "u9", 2000001, 3600, 600, rnd), E_OK);
	logouts_add(l, "u0", 2000000, 3600);
	logouts_add(l, "u1", 2000100, 3600);
	assert_false(logouts_ended(l, &other));
	logouts_add(l, "u2", 2000200, 3600);
	assert_true(logouts_ended(l, &out));
	assert_true(logouts_ended(l, &other));
	assert_false(logouts_ended(l, &later));
	assert_false(logouts_ended(l, &visitor));
	logouts_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_it_sealed),
		cmocka_unit_test(a_proof_is_another_thing_than_a_login),
		cmocka_unit_test(ends_at_its_time),
		cmocka_unit_test(is_sealed_anew_now_and_then),
		cmocka_unit_test(refuses_every_changed_byte),
		cmocka_unit_test(refuses_others),
		cmocka_unit_test(user_cannot_smuggle_fields),
		cmocka_unit_test(token_belongs_to_one_session),
		cmocka_unit_test(logout_ends_earlier_sessions_only),
		cmocka_unit_test(logouts_stay_bounded),
		cmocka_unit_test(no_logout_is_undone_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
