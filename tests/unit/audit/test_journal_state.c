#include "core/audit/journal_state.h"

#include "core/audit/journal.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/version.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define SERIAL_A "1f000000000000000000000000000001"
#define SERIAL_B "7f000000000000000000000000000002"
#define H64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STORE "00112233445566778899aabbccddeeff"

static struct journal_state *S;
static uint64_t seq;

static int setup(void **state)
{
	(void)state;
	seq = 0;
	return journal_state_new(&S);
}

static int teardown(void **state)
{
	(void)state;
	journal_state_free(S);
	S = NULL;
	return 0;
}

/* Pairs of name and value up to NULL. */
static int feed(int type, ...)
{
	struct journal_record r = {
		.seq = seq + 1, .time = 1000 + (int64_t)seq, .type = (enum journal_type)type};
	const char *name;
	va_list ap;
	int rc;

	va_start(ap, type);
	while ((name = va_arg(ap, const char *)))
		r.fields[r.n++] = (struct journal_field){name, bytes_str(va_arg(ap, const char *))};
	va_end(ap);
	memset(r.hash, (int)r.seq, sizeof(r.hash));
	rc = journal_state_add(S, &r);
	seq += rc == E_OK;
	return rc;
}

static int intent(const char *serial)
{
	return feed(JOURNAL_INTENT, "serial", serial, "txn", H64, "ticket", H64, "spki", H64,
		    "user", "u1", "device", "d1", "profile", "students", "issuer", "aabb",
		    "not_before", "100", "not_after", "5000", NULL);
}

static int one(int type, const char *serial)
{
	return feed(type, "serial", serial, type == JOURNAL_ISSUED ? "der" : "reason", "0xyz",
		    NULL);
}

static int held(int type, const char *source, const char *user, const char *at)
{
	return feed(type, "source", source, "user", user, "at", at, "actor", "helen", "reason",
		    "stolen phone", NULL);
}

static int revoked(const char *id, const char *at)
{
	return feed(JOURNAL_REVOKED, "id", id, "at", at, "actor", "helen", "reason", "lost", NULL);
}

static int person(const char *user, const char *record)
{
	return feed(JOURNAL_PERSON, "user", user, "record", record, "logins", "[\"local:sam\"]",
		    NULL);
}

static enum journal_cert_state cert_state(const char *serial)
{
	const struct journal_cert *c = journal_state_cert(S, serial);

	return c ? c->state : 0;
}

static void test_empty(void **state)
{
	struct journal_epoch e;
	struct journal_head head;

	(void)state;
	journal_state_head(S, &head);
	assert_int_equal(head.seq, 0);
	assert_int_equal(journal_state_epoch(S, &e), E_NOTFOUND);
	assert_null(journal_state_next_cert(S, NULL));
	assert_null(journal_state_next_revocation(S, NULL));
	assert_null(journal_state_next_hold(S, NULL));
	assert_null(journal_state_next_person(S, NULL));
	assert_null(journal_state_next_device(S, NULL));
	assert_null(journal_state_cert(S, ""));
	assert_null(journal_state_held(S, NULL, "u1"));
}

static void test_certificate(void **state)
{
	const struct journal_cert *c;
	uint8_t der[DIGEST_SIZE];
	struct journal_head head;

	(void)state;
	assert_int_equal(feed(JOURNAL_OPENED, "version", "9.9", NULL), E_OK);
	assert_int_equal(intent(SERIAL_A), E_OK);
	assert_int_equal(cert_state(SERIAL_A), JOURNAL_CERT_INTENT);
	assert_int_equal(one(JOURNAL_ISSUED, SERIAL_A), E_OK);
	assert_int_equal(intent(SERIAL_B), E_OK);
	assert_int_equal(one(JOURNAL_COMMITTED, SERIAL_A), E_OK);
	assert_int_equal(one(JOURNAL_ABORTED, SERIAL_B), E_OK);
	assert_int_equal(journal_state_certs(S), 2);
	c = journal_state_next_cert(S, NULL);
	assert_string_equal(c->serial, SERIAL_A);
	assert_int_equal(c->state, JOURNAL_CERT_COMMITTED);
	assert_string_equal(c->user, "u1");
	assert_string_equal(c->device, "d1");
	assert_string_equal(c->issuer, "aabb");
	assert_string_equal(c->profile, "students");
	assert_string_equal(c->spki, H64);
	assert_string_equal(c->ticket, H64);
	assert_int_equal(c->not_before, 100);
	assert_int_equal(c->not_after, 5000);
	assert_int_equal(c->intent_at, 1001);
	assert_int_equal(c->changed_at, 1004);
	assert_int_equal(c->issued_seq, 3);
	assert_int_equal(digest_sha256(bytes_str("0xyz"), der), E_OK);
	assert_memory_equal(c->der, der, sizeof(der));
	c = journal_state_next_cert(S, c);
	assert_int_equal(c->state, JOURNAL_CERT_ABORTED);
	assert_int_equal(c->issued_seq, 0);
	assert_null(journal_state_next_cert(S, c));
	journal_state_head(S, &head);
	assert_int_equal(head.seq, 6);
	assert_int_equal(head.time, 1005);
	assert_int_equal(head.hash[5], 6);
	/* the ledger lost it: given up */
	assert_int_equal(one(JOURNAL_ABORTED, SERIAL_A), E_OK);
	assert_int_equal(cert_state(SERIAL_A), JOURNAL_CERT_ABORTED);
}

static void refused(int rc, int want, const char *words)
{
	assert_int_equal(rc, want);
	if (!strstr(journal_state_error(S), words))
		fail_msg("'%s' says nothing of '%s'", journal_state_error(S), words);
}

static void test_certificate_out_of_turn(void **state)
{
	(void)state;
	refused(one(JOURNAL_ISSUED, SERIAL_A), E_FORMAT, "never drawn");
	refused(one(JOURNAL_COMMITTED, SERIAL_A), E_FORMAT, "never drawn");
	refused(one(JOURNAL_ABORTED, SERIAL_A), E_FORMAT, "never drawn");
	assert_int_equal(intent(SERIAL_A), E_OK);
	refused(intent(SERIAL_A), E_FORMAT, "drawn before");
	refused(one(JOURNAL_COMMITTED, SERIAL_A), E_FORMAT, "out of turn");
	assert_int_equal(cert_state(SERIAL_A), JOURNAL_CERT_INTENT);
	assert_int_equal(one(JOURNAL_ISSUED, SERIAL_A), E_OK);
	refused(one(JOURNAL_ISSUED, SERIAL_A), E_FORMAT, "out of turn");
	assert_int_equal(one(JOURNAL_COMMITTED, SERIAL_A), E_OK);
	assert_int_equal(one(JOURNAL_COMMITTED, SERIAL_A), E_OK);
	refused(one(JOURNAL_ISSUED, SERIAL_A), E_FORMAT, "out of turn");
	assert_int_equal(one(JOURNAL_ABORTED, SERIAL_A), E_OK);
	assert_int_equal(one(JOURNAL_ABORTED, SERIAL_A), E_OK);
	refused(one(JOURNAL_COMMITTED, SERIAL_A), E_FORMAT, "out of turn");
	assert_int_equal(journal_state_certs(S), 1);
}

static void test_revocations(void **state)
{
	const struct journal_revocation *v;

	(void)state;
	assert_int_equal(revoked(SERIAL_B, "77"), E_OK);
	assert_int_equal(revoked(H64, "0"), E_OK);
	assert_int_equal(revoked(SERIAL_B, "99"), E_OK);
	assert_int_equal(journal_state_revocations(S), 2);
	v = journal_state_next_revocation(S, NULL);
	assert_string_equal(v->id, SERIAL_B);
	assert_int_equal(v->at, 77);
	assert_string_equal(v->actor, "helen");
	assert_string_equal(v->reason, "lost");
	v = journal_state_next_revocation(S, v);
	assert_string_equal(v->id, H64);
	assert_null(journal_state_next_revocation(S, v));
	assert_null(journal_state_revoked(S, SERIAL_A));
	refused(revoked("", "1"), E_FORMAT, "id");
	refused(revoked("1F000000000000000000000000000001", "1"), E_FORMAT, "id");
	refused(revoked("ff000000000000000000000000000001", "1"), E_FORMAT, "id");
	refused(revoked("00000000000000000000000000000001", "1"), E_FORMAT, "id");
	refused(revoked(SERIAL_A, "-1"), E_FORMAT, "at");
	refused(revoked(SERIAL_A, "soon"), E_FORMAT, "at");
	refused(revoked(SERIAL_A, ""), E_FORMAT, "at");
}

static void test_holds(void **state)
{
	const struct journal_hold *h;

	(void)state;
	assert_int_equal(held(JOURNAL_HELD, "ldap", "u1", "5"), E_OK);
	assert_int_equal(held(JOURNAL_HELD, "ldap", "u2", "6"), E_OK);
	assert_int_equal(held(JOURNAL_HELD, "helpdesk", "u1", "7"), E_OK);
	assert_int_equal(held(JOURNAL_HELD, "ldap", "u1", "8"), E_OK);
	assert_int_equal(journal_state_holds(S), 3);
	h = journal_state_held(S, NULL, "u1");
	assert_string_equal(h->source, "ldap");
	assert_int_equal(h->at, 8);
	assert_string_equal(h->reason, "stolen phone");
	h = journal_state_next_hold(S, NULL);
	assert_string_equal(h->source, "ldap");
	h = journal_state_next_hold(S, h);
	assert_string_equal(h->source, "helpdesk");
	h = journal_state_next_hold(S, h);
	assert_string_equal(h->user, "u2");
	assert_null(journal_state_next_hold(S, h));
	assert_int_equal(held(JOURNAL_RESTORED, "ldap", "u1", "9"), E_OK);
	assert_null(journal_state_held(S, "ldap", "u1"));
	assert_string_equal(journal_state_held(S, NULL, "u1")->source, "helpdesk");
	refused(held(JOURNAL_RESTORED, "ldap", "u1", "9"), E_FORMAT, "was not held");
	refused(held(JOURNAL_RESTORED, "ldap", "u3", "9"), E_FORMAT, "was not held");
	assert_int_equal(held(JOURNAL_RESTORED, "helpdesk", "u1", "9"), E_OK);
	assert_int_equal(held(JOURNAL_RESTORED, "ldap", "u2", "9"), E_OK);
	assert_int_equal(journal_state_holds(S), 0);
	assert_null(journal_state_next_hold(S, NULL));
	assert_int_equal(held(JOURNAL_HELD, "ldap", "u1", "10"), E_OK);
	assert_int_equal(journal_state_holds(S), 1);
	refused(held(JOURNAL_HELD, "", "u1", "1"), E_FORMAT, "source");
	refused(held(JOURNAL_HELD, "ldap", "u 1", "1"), E_FORMAT, "user");
}

static void test_people_and_devices(void **state)
{
	const struct journal_person *p;

	(void)state;
	assert_int_equal(person("u1", "{\"login\":\"sam\",\"leave_at\":\"0\"}"), E_OK);
	assert_int_equal(person("u2", "{\"login\":\"eve\",\"leave_at\":\"tomorrow\"}"), E_OK);
	assert_int_equal(person("u1", "{\"login\":\"sam\",\"leave_at\":\"77\"}"), E_OK);
	assert_int_equal(journal_state_people(S), 2);
	p = journal_state_person(S, "u1");
	assert_int_equal(p->leave_at, 77);
	assert_string_equal(p->record, "{\"login\":\"sam\",\"leave_at\":\"77\"}");
	assert_string_equal(p->logins, "[\"local:sam\"]");
	assert_int_equal(journal_state_person(S, "u2")->leave_at, 1);
	p = journal_state_next_person(S, NULL);
	assert_non_null(p);
	assert_non_null(journal_state_next_person(S, p));
	refused(person("u1", "{\"login\":\"sam\""), E_FORMAT, "record");
	refused(person("u1", "{\"login\":}"), E_FORMAT, "makes no sense");
	refused(person("", "{}"), E_FORMAT, "user");
	assert_int_equal(feed(JOURNAL_DEVICE, "device", "d1", "record", "{\"owner\":\"u1\"}", NULL),
			 E_OK);
	assert_int_equal(feed(JOURNAL_DEVICE, "device", "d1", "record", "{\"owner\":\"u2\"}", NULL),
			 E_OK);
	assert_int_equal(journal_state_devices(S), 1);
	assert_string_equal(journal_state_device(S, "d1")->record, "{\"owner\":\"u2\"}");
	assert_null(journal_state_next_device(S, journal_state_next_device(S, NULL)));
	refused(feed(JOURNAL_DEVICE, "device", "d1", NULL), E_FORMAT, "record");
}

static int epoch(const char *store, const char *number)
{
	return feed(JOURNAL_EPOCH, "store", store, "epoch", number, NULL);
}

static void test_epoch(void **state)
{
	struct journal_epoch e;

	(void)state;
	assert_int_equal(epoch(STORE, "1"), E_OK);
	assert_int_equal(epoch(STORE, "3"), E_OK);
	assert_int_equal(epoch(STORE, "3"), E_OK);
	refused(epoch(STORE, "2"), E_FORMAT, "comes after epoch 3");
	refused(epoch(STORE, "0"), E_FORMAT, "epoch");
	refused(epoch("0011", "4"), E_FORMAT, "store");
	assert_int_equal(journal_state_epoch(S, &e), E_OK);
	assert_string_equal(e.store, STORE);
	assert_int_equal(e.epoch, 3);
	/* a new store begins anew */
	assert_int_equal(epoch("ffeeddccbbaa99887766554433221100", "1"), E_OK);
	assert_int_equal(journal_state_epoch(S, &e), E_OK);
	assert_int_equal(e.epoch, 1);
}

static void test_unknown_type(void **state)
{
	(void)state;
	assert_int_equal(feed(JOURNAL_OPENED, "version", "9.9", NULL), E_OK);
	assert_int_equal(feed(JOURNAL_CHECKPOINT, "note", "a note\n", NULL), E_OK);
	refused(feed(JOURNAL_LAST + 1, "x", "y", NULL), E_UNSUPPORTED, "version 9.9");
	refused(feed(JOURNAL_LAST + 1, NULL), E_UNSUPPORTED, SCEPAUTH_VERSION);
	refused(feed(0, NULL), E_UNSUPPORTED, "type 0");
	refused(feed(65535, NULL), E_UNSUPPORTED, "type 65535");
	refused(feed(JOURNAL_CHECKPOINT, "note", "", NULL), E_FORMAT, "note");
	refused(feed(JOURNAL_EPOCH, "store", STORE, "epoch", "1", "epoch", "2", NULL), E_FORMAT,
		"twice");
	/* a field that a later version adds is no fault */
	assert_int_equal(feed(JOURNAL_EPOCH, "store", STORE, "epoch", "1", "new", "2", NULL), E_OK);
}

static void test_times_never_go_back(void **state)
{
	struct journal_record r = {.seq = 1, .time = 5000, .type = JOURNAL_OPENED};
	struct journal_head head;

	(void)state;
	assert_int_equal(journal_state_add(S, &r), E_OK);
	r.seq = 2;
	r.time = 4000;
	assert_int_equal(journal_state_add(S, &r), E_OK);
	journal_state_head(S, &head);
	assert_int_equal(head.seq, 2);
	assert_int_equal(head.time, 5000);
}

static int put(struct journal *j, const struct journal_fact *f)
{
	const struct journal_entry e = {f->type, f->fields, f->n};

	return journal_append(j, &e, 1, NULL);
}

/* What the constructors make comes back as it was, through a journal on the disk. */
static void test_constructors(void **state)
{
	const struct journal_revocation v = {
		.id = SERIAL_A, .at = 12, .actor = "eve", .reason = "r"};
	const struct journal_hold h = {
		.source = "ldap", .user = "u1", .at = 13, .actor = "auto_revoke", .reason = "left"};
	const struct journal_thing p = {"u1", "{\"a\":\"b\"}", "[]"}, d = {"d1", "{}", NULL};
	const struct journal_epoch e = {.store = STORE, .epoch = 7};
	char dir[] = "/tmp/test-journal-state-XXXXXX", path[128], name[JOURNAL_FILE_SIZE];
	struct journal_options o = {.path = mkdtemp(dir)};
	struct journal_report rep;
	struct journal *j = NULL;
	struct journal_epoch back;
	struct journal_fact f;

	(void)state;
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, NULL), E_OK);
	journal_fact_revoked(&f, &v);
	assert_int_equal(put(j, &f), E_OK);
	journal_fact_held(&f, &h);
	assert_int_equal(put(j, &f), E_OK);
	journal_fact_person(&f, &p);
	assert_int_equal(put(j, &f), E_OK);
	journal_fact_device(&f, &d);
	assert_int_equal(put(j, &f), E_OK);
	journal_fact_epoch(&f, &e);
	assert_int_equal(put(j, &f), E_OK);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, journal_state_add, S, &rep, NULL), E_OK);
	assert_int_equal(journal_state_revoked(S, SERIAL_A)->at, v.at);
	assert_string_equal(journal_state_revoked(S, SERIAL_A)->actor, v.actor);
	assert_string_equal(journal_state_revoked(S, SERIAL_A)->reason, v.reason);
	assert_int_equal(journal_state_held(S, "ldap", "u1")->at, h.at);
	assert_string_equal(journal_state_held(S, "ldap", "u1")->actor, h.actor);
	assert_string_equal(journal_state_held(S, "ldap", "u1")->reason, h.reason);
	assert_string_equal(journal_state_person(S, "u1")->record, p.record);
	assert_string_equal(journal_state_device(S, "d1")->record, d.record);
	assert_int_equal(journal_state_epoch(S, &back), E_OK);
	assert_string_equal(back.store, e.store);
	assert_int_equal(back.epoch, e.epoch);
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, NULL), E_OK);
	journal_fact_restored(&f, &h);
	assert_int_equal(put(j, &f), E_OK);
	journal_close(j);
	journal_state_free(S);
	assert_int_equal(journal_state_new(&S), E_OK);
	assert_int_equal(journal_read_path(dir, journal_state_add, S, &rep, NULL), E_OK);
	assert_int_equal(journal_state_holds(S), 0);
	journal_file_name(1, name);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Many: order is kept, nothing is lost. How long it takes is only shown. */
static void test_many(void **state)
{
	enum { N = 20000 };
	int64_t began = clock_mono_ms();
	char serial[SERIAL_SIZE];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(serial, sizeof(serial), "1f%030x", (unsigned)i);
		assert_int_equal(intent(serial), E_OK);
		assert_int_equal(one(JOURNAL_ISSUED, serial), E_OK);
		assert_int_equal(one(JOURNAL_COMMITTED, serial), E_OK);
	}
	for (const struct journal_cert *c = journal_state_next_cert(S, NULL); c;
	     c = journal_state_next_cert(S, c), n++) {
		(void)snprintf(serial, sizeof(serial), "1f%030x", (unsigned)n);
		assert_string_equal(c->serial, serial);
	}
	assert_int_equal(n, N);
	print_message("# %d certificates in %" PRId64 " ms\n", N, clock_mono_ms() - began);
}

/* What scepctl gc may have taken from Redis is no loss. */
static void revocations_that_are_over(void **state)
{
	const struct journal_revocation *v;

	(void)state;
	assert_int_equal(intent(SERIAL_A), E_OK);
	assert_int_equal(feed(JOURNAL_REVOKED, "id", SERIAL_A, "at", "1000", "actor", "anna",
			      "reason", "x", NULL),
			 E_OK);
	assert_int_equal(feed(JOURNAL_REVOKED, "id", SERIAL_B, "at", "1000", "actor", "anna",
			      "reason", "x", NULL),
			 E_OK);
	assert_int_equal(feed(JOURNAL_REVOKED, "id", H64, "at", "1000", "actor", "anna", "reason",
			      "x", NULL),
			 E_OK);
	v = journal_state_revoked(S, SERIAL_A);
	assert_false(journal_state_is_over(S, v, journal_state_cert(S, SERIAL_A)->not_after - 1));
	assert_true(journal_state_is_over(S, v, journal_state_cert(S, SERIAL_A)->not_after));
	v = journal_state_revoked(S, SERIAL_B); /* when that one ends nobody knows */
	assert_false(journal_state_is_over(S, v, INT64_MAX));
	v = journal_state_revoked(S, H64);
	assert_false(journal_state_is_over(S, v, 1000 + 7 * 86400 - 1));
	assert_true(journal_state_is_over(S, v, 1000 + 7 * 86400));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_empty),        T(test_certificate),  T(test_certificate_out_of_turn),
		T(test_revocations),  T(test_holds),        T(test_people_and_devices),
		T(test_epoch),        T(test_unknown_type), T(test_times_never_go_back),
		T(test_constructors), T(test_many),         T(revocations_that_are_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
