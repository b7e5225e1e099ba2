#include "tests/support/store_story.h"

static void upper(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'a' && *s <= 'f')
			*s = (char)(*s - 'a' + 'A');
}

static void by_serial(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, got;
	char spelled[SERIAL_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "serial1");
	memcpy(spelled, c.serial, sizeof(spelled));
	upper(spelled);
	OK(store_revoke_cert(S.anna, spelled, "lost on a train", &S.em));
	OK(store_cert_get(S.ca, c.serial, &got, &S.em));
	assert_non_null(strstr(got.revoked, " anna lost on a train"));
	/* the first word stands */
	OK(store_revoke_cert(S.bert, c.serial, "found again", &S.em));
	OK(store_cert_get(S.ca, c.serial, &got, &S.em));
	assert_non_null(strstr(got.revoked, " anna lost on a train"));
	fresh_serial(spelled);
	FAILS(store_revoke_cert(S.anna, spelled, "x", &S.em), E_NOTFOUND);
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", spelled), "0");
	FAILS(store_revoke_cert(S.anna, "alice", "x", &S.em), E_FORMAT);
}

static void who_may(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d, &t, &c, "who1");
	FAILS(store_revoke_cert(S.installer, c.serial, "x", &S.em), E_DENIED);
	assert_non_null(strstr(S.em.text, "installer"));
	FAILS(store_revoke_user(S.installer, "who1", "x", NULL, NULL, &S.em), E_DENIED);
	FAILS(store_suspend_user(S.installer, "who1", "x", "helpdesk", &S.em), E_DENIED);
	FAILS(store_restore_user(S.installer, "who1", "helpdesk", &S.em), E_DENIED);
	FAILS(store_revoke_cert(S.radius, c.serial, "x", &S.em), E_BACKEND);
	FAILS(store_revoke_cert(S.front, c.serial, "x", &S.em), E_BACKEND);
	FAILS(store_revoke_user(S.front, "who1", "x", "helpdesk", NULL, &S.em), E_BACKEND);
	state_is(c.serial, CERT_ACTIVE, false);
	/* a user that is no actor */
	(void)RAW("installer", "HDEL", "actors", "bert");
	FAILS(store_revoke_cert(S.bert, c.serial, "x", &S.em), E_DENIED);
	/* a user that answers to two names */
	(void)RAW("installer", "HSET", "actors", "bert", "helpdesk");
	(void)RAW("installer", "ACL", "SETUSER", "bert", "(+xadd %W~events:anna)");
	FAILS(store_revoke_cert(S.bert, c.serial, "x", &S.em), E_DENIED);
	(void)RAW("installer", "ACL", "LOAD");
	state_is(c.serial, CERT_ACTIVE, false);
	OK(store_revoke_cert(S.bert, c.serial, "x", &S.em));
}

/* A right that is missing stops a Function before its first write, not between two. */
static void all_or_nothing(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char hold[REASON_SIZE];
	struct store *s;

	(void)state;
	active(&u, &d, &t, &c, "half");
	OK(store_acl_user(S.installer, "half",
			  "on >pw-half -@all +fcall +time +hget +hmget +hgetall +hexists +exists "
			  "+zrange %R~* "
			  "(+hset %W~hold:helpdesk) (+xadd %W~events:half)",
			  &S.em));
	OK(store_actor_put(S.installer, "half", "helpdesk", &S.em));
	s = test_redis_as(&S.redis, "half");
	FAILS(store_revoke_user(s, "half", "x", NULL, NULL, &S.em), E_BACKEND);
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_string_equal(hold, "");
	/* the one write that is allowed works by itself */
	OK(store_suspend_user(s, "half", "x", NULL, &S.em));
	store_close(s);
	OK(store_acl_del(S.installer, "half", &S.em));
}

static void reasons(void **state)
{
	struct user u;
	char reason[142];

	(void)state;
	person(&u, "reasons");
	memset(reason, 'r', sizeof(reason));
	reason[141] = '\0';
	FAILS(store_suspend_user(S.anna, "reasons", reason, NULL, &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.anna, "reasons", "", NULL, &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.anna, "reasons", "a\nb", NULL, &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.anna, "reasons", "a\x1b[2Jb", NULL, &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.anna, "reasons",
				 "a\xc2\x9b"
				 "b",
				 NULL, &S.em),
	      E_FORMAT);
	reason[140] = '\0';
	OK(store_suspend_user(S.anna, "reasons", reason, NULL, &S.em));
}

static void whole_person(void **state)
{
	struct user u;
	struct device d, d2;
	struct ticket t, t2, t3;
	struct certrec c, r, old;
	struct claimed claimed;
	int64_t n = -1;
	char hold[REASON_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "whole");
	/* one reserved, one open ticket, one already revoked */
	device(&d2, &u);
	ticket_for(&t2, &u, &d2);
	OK(put(&t2, 5));
	record(&r, &t2);
	OK(claim(&r, &claimed));
	ticket_for(&t3, &u, &d2);
	OK(put(&t3, 5));
	FAILS(store_revoke_user(S.anna, "nobody", "x", NULL, &n, &S.em), E_NOTFOUND);
	assert_int_equal(n, -1);
	OK(store_revoke_user(S.anna, "Whole", "left without notice", NULL, &n, &S.em));
	assert_int_equal(n, 3);
	state_is(c.serial, CERT_ACTIVE, true);
	state_is(r.serial, CERT_RESERVED, true);
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t3.challenge), "1");
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_non_null(strstr(hold, "helpdesk: "));
	assert_non_null(strstr(hold, " anna left without notice"));
	record(&old, &t3);
	FAILS(claim(&old, &claimed), E_DENIED);
	/* again: nothing new to revoke; the hold tells the latest revocation, and a repeat changes nothing */
	OK(store_revoke_user(S.bert, u.id, "again", NULL, &n, &S.em));
	assert_int_equal(n, 0);
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_non_null(strstr(hold, " bert again"));
	OK(store_revoke_user(S.anna, u.id, "again", NULL, &n, &S.em));
	OK(store_suspend_user(S.anna, u.id, "something else", NULL, &S.em));
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_non_null(strstr(hold, " bert again"));
	/* restored: the person may come back, the certificates not */
	OK(store_restore_user(S.bert, "whole", NULL, &S.em));
	state_is(c.serial, CERT_ACTIVE, true);
	FAILS(claim(&old, &claimed), E_DENIED);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
}

static void expired_ones_are_left(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct claimed got;
	int64_t n;

	(void)state;
	person(&u, "expired");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	record(&c, &t);
	c.not_after = clock_now() + 2;
	OK(claim(&c, &got));
	OK(commit(&c));
	while (clock_now() <= c.not_after)
		;
	OK(store_revoke_user(S.anna, "expired", "x", NULL, &n, &S.em));
	assert_int_equal(n, 0);
}

static void sources(void **state)
{
	struct user u;
	char hold[REASON_SIZE];

	(void)state;
	person(&u, "sources");
	FAILS(store_suspend_user(S.leavers, "sources", "x", NULL, &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.leavers, "sources", "x", "nonsense", &S.em), E_FORMAT);
	FAILS(store_suspend_user(S.leavers, "sources", "x", "helpdesk", &S.em), E_BACKEND);
	FAILS(store_suspend_user(S.anna, "sources", "x", "file", &S.em), E_BACKEND);
	FAILS(store_revoke_user(S.anna, "sources", "x", "ldap", NULL, &S.em), E_BACKEND);
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_string_equal(hold, "");
	OK(store_suspend_user(S.leavers, "sources", "not in the export", "file", &S.em));
	OK(store_suspend_user(S.anna, "sources", "under investigation", NULL, &S.em));
	/* nobody lifts another's hold */
	FAILS(store_restore_user(S.anna, "sources", "file", &S.em), E_BACKEND);
	FAILS(store_restore_user(S.leavers, "sources", "helpdesk", &S.em), E_BACKEND);
	OK(store_restore_user(S.anna, "sources", NULL, &S.em));
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_non_null(strstr(hold, "file: "));
	OK(store_restore_user(S.leavers, "sources", "file", &S.em));
	OK(store_restore_user(S.leavers, "sources", "file", &S.em));
	OK(store_user_get(S.portal, u.id, &u, hold, &S.em));
	assert_string_equal(hold, "");
	/* the person reads what remains */
	OK(store_suspend_user(S.leavers, "sources", "not in the export", "file", &S.em));
	assert_non_null(
		strstr(RAW("anna", "FCALL", "restore_user", "0", "sources"), "still held by file"));
}

/* The ACL of auto_revoke and the Functions' list of sources must be the same. */
static void every_source_of_the_acl(void **state)
{
	static const char *const names[] = {"file",  "local",  "ldap", "ad",   "oidc", "saml",
					    "entra", "google", "okta", "scim", "hr",   "voucher"};
	struct user u;
	size_t i;

	(void)state;
	person(&u, "every");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		OK(store_suspend_user(S.leavers, "every", "x", names[i], &S.em));
		OK(store_restore_user(S.leavers, "every", names[i], &S.em));
	}
}

static void portal_revokes_a_device(void **state)
{
	struct user u, v;
	struct device d, e;
	struct ticket t, t2;
	struct certrec c, other;

	(void)state;
	active(&u, &d, &t, &c, "device1");
	active(&v, &e, &t2, &other, "device2");
	ticket_for(&t2, &u, &d);
	OK(put(&t2, 5));
	FAILS(store_device_revoke(S.portal, v.id, d.id, "not mine", &S.em), E_DENIED);
	state_is(c.serial, CERT_ACTIVE, false);
	FAILS(store_device_revoke(S.radius, u.id, d.id, "x", &S.em), E_BACKEND);
	OK(store_device_revoke(S.portal, u.id, d.id, "sold", &S.em));
	state_is(c.serial, CERT_ACTIVE, true);
	state_is(other.serial, CERT_ACTIVE, false);
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t2.challenge), "1");
	OK(store_device_revoke(S.portal, u.id, d.id, "sold", &S.em));
	d.id[4] = d.id[4] == '0' ? '1' : '0';
	FAILS(store_device_revoke(S.portal, u.id, d.id, "x", &S.em), E_NOTFOUND);
}

static void why_tells(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, open;
	struct certrec c;
	struct buf out;
	char txn[HASH_SIZE], key[80];

	(void)state;
	active(&u, &d, &t, &c, "curious");
	ticket_for(&open, &u, &d);
	OK(put(&open, 5));
	OK(rnd_id(txn, sizeof(txn), "", 32));
	OK(store_enrol_note(S.front, txn, "policy", "key_too_small", u.id, &S.em));
	OK(store_suspend_user(S.leavers, "curious", "not in the export", "file", &S.em));
	OK(store_revoke_cert(S.anna, c.serial, "stolen", &S.em));
	buf_init(&out, 1 << 16);
	OK(store_why(S.bert, "curious", &out, &S.em));
#define HAS(text)                                                                                  \
	do {                                                                                       \
		if (strstr(buf_str(&out), (text)) == NULL)                                         \
			fail_msg("no '%s' in:\n%s", (text), buf_str(&out));                        \
	} while (0)
	HAS("person: curious (local), A Person");
	HAS("groups: students (priority 10, VLAN 30), nobodies (no policy)");
	HAS("HELD by file: 20");
	HAS(" UTC by auto_revoke: not in the export");
	HAS("certificates: 1, open tickets: 1");
	HAS(c.serial);
	HAS("active, 20");
	HAS("device Laptop (linux)");
	HAS("    REVOKED 20");
	HAS(" UTC by anna: stolen");
	HAS("key_too_small");
	/* whose content or challenge never shows */
	assert_null(strstr(buf_str(&out), "scepauth-ticket"));
	assert_null(strstr(buf_str(&out), open.challenge));
	buf_reset(&out);
	OK(store_why(S.anna, c.serial, &out, &S.em));
	HAS("person: curious");
	HAS("REVOKED");
	FAILS(store_why(S.anna, "nobody-here", &out, &S.em), E_NOTFOUND);
	/* by hand, with an attempt to move the reader's cursor */
	fresh_serial(c.serial);
	(void)RAW("bert", "HSETNX", "revoked", c.serial, "\x1b[2Jx\r\ny");
	buf_reset(&out);
	OK(store_why(S.anna, c.serial, &out, &S.em));
	HAS("has no record, REVOKED written by hand: ?[2Jx??y");
	(void)snprintf(key, sizeof(key), "user:%s", u.id);
	(void)RAW("portal", "HSET", key, "name", "\x1b]0;evil\x07");
	buf_reset(&out);
	OK(store_why(S.anna, "curious", &out, &S.em));
	assert_null(strchr(buf_str(&out), '\x1b'));
	assert_null(strchr(buf_str(&out), '\x07'));
	buf_free(&out);
	FAILS(store_why(S.front, "curious", &out, &S.em), E_BACKEND);
}

/* A helpdesk person can spoil the own stream (an id that leaves no room), never a revocation. */
static void event_cannot_be_written(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d, &t, &c, "poison");
	(void)RAW("bert", "XADD", "events:bert", "18446744073709551615-18446744073709551615", "a",
		  "b");
	assert_non_null(strstr(RAW("bert", "FCALL", "revoke_cert", "0", c.serial, "x"),
			       "(the event could NOT be recorded)"));
	state_is(c.serial, CERT_ACTIVE, true);
	OK(store_suspend_user(S.bert, "poison", "x", NULL, &S.em));
	OK(store_restore_user(S.bert, "poison", NULL, &S.em));
}

/* Last: fills the memory. */
static void out_of_memory(void **state)
{
	struct user u, v;
	struct device d, e;
	struct ticket t, t2, t3;
	struct certrec c, r, late, gone;
	struct claimed got;
	struct facts f;
	int64_t n;

	(void)state;
	active(&u, &d, &t, &c, "oom1");
	active(&v, &e, &t2, &gone, "oom2");
	reserved(&v, &e, &t2, &r, "oom3");
	reserved(&v, &e, &t2, &late, "oom4");
	ticket_for(&t3, &u, &d);
	assert_string_equal(RAW("installer", "CONFIG", "SET", "maxmemory", "1mb"), "OK");
	/* new things are refused ... */
	FAILS(put(&t3, 5), E_BACKEND);
	assert_non_null(strstr(S.em.text, "maxmemory"));
	FAILS(store_device_put(S.portal, &(struct device){.id = "d0"}, &S.em), E_BACKEND);
	/* ... but what was issued stays in force, and out is out */
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	OK(store_suspend_user(S.anna, "oom1", "x", NULL, &S.em));
	OK(store_restore_user(S.anna, "oom1", NULL, &S.em));
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	state_is(c.serial, CERT_ACTIVE, true);
	OK(store_revoke_user(S.leavers, "oom2", "x", "file", &n, &S.em));
	assert_int_equal(n, 1);
	state_is(gone.serial, CERT_ACTIVE, true);
	OK(store_cert_abort(S.ca, r.serial, "x", &S.em));
	state_is(r.serial, CERT_ABORTED, true);
	OK(store_suspend_user(S.anna, "oom4", "x", NULL, &S.em));
	FAILS(commit(&late), E_DENIED);
	state_is(late.serial, CERT_ABORTED, true);
	OK(store_device_revoke(S.portal, u.id, d.id, "x", &S.em));
	FAILS(claim(&c, &got), E_BACKEND);
	assert_string_equal(RAW("installer", "CONFIG", "SET", "maxmemory", "512mb"), "OK");
	OK(put(&t3, 5));
}

/* A loop over the wrong list stops early; others of the helpdesk, programs, and what is there already are not concerned. */
static void helpdesk_rate(void **state)
{
	struct user u;
	char login[NAME_SIZE];
	const char *said = "";
	size_t i;

	(void)state;
	(void)RAW("installer", "DEL", "events:bert");
	for (i = 0; i < 60; i++) {
		(void)snprintf(login, sizeof(login), "rate%02zu", i);
		person(&u, login);
		said = RAW("bert", "FCALL", "suspend_user", "0", login, "wrong list");
		if (strstr(said, "which is the most") != NULL)
			break;
	}
	assert_int_equal(i, 50);
	assert_non_null(strstr(said, "50 within 10 minutes"));
	assert_non_null(
		strstr(RAW("bert", "FCALL", "revoke_user", "0", login, "x"), "which is the most"));
	assert_string_equal(RAW("portal", "HEXISTS", "hold:helpdesk", u.id), "0");
	assert_null(strstr(RAW("bert", "FCALL", "suspend_user", "0", "rate01", "again"),
			   "which is the most"));
	assert_null(
		strstr(RAW("bert", "FCALL", "restore_user", "0", "rate01"), "which is the most"));
	OK(store_suspend_user(S.anna, login, "x", NULL, &S.em));
	OK(store_suspend_user(S.leavers, login, "x", "file", &S.em));
	/* the administrator may let more through, or nothing */
	(void)RAW("installer", "HSET", "meta", "helpdesk_rate", "60");
	assert_null(strstr(RAW("bert", "FCALL", "suspend_user", "0", "rate01", "x"),
			   "which is the most"));
	(void)RAW("installer", "HSET", "meta", "helpdesk_rate", "3");
	assert_non_null(strstr(RAW("bert", "FCALL", "revoke_user", "0", "rate01", "y"),
			       "which is the most"));
	(void)RAW("installer", "HDEL", "meta", "helpdesk_rate");
	(void)RAW("installer", "DEL", "events:bert");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_serial),
		cmocka_unit_test(who_may),
		cmocka_unit_test(all_or_nothing),
		cmocka_unit_test(reasons),
		cmocka_unit_test(whole_person),
		cmocka_unit_test(expired_ones_are_left),
		cmocka_unit_test(sources),
		cmocka_unit_test(helpdesk_rate),
		cmocka_unit_test(every_source_of_the_acl),
		cmocka_unit_test(portal_revokes_a_device),
		cmocka_unit_test(why_tells),
		cmocka_unit_test(event_cannot_be_written),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
