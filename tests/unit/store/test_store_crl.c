#include "tests/support/store_story.h"

static struct revocation *list_of(const char *issuer, size_t *ret_n)
{
	struct revocation *v = NULL;

	OK(store_crl_list(S.ca, issuer, &v, ret_n, &S.em));
	for (size_t i = 1; i < *ret_n; i++)
		assert_true(strcmp(v[i - 1].serial, v[i].serial) < 0);
	return v;
}

/* -1: not on the list of the issuer, else the reason. */
static int listed(const char *issuer, const char *serial)
{
	size_t n = 0;
	struct revocation *v = list_of(issuer, &n);
	int reason = -1;

	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].serial, serial) == 0) {
			reason = (int)v[i].reason;
			assert_true(v[i].at > 1700000000 && v[i].at <= clock_now() + 1);
		}
	free(v);
	return reason;
}

/* CRL and OCSP have to agree: -1 good, -2 unknown, else the reason. */
static void said(const char *serial, int want)
{
	struct standing s;
	int got;

	OK(store_cert_status(S.ca, serial, &s, &S.em));
	got = s.word == STANDING_GOOD ? -1 : s.word == STANDING_UNKNOWN ? -2 : (int)s.why.reason;
	if (got != want)
		fail_msg("status %d, not %d", got, want);
	if (want != -2)
		assert_string_equal(s.issuer, AKI);
	assert_int_equal(listed(AKI, serial), want == -2 ? -1 : want);
	assert_int_equal(listed("aa", serial), -1);
}

static char before[HASH_SIZE];

static bool moved(void)
{
	char now[HASH_SIZE];
	bool other;

	OK(store_crl_revision(S.ca, now, &S.em));
	other = strcmp(now, before) != 0;
	memcpy(before, now, sizeof(before));
	return other;
}

static void story_of_one(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	reserved(&u, &d, &t, &c, "listed");
	said(c.serial, -2);
	OK(store_suspend_user(S.anna, "listed", "too early", NULL, &S.em));
	said(c.serial, -2); /* nobody has it yet, so nobody needs to hear of it */
	OK(store_restore_user(S.anna, "listed", NULL, &S.em));
	moved();
	OK(commit(&c));
	said(c.serial, -1);
	assert_false(moved()); /* a new certificate makes no new list */
	OK(store_suspend_user(S.anna, "listed", "odd traffic", NULL, &S.em));
	assert_true(moved());
	assert_false(moved());
	said(c.serial, REVOCATION_HOLD);
	OK(store_suspend_user(S.leavers, "listed", "gone", "ldap", &S.em));
	assert_true(moved());
	OK(store_restore_user(S.bert, "listed", NULL, &S.em));
	assert_true(moved());
	said(c.serial, REVOCATION_HOLD); /* the directory's hold stands */
	OK(store_restore_user(S.leavers, "listed", "ldap", &S.em));
	assert_true(moved());
	said(c.serial, -1);
	OK(store_suspend_user(S.anna, "listed", "again", NULL, &S.em));
	OK(store_revoke_cert(S.anna, c.serial, "keyCompromise: stolen", &S.em));
	assert_true(moved());
	said(c.serial, REVOCATION_KEY_COMPROMISE); /* a revocation outweighs a hold */
	OK(store_restore_user(S.anna, "listed", NULL, &S.em));
	said(c.serial, REVOCATION_KEY_COMPROMISE);
}

static void one_hold_for_another(void **state)
{
	struct user u;

	(void)state;
	person(&u, "first");
	person(&u, "second");
	OK(store_suspend_user(S.anna, "first", "x", NULL, &S.em));
	moved();
	/* as many holds as before, but other ones */
	OK(store_restore_user(S.anna, "first", NULL, &S.em));
	OK(store_suspend_user(S.anna, "second", "x", NULL, &S.em));
	assert_true(moved());
}

static void those_who_left(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d, &t, &c, "lefty");
	moved();
	u.leave_at = clock_now() - 100;
	OK(store_user_put(S.leavers, &u, &S.em));
	assert_true(moved());
	said(c.serial, REVOCATION_HOLD);
	u.leave_at = clock_now() + 100000;
	OK(store_user_put(S.leavers, &u, &S.em));
	said(c.serial, -1);
}

static void what_was_never_issued(void **state)
{
	char none[SERIAL_SIZE];
	struct standing s;
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	fresh_serial(none);
	OK(store_cert_status(S.ca, none, &s, &S.em));
	assert_int_equal(s.word, STANDING_UNKNOWN);
	reserved(&u, &d, &t, &c, "aborted");
	OK(store_cert_abort(S.ca, c.serial, "interrupted", &S.em));
	OK(store_cert_status(S.ca, c.serial, &s, &S.em));
	assert_int_equal(s.word, STANDING_UNKNOWN);
	/* it may have been signed: it stays on the list */
	assert_int_equal(listed(AKI, c.serial), REVOCATION_UNSPECIFIED);
	OK(store_cert_abort(S.ca, none, "interrupted", &S.em));
	assert_int_equal(listed(AKI, none), -1); /* no issuer known */
	FAILS(store_cert_status(S.ca, "zz", &s, &S.em), E_FORMAT);
}

/* What is written by hand still puts out. */
static void by_hand(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct standing s;
	size_t n;

	(void)state;
	active(&u, &d, &t, &c, "byhand");
	RAW("anna", "HSET", "hold:helpdesk", u.id, "");
	OK(store_cert_status(S.ca, c.serial, &s, &S.em));
	assert_int_equal(s.word, STANDING_REVOKED);
	assert_int_equal(s.why.reason, REVOCATION_HOLD);
	assert_int_equal(s.why.at, 0);
	moved();
	RAW("anna", "HSETNX", "revoked", c.serial, "");
	assert_true(moved()); /* without an event */
	OK(store_cert_status(S.ca, c.serial, &s, &S.em));
	assert_int_equal(s.why.reason, REVOCATION_UNSPECIFIED);
	free(list_of(AKI, &n));
	assert_true(n > 0);
}

/* More than a page of each, as people with one certificate each. */
static void many(void **state)
{
	static const char lua[] =
		"#!lua name=many\n"
		"redis.register_function('many', function(keys, args) "
		"for i = 1, 3000 do "
		"local s, u = string.format('50%030d', i), string.format('u%032d', i) "
		"redis.call('HSET', 'cert:' .. s, 'issuer', 'cafe', 'user', u, 'state', 'active', "
		"'not_after', '4000000000') "
		"redis.call('ZADD', 'ucerts:' .. u, '4000000000', s) "
		"redis.call('HSET', 'user:' .. u, 'login', 'm' .. i, 'leave_at', i > 2000 and "
		"'1750000000' or '0') "
		"redis.call('HSET', 'login:okta', 'm' .. i, u) "
		"if i <= 1000 then redis.call('HSET', 'revoked', s, '1750000000 anna x') "
		"elseif i <= 2000 then redis.call('HSET', 'hold:okta', u, '1750000000 auto_revoke "
		"x') end "
		"end "
		"redis.call('HSET', 'cert:50000000000000000000000000000001', 'not_after', "
		"'1750000001') "
		"return 1 end)";
	size_t n = 0, reasons[10] = {0};
	struct revocation *v;

	(void)state;
	assert_string_equal(RAW("installer", "FUNCTION", "LOAD", lua), "many");
	assert_string_equal(RAW("installer", "FCALL", "many", "0"), "1");
	v = list_of("cafe", &n);
	assert_int_equal(n, 2999); /* one has expired */
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].at, 1750000000);
		reasons[v[i].reason]++;
	}
	assert_int_equal(reasons[REVOCATION_UNSPECIFIED], 999);
	assert_int_equal(reasons[REVOCATION_HOLD], 2000);
	free(v);
}

static void rights_and_arguments(void **state)
{
	char revision[HASH_SIZE];
	struct revocation *v = NULL;
	struct standing s;
	char none[SERIAL_SIZE];
	size_t n;

	(void)state;
	fresh_serial(none);
	FAILS(store_crl_list(S.front, AKI, &v, &n, &S.em), E_BACKEND);
	FAILS(store_crl_list(S.radius, AKI, &v, &n, &S.em), E_BACKEND);
	FAILS(store_crl_revision(S.front, revision, &S.em), E_BACKEND);
	OK(store_cert_status(S.radius, none, &s, &S.em));
	FAILS(store_crl_list(S.ca, "XX", &v, &n, &S.em), E_FORMAT);
	for (size_t i = 0; i < 6; i++) {
		static const char *const odd[] = {
			"0", "28:0", "1:x", "-1:0", "99999999:0", "1:111111111111111111111111"};

		assert_non_null(
			strstr(RAW("ca", "FCALL_RO", "crl_list", "0", AKI, odd[i]), "cursor"));
	}
	assert_null(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(story_of_one),
		cmocka_unit_test(one_hold_for_another),
		cmocka_unit_test(those_who_left),
		cmocka_unit_test(what_was_never_issued),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(many),
		cmocka_unit_test(rights_and_arguments),
	};

	return cmocka_run_group_tests_name("store_crl", tests, story_start, story_end);
}
