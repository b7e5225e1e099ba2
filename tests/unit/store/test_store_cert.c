#include "tests/support/store_story.h"

#include <unistd.h>

static void new_then_again(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, again, other;
	struct claimed got;

	(void)state;
	reserved(&u, &d, &t, &c, "claim1");
	state_is(c.serial, CERT_RESERVED, false);
	/* a lost reply: the same call again */
	OK(claim(&c, &got));
	assert_int_equal(got.result, CLAIM_NEW);
	assert_string_equal(got.serial, c.serial);
	OK(commit(&c));
	state_is(c.serial, CERT_ACTIVE, false);
	record(&again, &t);
	memcpy(again.spki, c.spki, sizeof(c.spki));
	OK(claim(&again, &got));
	assert_int_equal(got.result, CLAIM_AGAIN);
	assert_string_equal(got.serial, c.serial);
	/* nothing was written for the second serial */
	FAILS(store_cert_get(S.ca, again.serial, &other, &S.em), E_NOTFOUND);
	/* another key: never, before and after */
	record(&other, &t);
	FAILS(claim(&other, &got), E_DENIED);
	state_is(c.serial, CERT_ACTIVE, false);
	/* and the record is what was claimed */
	OK(store_cert_get(S.ca, c.serial, &other, &S.em));
	assert_string_equal(other.issuer, c.issuer);
	assert_string_equal(other.user, u.id);
	assert_string_equal(other.device, d.id);
	assert_string_equal(other.profile, "students");
	assert_string_equal(other.spki, c.spki);
	assert_string_equal(other.ticket, t.challenge);
	assert_true(other.not_before == c.not_before && other.not_after == c.not_after);
}

static void claim_refusals(void **state)
{
	struct user u, v;
	struct device d, e;
	struct ticket t, t2;
	struct certrec c, good;
	struct claimed got;

	(void)state;
	person(&u, "claim2");
	person(&v, "claim2b");
	device(&d, &u);
	device(&e, &u);
	ticket_for(&t, &u, &d);
	record(&good, &t);
	FAILS(claim(&good, &got), E_NOTFOUND);
	OK(put(&t, 5));
#define REFUSED(change, want)                                                                      \
	do {                                                                                       \
		c = good;                                                                          \
		change;                                                                            \
		FAILS(claim(&c, &got), want);                                                      \
	} while (0)
	REFUSED(memcpy(c.user, v.id, sizeof(c.user)), E_DENIED);
	REFUSED(memcpy(c.device, e.id, sizeof(c.device)), E_DENIED);
	REFUSED(memcpy(c.profile, "staff", 6), E_DENIED);
	REFUSED(c.issuer[0] = '\0', E_FORMAT);
	REFUSED(c.issuer[0] = 'A', E_FORMAT);
	REFUSED(c.serial[0] = '8', E_FORMAT);
	REFUSED(c.spki[3] = '\0', E_FORMAT);
	REFUSED(c.ticket[3] = '\0', E_FORMAT);
	REFUSED(c.not_after = c.not_before, E_FORMAT);
	REFUSED((c.not_before = 1, c.not_after = clock_now() - 1), E_FORMAT);
#undef REFUSED
	/* only the ca role claims */
	FAILS(claim_as(S.front, &good, &got), E_BACKEND);
	FAILS(claim_as(S.portal, &good, &got), E_BACKEND);
	FAILS(claim_as(S.anna, &good, &got), E_BACKEND);
	OK(store_suspend_user(S.anna, "claim2", "x", NULL, &S.em));
	FAILS(claim(&good, &got), E_DENIED);
	OK(store_restore_user(S.anna, "claim2", NULL, &S.em));
	OK(claim(&good, &got));
	/* a serial is used once, also with another ticket, also when it was only ever revoked */
	ticket_for(&t2, &u, &e);
	OK(put(&t2, 5));
	record(&c, &t2);
	memcpy(c.serial, good.serial, sizeof(c.serial));
	FAILS(claim(&c, &got), E_EXISTS);
	fresh_serial(c.serial);
	assert_string_equal(RAW("ca", "HSETNX", "revoked", c.serial, "1 ca burnt"), "1");
	FAILS(claim(&c, &got), E_EXISTS);
}

static void ticket_runs_out(void **state)
{
	struct user u;
	struct device d, e;
	struct ticket t, used;
	struct certrec c, c2;
	struct claimed got;

	(void)state;
	person(&u, "expiry");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	t.expires = clock_now() + 2;
	device(&e, &u);
	ticket_for(&used, &u, &e);
	used.expires = t.expires;
	OK(put(&t, 5));
	OK(put(&used, 5));
	record(&c, &used);
	OK(claim(&c, &got));
	OK(commit(&c));
	(void)sleep(3);
	record(&c2, &t);
	FAILS(claim(&c2, &got), E_DENIED);
	assert_non_null(strstr(S.em.text, "expired"));
	/* but who got a certificate in time may fetch it again */
	OK(claim(&c, &got));
	assert_int_equal(got.result, CLAIM_AGAIN);
}

static void lives_past_the_replay_window(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char key[80];
	int64_t left;

	(void)state;
	active(&u, &d, &t, &c, "ttl");
	(void)snprintf(key, sizeof(key), "claim:%s", t.challenge);
	OK(text_int64(RAW("installer", "TTL", key), &left));
	assert_in_range(left, 600 + 3600 - 5, 600 + 3600);
	(void)snprintf(key, sizeof(key), "ticket:%s", t.challenge);
	OK(text_int64(RAW("installer", "TTL", key), &left));
	assert_in_range(left, 600 + 3600 - 5, 600 + 3600);
}

static void signing_was_interrupted(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec first, second;
	struct claimed got;

	(void)state;
	reserved(&u, &d, &t, &first, "crash");
	second = first;
	fresh_serial(second.serial);
	OK(claim(&second, &got));
	assert_int_equal(got.result, CLAIM_NEW);
	assert_string_equal(got.serial, second.serial);
	state_is(first.serial, CERT_ABORTED, true);
	/* the lost one can no longer become active, and its failure does not hurt the second */
	FAILS(commit(&first), E_DENIED);
	OK(commit(&second));
	state_is(second.serial, CERT_ACTIVE, false);
	OK(claim(&first, &got));
	assert_int_equal(got.result, CLAIM_AGAIN);
	assert_string_equal(got.serial, second.serial);
}

static void aborted_then_again(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, next;
	struct claimed got;
	char unknown[SERIAL_SIZE];

	(void)state;
	reserved(&u, &d, &t, &c, "abort");
	OK(store_cert_abort(S.ca, c.serial, "signer failed", &S.em));
	OK(store_cert_abort(S.ca, c.serial, "signer failed", &S.em));
	state_is(c.serial, CERT_ABORTED, true);
	FAILS(commit(&c), E_DENIED);
	next = c;
	fresh_serial(next.serial);
	OK(claim(&next, &got));
	assert_int_equal(got.result, CLAIM_NEW);
	OK(commit(&next));
	FAILS(store_cert_abort(S.ca, next.serial, "too late", &S.em), E_STATE);
	state_is(next.serial, CERT_ACTIVE, false);
	/* an INTENT that never reached the claim */
	fresh_serial(unknown);
	OK(store_cert_abort(S.ca, unknown, "intent without claim", &S.em));
	OK(store_cert_abort(S.ca, unknown, "intent without claim", &S.em));
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", unknown), "1");
	FAILS(store_cert_abort(S.front, unknown, "x", &S.em), E_BACKEND);
	FAILS(store_cert_abort(S.ca, "zz", "x", &S.em), E_FORMAT);
	FAILS(store_cert_abort(S.ca, unknown, "", &S.em), E_FORMAT);
}

enum spoil { HELD, HELD_BY_FILE, LEFT, CERT_REVOKED, USER_REVOKED, TICKET_REVOKED, DEVICE_REVOKED };

static void spoil(enum spoil how, struct user *u, const struct device *d, const struct ticket *t,
		  const struct certrec *c)
{
	switch (how) {
	case HELD:
		OK(store_suspend_user(S.anna, u->login, "x", NULL, &S.em));
		break;
	case HELD_BY_FILE:
		OK(store_suspend_user(S.leavers, u->login, "x", "file", &S.em));
		break;
	case LEFT:
		u->leave_at = 1;
		OK(store_user_put(S.leavers, u, &S.em));
		break;
	case CERT_REVOKED:
		OK(store_revoke_cert(S.anna, c->serial, "x", &S.em));
		break;
	case USER_REVOKED:
		/* and restored at once: what was revoked stays so */
		OK(store_revoke_user(S.anna, u->login, "x", NULL, NULL, &S.em));
		OK(store_restore_user(S.anna, u->login, NULL, &S.em));
		break;
	case TICKET_REVOKED:
		assert_string_equal(RAW("portal", "HSETNX", "revoked", t->challenge, "1 portal x"),
				    "1");
		break;
	case DEVICE_REVOKED:
		OK(store_device_revoke(S.portal, u->id, d->id, "x", &S.em));
		break;
	}
}

static void unspoil(enum spoil how, struct user *u)
{
	if (how == HELD)
		OK(store_restore_user(S.anna, u->login, NULL, &S.em));
	if (how == HELD_BY_FILE)
		OK(store_restore_user(S.leavers, u->login, "file", &S.em));
	if (how == LEFT) {
		u->leave_at = 0;
		OK(store_user_put(S.leavers, u, &S.em));
	}
}

/* Between claim and commit: the certificate must never become active, nor the ticket usable again. */
static void spoilt_before_commit(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, next;
	struct claimed got;
	char login[16];
	int how;

	(void)state;
	for (how = HELD; how <= DEVICE_REVOKED; how++) {
		(void)snprintf(login, sizeof(login), "spoil%d", how);
		reserved(&u, &d, &t, &c, login);
		spoil((enum spoil)how, &u, &d, &t, &c);
		if (commit(&c) != E_DENIED)
			fail_msg("committed in spite of %d", how);
		state_is(c.serial, CERT_ABORTED, true);
		FAILS(commit(&c), E_DENIED);
		unspoil((enum spoil)how, &u);
		next = c;
		fresh_serial(next.serial);
		if (claim(&next, &got) != E_DENIED)
			fail_msg("claimed again in spite of %d", how);
		FAILS(commit(&c), E_DENIED);
	}
}

/* The same, when the signer gave up in between and reports an abort. */
static void revoked_then_aborted(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, next;
	struct claimed got;

	(void)state;
	reserved(&u, &d, &t, &c, "revab");
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	OK(store_cert_abort(S.ca, c.serial, "signer failed", &S.em));
	next = c;
	fresh_serial(next.serial);
	FAILS(claim(&next, &got), E_DENIED);
}

/* After the commit: no second copy for who is out. */
static void spoilt_after_commit(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct claimed got;
	char login[16];
	int how;

	(void)state;
	for (how = HELD; how <= DEVICE_REVOKED; how++) {
		(void)snprintf(login, sizeof(login), "after%d", how);
		active(&u, &d, &t, &c, login);
		spoil((enum spoil)how, &u, &d, &t, &c);
		if (claim(&c, &got) != E_DENIED)
			fail_msg("handed out again in spite of %d", how);
	}
}

static void commit_twice(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	char none[SERIAL_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "commit");
	OK(commit(&c));
	FAILS(store_cert_commit(S.ca, c.serial, bytes_str(DER "x"), &S.em), E_STATE);
	FAILS(store_cert_commit(S.ca, c.serial, bytes_str("short"), &S.em), E_FORMAT);
	fresh_serial(none);
	FAILS(store_cert_commit(S.ca, none, bytes_str(DER), &S.em), E_NOTFOUND);
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	FAILS(commit(&c), E_DENIED);
	/* only the ca role commits */
	reserved(&u, &d, &t, &c, "commit2");
	FAILS(store_cert_commit(S.portal, c.serial, bytes_str(DER), &S.em), E_BACKEND);
	FAILS(store_cert_commit(S.front, c.serial, bytes_str(DER), &S.em), E_BACKEND);
	state_is(c.serial, CERT_RESERVED, false);
}

/* Two more reasons that can arise while the signer works. */
static void late_for_commit(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct claimed got;
	char key[80];

	(void)state;
	person(&u, "late");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	record(&c, &t);
	c.not_after = clock_now() + 2; /* one may pass before the claim */
	OK(claim(&c, &got));
	while (clock_now() <= c.not_after)
		(void)usleep(20000);
	FAILS(commit(&c), E_DENIED);
	state_is(c.serial, CERT_ABORTED, true);
	/* a claim that names another serial, while this one still looks reserved */
	reserved(&u, &d, &t, &c, "rebound");
	(void)snprintf(key, sizeof(key), "claim:%s", t.challenge);
	(void)RAW("ca", "HSET", key, "serial", "40000000000000000000000000000001");
	FAILS(commit(&c), E_DENIED);
	state_is(c.serial, CERT_ABORTED, true);
}

/* A key is one person's; with it that person may enrol again, another device too. */
static void key_of_another_person(void **state)
{
	struct user u, other;
	struct device d, second;
	struct ticket t, again, theirs;
	struct certrec c, c2, c3, none;
	struct claimed got;
	char spki[HASH_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "keyed");
	memcpy(spki, c.spki, sizeof(spki));
	person(&other, "copier");
	device(&second, &other);
	ticket_for(&theirs, &other, &second);
	OK(put(&theirs, 5));
	record(&c2, &theirs);
	memcpy(c2.spki, spki, sizeof(spki));
	FAILS(claim(&c2, &got), E_STATE);
	assert_non_null(strstr(S.em.text, "another person's"));
	FAILS(store_cert_get(S.ca, c2.serial, &none, &S.em), E_NOTFOUND);
	RAW("installer", "EVAL",
	    "local e = redis.call('XREVRANGE', 'events:ca', '+', '-', 'COUNT', 1)[1][2] "
	    "return e[2] .. ' ' .. e[#e]",
	    "0");
	assert_non_null(strstr(told, "key_other_person"));
	assert_non_null(strstr(told, u.id));
	/* the ticket is not used up by that */
	record(&c2, &theirs);
	OK(claim(&c2, &got));
	device(&second, &u);
	ticket_for(&again, &u, &second);
	OK(put(&again, 5));
	record(&c3, &again);
	memcpy(c3.spki, spki, sizeof(spki));
	OK(claim(&c3, &got));
	/* a revoked certificate does not make its key anybody's */
	OK(store_revoke_cert(S.anna, c.serial, "stolen", &S.em));
	OK(store_revoke_cert(S.anna, c3.serial, "stolen", &S.em));
	device(&second, &other);
	ticket_for(&theirs, &other, &second);
	OK(put(&theirs, 5));
	record(&c2, &theirs);
	memcpy(c2.spki, spki, sizeof(spki));
	FAILS(claim(&c2, &got), E_STATE);
}

/* What was issued before there was such a record, or put back by a rebuild. */
static void key_owners_of_before(void **state)
{
	struct user u, other;
	struct device d;
	struct ticket t;
	struct certrec c, theirs;
	struct claimed got;

	(void)state;
	active(&u, &d, &t, &c, "before");
	RAW("installer", "DEL", "keyowners");
	FAILS(store_key_owners(S.portal, &S.em), E_DENIED);
	OK(store_key_owners(S.installer, &S.em));
	OK(store_key_owners(S.installer, &S.em));
	RAW("installer", "HGET", "keyowners", c.spki);
	assert_string_equal(told, u.id);
	person(&other, "after");
	device(&d, &other);
	ticket_for(&t, &other, &d);
	OK(put(&t, 5));
	record(&theirs, &t);
	memcpy(theirs.spki, c.spki, sizeof(c.spki));
	FAILS(claim(&theirs, &got), E_STATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_of_another_person),
		cmocka_unit_test(key_owners_of_before),
		cmocka_unit_test(new_then_again),
		cmocka_unit_test(claim_refusals),
		cmocka_unit_test(ticket_runs_out),
		cmocka_unit_test(lives_past_the_replay_window),
		cmocka_unit_test(signing_was_interrupted),
		cmocka_unit_test(aborted_then_again),
		cmocka_unit_test(spoilt_before_commit),
		cmocka_unit_test(revoked_then_aborted),
		cmocka_unit_test(spoilt_after_commit),
		cmocka_unit_test(commit_twice),
		cmocka_unit_test(late_for_commit),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
