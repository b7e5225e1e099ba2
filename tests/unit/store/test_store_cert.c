#include "tests/unit/model/serial_spellings.h"
#include "tests/unit/store/story.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void ticket_there_and_back(void **state)
{
	const uint8_t zeros[TICKET_MAC_SIZE] = {0};
	struct store_ticket got;
	struct user u;
	struct device d;
	struct ticket t, back;

	(void)state;
	person(&u, "ticket1");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	FAILS(store_ticket_get(S.front, t.challenge, &got, &S.em), E_NOTFOUND);
	OK(put(&t, 5));
	OK(store_ticket_get(S.front, t.challenge, &got, &S.em));
	OK(ticket_decode(buf_bytes(&got.content), &back));
	assert_string_equal(back.device, d.id);
	assert_int_equal(got.mac.n, TICKET_MAC_SIZE);
	assert_memory_equal(got.mac.p, zeros, TICKET_MAC_SIZE);
	buf_free(&got.content);
	buf_free(&got.mac);
	FAILS(put(&t, 5), E_EXISTS);
	FAILS(store_ticket_get(S.front, "short", &got, &S.em), E_FORMAT);
	/* helpdesk and radius have nothing to do with tickets */
	FAILS(store_ticket_get(S.anna, t.challenge, &got, &S.em), E_UNAVAIL);
	FAILS(store_ticket_get(S.radius, t.challenge, &got, &S.em), E_UNAVAIL);
}

static void ticket_arguments(void **state)
{
	char too_long[2049];
	struct user u, other;
	struct device d;
	struct ticket t;
	struct bytes mac = bytes_str("0123456789abcdef0123456789abcdef");

	(void)state;
	person(&u, "ticket2");
	person(&other, "ticket2b");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	memset(too_long, 'x', sizeof(too_long));
	FAILS(store_ticket_put(S.portal, &t, bytes_of(too_long, 2049), mac, 5, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str(""), mac, 5, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), bytes_str("short"), 5, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 0, &S.em), E_FORMAT);
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 1001, &S.em), E_FORMAT);
	t.expires = clock_now();
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 5, &S.em), E_FORMAT);
	t.expires = clock_now() + 8 * 86400;
	FAILS(store_ticket_put(S.portal, &t, bytes_str("c"), mac, 5, &S.em), E_FORMAT);
	ticket_for(&t, &other, &d);
	FAILS(put(&t, 5), E_DENIED);
	ticket_for(&t, &u, &d);
	t.device[5] = t.device[5] == 'a' ? 'b' : 'a';
	FAILS(put(&t, 5), E_NOTFOUND);
	ticket_for(&t, &u, &d);
	t.user[5] = t.user[5] == 'a' ? 'b' : 'a';
	FAILS(put(&t, 5), E_DENIED);
	/* only the portal mints */
	ticket_for(&t, &u, &d);
	FAILS(store_ticket_put(S.front, &t, bytes_str("c"), mac, 5, &S.em), E_UNAVAIL);
	FAILS(store_ticket_put(S.ca, &t, bytes_str("c"), mac, 5, &S.em), E_UNAVAIL);
	FAILS(store_ticket_put(S.anna, &t, bytes_str("c"), mac, 5, &S.em), E_UNAVAIL);
	OK(store_ticket_put(S.portal, &t, bytes_of(too_long, 2048), mac, 1000, &S.em));
}

static void ticket_needs_a_good_person(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "ticket3");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(store_suspend_user(S.anna, "ticket3", "look into it", NULL, &S.em));
	FAILS(put(&t, 5), E_DENIED);
	OK(store_restore_user(S.anna, "ticket3", NULL, &S.em));
	OK(put(&t, 5));
	u.leave_at = clock_now() - 1;
	OK(store_user_put(S.leavers, &u, &S.em));
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 5), E_DENIED);
	u.leave_at = clock_now() + 1000;
	OK(store_user_put(S.leavers, &u, &S.em));
	OK(put(&t, 5));
}

static void device_limit(void **state)
{
	struct user u;
	struct device d1, d2, d3;
	struct ticket t;
	struct certrec c;

	(void)state;
	active(&u, &d1, &t, &c, "limit");
	device(&d2, &u);
	device(&d3, &u);
	/* a new ticket for a device that has a certificate is no second device */
	ticket_for(&t, &u, &d1);
	OK(put(&t, 1));
	ticket_for(&t, &u, &d2);
	FAILS(put(&t, 1), E_STATE);
	OK(put(&t, 2));
	/* an open ticket counts */
	ticket_for(&t, &u, &d3);
	FAILS(put(&t, 2), E_STATE);
	/* what was revoked does not */
	OK(store_device_revoke(S.portal, u.id, d2.id, "sold", &S.em));
	OK(put(&t, 2));
}

/* A device has one open ticket; a device that was removed before it had a certificate is not listed. */
static void new_ticket_ends_the_earlier(void **state)
{
	struct store_device_row *rows = NULL;
	struct device d, e;
	struct ticket t, t2;
	struct user u;
	size_t n = 0;

	(void)state;
	person(&u, "replace");
	device(&d, &u);
	device(&e, &u);
	ticket_for(&t, &u, &e);
	OK(put(&t, 5));
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	ticket_for(&t2, &u, &d);
	OK(put(&t2, 5));
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t.challenge), "1");
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t2.challenge), "0");
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(rows[i].ticket_open);
		if (strcmp(rows[i].device.id, d.id) == 0)
			assert_string_equal(rows[i].ticket, t2.challenge);
	}
	free(rows);
	OK(store_device_revoke(S.portal, u.id, d.id, "sold", &S.em));
	assert_string_equal(RAW("ca", "HEXISTS", "revoked", t2.challenge), "1");
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].device.id, e.id);
	free(rows);
}

static void new_code_replaces_the_old(void **state)
{
	struct user u;
	struct device d;
	struct ticket t, next;
	struct certrec c;
	struct claimed got;
	struct store_device_row *rows = NULL;
	size_t n;

	(void)state;
	person(&u, "replace2");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	ticket_for(&next, &u, &d);
	OK(put(&next, 5));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].ticket, next.challenge);
	free(rows);
	record(&c, &t);
	FAILS(claim(&c, &got), E_DENIED);
	record(&c, &next);
	OK(claim(&c, &got));
	OK(store_devices(S.portal, u.id, &rows, &n, &S.em));
	assert_string_equal(rows[0].ticket, "");
	free(rows);
}

/* Replaced tickets leave a mark that stays, so a person can make only so many. */
static void not_too_many_tickets(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	int i;

	(void)state;
	person(&u, "spam");
	device(&d, &u);
	for (i = 0; i < 50; i++) {
		ticket_for(&t, &u, &d);
		OK(put(&t, 5));
	}
	ticket_for(&t, &u, &d);
	FAILS(put(&t, 5), E_STATE);
}

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
	FAILS(claim_as(S.front, &good, &got), E_UNAVAIL);
	FAILS(claim_as(S.portal, &good, &got), E_UNAVAIL);
	FAILS(claim_as(S.anna, &good, &got), E_UNAVAIL);
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
	FAILS(store_cert_abort(S.front, unknown, "x", &S.em), E_UNAVAIL);
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
		assert_string_equal(RAW("portal", "HSETNX", "revoked", t->challenge, "1 portal x"), "1");
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
	FAILS(store_cert_commit(S.portal, c.serial, bytes_str(DER), &S.em), E_UNAVAIL);
	FAILS(store_cert_commit(S.front, c.serial, bytes_str(DER), &S.em), E_UNAVAIL);
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
	c.not_after = clock_now() + 1;
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

/* Forked racers; each exits with 0 for NEW, 1 for AGAIN, 2 for DENIED, 3 for anything else. */
static void race(struct certrec *racers, size_t n, size_t counts[4])
{
	pid_t pids[32];
	int gate[2], status;
	size_t i;
	char byte;

	assert_int_equal(pipe(gate), 0);
	for (i = 0; i < n; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			struct store *s = test_redis_as(&S.redis, "ca");
			struct claimed got;
			int rc;

			if (store_ping(s, NULL) != E_OK)
				_exit(3);
			(void)close(gate[1]);
			(void)!read(gate[0], &byte, 1); /* until the parent closes the gate */
			rc = claim_as(s, &racers[i], &got);
			_exit(rc == E_OK ? (int)got.result : rc == E_DENIED ? 2 : 3);
		}
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	memset(counts, 0, 4 * sizeof(counts[0]));
	for (i = 0; i < n; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 4);
		counts[WEXITSTATUS(status)]++;
	}
}

static void racers_with_different_keys(void **state)
{
	struct certrec racers[16], one;
	size_t counts[4], i, n_reserved, round;
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "race1");
	device(&d, &u);
	for (round = 0; round < 5; round++) {
		ticket_for(&t, &u, &d);
		OK(put(&t, 5));
		for (i = 0; i < 16; i++)
			record(&racers[i], &t);
		race(racers, 16, counts);
		assert_int_equal(counts[CLAIM_NEW], 1);
		assert_int_equal(counts[2], 15);
		for (n_reserved = 0, i = 0; i < 16; i++)
			if (store_cert_get(S.ca, racers[i].serial, &one, NULL) == E_OK)
				n_reserved++;
		assert_int_equal(n_reserved, 1);
	}
}

static void racers_with_one_key(void **state)
{
	struct certrec racers[16], one;
	size_t counts[4], i, n_reserved = 0, n_aborted = 0;
	struct user u;
	struct device d;
	struct ticket t;

	(void)state;
	person(&u, "race2");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	for (i = 0; i < 16; i++) {
		record(&racers[i], &t);
		memcpy(racers[i].spki, racers[0].spki, sizeof(racers[0].spki));
	}
	race(racers, 16, counts);
	assert_int_equal(counts[CLAIM_NEW], 16);
	for (i = 0; i < 16; i++) {
		OK(store_cert_get(S.ca, racers[i].serial, &one, &S.em));
		n_reserved += one.state == CERT_RESERVED && one.revoked[0] == '\0';
		n_aborted += one.state == CERT_ABORTED && one.revoked[0] != '\0';
	}
	assert_int_equal(n_reserved, 1);
	assert_int_equal(n_aborted, 15);
	/* all try to commit; one may */
	for (n_reserved = 0, i = 0; i < 16; i++)
		n_reserved += commit(&racers[i]) == E_OK;
	assert_int_equal(n_reserved, 1);
}

static void facts_of_a_connection(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct facts f;
	char none[SERIAL_SIZE];

	(void)state;
	fresh_serial(none);
	OK(store_authorize(S.radius, none, &f, &S.em));
	assert_true(f.store_ready && !f.have_cert && !f.have_user && f.n_groups == 0);
	assert_int_equal(strlen(f.epoch), 64);
	reserved(&u, &d, &t, &c, "facts");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_true(f.have_cert && f.have_user);
	assert_int_equal(f.cert.state, CERT_RESERVED);
	OK(commit(&c));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_ACTIVE);
	assert_string_equal(f.cert.serial, c.serial);
	assert_string_equal(f.cert.issuer, AKI);
	assert_string_equal(f.cert.revoked, "");
	assert_string_equal(f.hold, "");
	assert_string_equal(f.user.id, u.id);
	assert_string_equal(f.user.login, "facts");
	assert_int_equal(f.user.n_groups, 2);
	/* the group without policy is not among the groups that count */
	assert_int_equal(f.n_groups, 1);
	assert_string_equal(f.groups[0].name, "students");
	assert_int_equal(f.groups[0].priority, 10);
	assert_int_equal(f.groups[0].n_issuers, 1);
	assert_string_equal(f.groups[0].issuers[0], AKI);
	assert_string_equal(f.groups[0].vlan, "30");
	assert_int_equal(f.groups[0].session_timeout, 3600);
	OK(store_suspend_user(S.leavers, "facts", "gone", "ldap", &S.em));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_non_null(strstr(f.hold, "ldap: "));
	assert_non_null(strstr(f.hold, " auto_revoke gone"));
	OK(store_revoke_cert(S.anna, c.serial, "stolen", &S.em));
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_non_null(strstr(f.cert.revoked, " anna stolen"));
	FAILS(store_authorize(S.radius, "0", &f, &S.em), E_FORMAT);
	FAILS(store_authorize(S.radius, "", &f, &S.em), E_FORMAT);
}

/* Whatever somebody wrote by hand, it must never read as "not revoked", "not held" or "not left". */
static void written_by_hand(void **state)
{
	char long_value[600];
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct facts f;
	char key[80];

	(void)state;
	active(&u, &d, &t, &c, "hand");
	(void)snprintf(key, sizeof(key), "user:%s", u.id);
	assert_string_equal(RAW("anna", "HSETNX", "revoked", c.serial, ""), "1");
	assert_string_equal(RAW("anna", "HSET", "hold:helpdesk", u.id, ""), "1");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_string_not_equal(f.cert.revoked, "");
	assert_string_not_equal(f.hold, "");
	memset(long_value, 'x', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	long_value[7] = '\x1b';
	(void)RAW("anna", "HSET", "hold:helpdesk", u.id, long_value);
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_null(strchr(f.hold, '\x1b'));
	(void)RAW("anna", "HDEL", "hold:helpdesk", u.id);
	(void)RAW("auto_revoke", "HSET", key, "leave_at", "yesterday");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_string_equal(f.hold, "");
	assert_int_equal(f.user.leave_at, 1);
	/* a state that nobody knows is not active */
	(void)snprintf(key, sizeof(key), "cert:%s", c.serial);
	(void)RAW("ca", "HSET", key, "state", "ACTIVE");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_NONE);
	/* a record that does not fit is an error, not a cut one */
	(void)RAW("ca", "HSET", key, "state", "active", "issuer", long_value);
	FAILS(store_authorize(S.radius, c.serial, &f, &S.em), E_INTERNAL);
	(void)RAW("ca", "HSET", key, "issuer", AKI, "not_after", "soon");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.not_after, 0);
}

static void spellings_in_the_functions(void **state)
{
	struct certrec c;
	size_t i;

	(void)state;
	for (i = 0; i < N_SERIAL_SPELLINGS; i++) {
		const struct serial_spelling *p = &serial_spellings[i];

		S.em.text[0] = '\0';
		if (p->serial == NULL) {
			if (store_cert_get(S.ca, p->text, &c, &S.em) != E_FORMAT)
				fail_msg("accepted: '%s': %s", p->text, S.em.text);
		} else {
			/* the refusal names the serial as it was understood */
			if (store_cert_get(S.ca, p->text, &c, &S.em) != E_NOTFOUND ||
			    strstr(S.em.text, p->serial) == NULL)
				fail_msg("'%s': %s", p->text, S.em.text);
		}
	}
}

static void nothing_without_meta(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct claimed got;
	struct facts f;
	char epoch[HASH_SIZE];

	(void)state;
	active(&u, &d, &t, &c, "meta");
	OK(text_copy(epoch, sizeof(epoch), RAW("installer", "HGET", "meta", "epoch")));
	(void)RAW("installer", "HDEL", "meta", "epoch");
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_false(f.store_ready);
	assert_false(f.have_cert || f.have_user);
	FAILS(store_ping(S.radius, &S.em), E_UNAVAIL);
	FAILS(claim(&c, &got), E_UNAVAIL);
	FAILS(commit(&c), E_UNAVAIL);
	FAILS(store_revoke_cert(S.anna, c.serial, "x", &S.em), E_UNAVAIL);
	(void)RAW("installer", "HSET", "meta", "epoch", epoch, "schema", "2");
	FAILS(store_ping(S.radius, &S.em), E_UNAVAIL);
	(void)RAW("installer", "HSET", "meta", "schema", "1");
	OK(store_ping(S.radius, &S.em));
}

static void survives_a_crash(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c, r;
	struct claimed got;
	struct facts f;

	(void)state;
	active(&u, &d, &t, &r, "crash1");
	OK(store_revoke_cert(S.anna, r.serial, "x", &S.em));
	active(&u, &d, &t, &c, "crash2");
	test_redis_crash(&S.redis);
	FAILS(store_authorize(S.radius, c.serial, &f, &S.em), E_UNAVAIL);
	test_redis_again(&S.redis);
	/* the handles find the new server by themselves */
	OK(store_authorize(S.radius, c.serial, &f, &S.em));
	assert_int_equal(f.cert.state, CERT_ACTIVE);
	assert_string_equal(f.cert.revoked, "");
	OK(store_authorize(S.radius, r.serial, &f, &S.em));
	assert_string_not_equal(f.cert.revoked, "");
	OK(claim(&c, &got));
	assert_int_equal(got.result, CLAIM_AGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticket_there_and_back),
		cmocka_unit_test(ticket_arguments),
		cmocka_unit_test(ticket_needs_a_good_person),
		cmocka_unit_test(device_limit),
		cmocka_unit_test(new_ticket_ends_the_earlier),
		cmocka_unit_test(new_code_replaces_the_old),
		cmocka_unit_test(not_too_many_tickets),
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
		cmocka_unit_test(racers_with_different_keys),
		cmocka_unit_test(racers_with_one_key),
		cmocka_unit_test(facts_of_a_connection),
		cmocka_unit_test(written_by_hand),
		cmocka_unit_test(spellings_in_the_functions),
		cmocka_unit_test(nothing_without_meta),
		cmocka_unit_test(survives_a_crash),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
