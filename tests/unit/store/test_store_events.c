#include "core/base/clock.h"
#include "core/store/store_tail.h"
#include "tests/support/store_story.h"

#include <unistd.h>

struct seen {
	size_t n, fail_at;
	char last_id[64], last_writer[64];
	char log[200][96]; /* writer, event and one more field */
	bool in_order;
};

static const char *field(const struct store_event *e, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < e->n_fields; i += 2)
		if (strcmp(e->fields[i], name) == 0)
			return e->fields[i + 1];
	return "";
}

static int see(void *ctx, const struct store_event *e)
{
	struct seen *s = ctx;

	if (s->n + 1 == s->fail_at)
		return E_IO;
	if (s->n < 200)
		(void)snprintf(s->log[s->n], sizeof(s->log[0]), "%s %s %s", e->writer,
			       field(e, "event"), field(e, "rule"));
	(void)snprintf(s->last_id, sizeof(s->last_id), "%s", e->id);
	s->n++;
	return E_OK;
}

/* Reads everything there is. */
static size_t drain(const char *reader)
{
	struct seen s = {0};
	size_t n, all = 0;

	(void)reader;
	do {
		OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
		all += n;
	} while (n > 0);
	return all;
}

/* Events of one millisecond have no order between writers. */
static void tick(void)
{
	(void)usleep(2000);
}

static void note(const char *rule)
{
	char txn[HASH_SIZE];

	tick();
	OK(rnd_id(txn, sizeof(txn), "", 32));
	OK(store_enrol_note(S.front, txn, "step", rule, "detail", &S.em));
}

static void each_once_in_order(void **state)
{
	struct user u;
	struct seen s = {0};
	size_t n = 99;

	(void)state;
	(void)drain("auto_revoke");
	person(&u, "ev1");
	note("r1");
	tick();
	OK(store_suspend_user(S.anna, "ev1", "x", NULL, &S.em));
	note("r2");
	note("r3");
	OK(store_events_read(S.leavers, "auto_revoke", 3, see, &s, &n, &S.em));
	assert_int_equal(n, 3);
	OK(store_events_read(S.leavers, "auto_revoke", 3, see, &s, &n, &S.em));
	assert_int_equal(n, 2);
	assert_string_equal(s.log[0], "portal user_added ");
	assert_string_equal(s.log[1], "front enrol r1");
	assert_string_equal(s.log[2], "anna user_suspended ");
	assert_string_equal(s.log[3], "front enrol r2");
	assert_string_equal(s.log[4], "front enrol r3");
	OK(store_events_read(S.leavers, "auto_revoke", 3, see, &s, &n, &S.em));
	assert_int_equal(n, 0);
	assert_int_equal(s.n, 5);
}

static void told_again_after_a_failure(void **state)
{
	struct seen s = {.fail_at = 3};
	size_t n = 99;

	(void)state;
	(void)drain("auto_revoke");
	note("f1");
	note("f2");
	note("f3");
	note("f4");
	assert_int_equal(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em),
			 E_IO);
	assert_int_equal(n, 99);
	assert_int_equal(s.n, 2);
	s.fail_at = 0;
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 2);
	assert_string_equal(s.log[2], "front enrol f3");
	assert_string_equal(s.log[3], "front enrol f4");
}

static void writer_is_the_stream(void **state)
{
	struct seen s = {0};
	size_t n;

	(void)state;
	(void)drain("auto_revoke");
	/* whatever a person writes there, the name is theirs */
	(void)RAW("bert", "XADD", "events:bert", "*", "event", "cert_revoked", "actor", "anna",
		  "rule", "lie");
	assert_non_null(strstr(RAW("bert", "XADD", "events:anna", "*", "a", "b"), "right"));
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(s.log[0], "bert cert_revoked lie");
}

static void odd_events(void **state)
{
	struct seen s = {0};
	size_t n;

	(void)state;
	(void)drain("auto_revoke");
	(void)RAW("bert", "XADD", "events:bert", "*", "", "");
	(void)RAW("bert", "XADD", "events:bert", "*", "a", "1", "a", "2", "a", "3");
	note("fine");
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 3);
	assert_string_equal(s.log[2], "front enrol fine");
}

/* A stream that was driven to the end of its ids falls silent, and only that one. */
static void spoilt_stream(void **state)
{
	struct seen s = {0};
	size_t n;

	(void)state;
	(void)drain("auto_revoke");
	(void)RAW("bert", "XADD", "events:bert", "18446744073709551615-18446744073709551615",
		  "event", "end");
	note("s1");
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 2);
	assert_string_equal(s.log[0], "front enrol s1");
	assert_string_equal(s.log[1], "bert end ");
	note("s2");
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(s.log[2], "front enrol s2");
}

static void positions(void **state)
{
	struct seen s = {0};
	size_t n = 7;

	(void)state;
	/* only the reader moves the own position, and only forward */
	FAILS(store_events_read(S.anna, "auto_revoke", 10, see, &s, &n, &S.em), E_BACKEND);
	FAILS(store_events_read(S.leavers, "somebody", 10, see, &s, &n, &S.em), E_BACKEND);
	FAILS(store_events_read(S.leavers, "", 10, see, &s, &n, &S.em), E_FORMAT);
	FAILS(store_events_read(S.leavers, "auto_revoke", 0, see, &s, &n, &S.em), E_FORMAT);
	assert_int_equal(s.n, 0);
	note("p");
	(void)drain("auto_revoke");
	assert_string_equal(
		RAW("auto_revoke", "FCALL", "events_ack", "0", "auto_revoke", "front", "1-1"), "0");
	OK(store_events_read(S.leavers, "auto_revoke", 10, see, &s, &n, &S.em));
	assert_int_equal(n, 0);
	assert_non_null(
		strstr(RAW("auto_revoke", "FCALL", "events_ack", "0", "auto_revoke", "front", "$"),
		       "bad"));
	/* a position that makes no sense means: from the start, so nothing is lost */
	(void)RAW("auto_revoke", "HSET", "pos:auto_revoke", "front", "nonsense");
	OK(store_events_read(S.leavers, "auto_revoke", 1000, see, &s, &n, &S.em));
	assert_true(n > 0);
	(void)drain("auto_revoke");
}

/* Somebody who looks on has the position alone: nothing is moved in Redis, nothing told twice or left out. */
static void looking_on(void **state)
{
	struct seen s = {0};
	struct buf at;
	size_t n = 7;

	(void)state;
	buf_init(&at, 65536);
	(void)drain("auto_revoke");
	OK(store_events_tail(S.leavers, &at, 99999999999999, 10, see, &s, &n, &S.em));
	assert_int_equal(n, 0);
	note("t1");
	note("t2");
	note("t3");
	tick();
	(void)RAW("bert", "XADD", "events:bert", "*", "event", "hello");
	OK(store_events_tail(S.leavers, &at, clock_now() * 1000 - 3600000, 1000, see, &s, &n,
			     &S.em));
	assert_true(n > 3);
	assert_string_equal(s.log[(n > 200 ? 200 : n) - 1], n > 200 ? s.log[199] : "bert hello ");
	memset(&s, 0, sizeof(s));
	OK(store_events_tail(S.leavers, &at, 0, 2, see, &s, &n, &S.em));
	assert_int_equal(n, 0);
	note("t4");
	note("t5");
	note("t6");
	OK(store_events_tail(S.leavers, &at, 0, 2, see, &s, &n, &S.em));
	assert_int_equal(n, 2);
	/* what fn did not take is told again */
	s.fail_at = 3;
	FAILS(store_events_tail(S.leavers, &at, 0, 2, see, &s, &n, &S.em), E_IO);
	s.fail_at = 0;
	OK(store_events_tail(S.leavers, &at, 0, 2, see, &s, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(s.log[0], "front enrol t4");
	assert_string_equal(s.log[1], "front enrol t5");
	assert_string_equal(s.log[2], "front enrol t6");
	/* the position of auto_revoke did not move: it still has all to read */
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 7);
	FAILS(store_events_tail(S.leavers, &at, -1, 2, see, &s, &n, &S.em), E_FORMAT);
	FAILS(store_events_tail(S.leavers, &at, 0, 0, see, &s, &n, &S.em), E_FORMAT);
	buf_free(&at);
}

/* More writers than one acknowledgement takes. */
static void many_writers(void **state)
{
	struct seen s = {0};
	char name[NAME_SIZE], key[64];
	size_t n, i;

	(void)state;
	(void)drain("auto_revoke");
	for (i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof(name), "writer%02zu", i);
		(void)snprintf(key, sizeof(key), "events:%s", name);
		(void)RAW("installer", "HSET", "actors", name, "helpdesk");
		(void)RAW("installer", "XADD", key, "*", "event", "e1");
		(void)RAW("installer", "XADD", key, "*", "event", "e2");
	}
	OK(store_events_read(S.leavers, "auto_revoke", 1000, see, &s, &n, &S.em));
	assert_int_equal(n, 120);
	OK(store_events_read(S.leavers, "auto_revoke", 1000, see, &s, &n, &S.em));
	assert_int_equal(n, 0);
}

static void enrolment_story(void **state)
{
	char txn[HASH_SIZE], key[80], detail[300], step[65 + 1];
	int64_t left;
	int i;

	(void)state;
	OK(rnd_id(txn, sizeof(txn), "", 32));
	(void)snprintf(key, sizeof(key), "enrol:%s", txn);
	OK(store_enrol_note(S.front, txn, "parsed", "", "", &S.em));
	OK(store_enrol_note(S.front, txn, "refused", "wrong_challenge", "two\nlines\x1b and \xff",
			    &S.em));
	assert_non_null(strstr(RAW("front", "HGET", key, "s1"), " front parsed - "));
	assert_non_null(strstr(RAW("front", "HGET", key, "s2"),
			       " front refused wrong_challenge two?lines?"));
	OK(text_int64(RAW("installer", "TTL", key), &left));
	assert_in_range(left, 86390, 86400);
	/* bounded in every way */
	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	for (i = 0; i < 30; i++)
		OK(store_enrol_note(S.front, txn, "again", "rule", detail, &S.em));
	assert_string_equal(RAW("front", "HGETALL", key), "26"); /* n and 12 steps */
	assert_true(strlen(RAW("front", "HGET", key, "s3")) < 240);
	memset(step, 's', 65);
	step[65] = '\0';
	FAILS(store_enrol_note(S.front, txn, step, "r", "d", &S.em), E_FORMAT);
	FAILS(store_enrol_note(S.front, txn, "", "r", "d", &S.em), E_FORMAT);
	FAILS(store_enrol_note(S.front, "txn", "s", "r", "d", &S.em), E_FORMAT);
	OK(store_enrol_note(S.portal, txn, "s", "r", "d", &S.em));
	FAILS(store_enrol_note(S.anna, txn, "s", "r", "d", &S.em), E_BACKEND);
	FAILS(store_enrol_note(S.ca, txn, "s", "r", "d", &S.em), E_BACKEND);
}

/* Strangers can cause notes: ten thousand are kept, the oldest go. */
static void flood_of_stories(void **state)
{
	int64_t before, n;
	int i;

	(void)state;
	(void)RAW(
		"installer", "EVAL",
		"for i = 1, 12000 do local t = string.format('%064x', i) "
		"redis.call('ZADD', 'enrols', i, t) redis.call('HSET', 'enrol:' .. t, 'n', 1) end",
		"0");
	OK(text_int64(RAW("installer", "ZCARD", "enrols"), &before));
	assert_true(before >= 12000);
	for (i = 0; i < 5; i++)
		note("flood");
	assert_string_equal(
		RAW("installer", "EXISTS",
		    "enrol:0000000000000000000000000000000000000000000000000000000000000001"),
		"0");
	OK(text_int64(RAW("installer", "ZCARD", "enrols"), &n));
	assert_true(n < before);
	assert_string_equal(
		RAW("installer", "EXISTS",
		    "enrol:0000000000000000000000000000000000000000000000000000000000002edf"),
		"1");
}

static void on_gap(void *ctx, const char *writer, const char *after, const char *before)
{
	struct seen *s = ctx;

	(void)snprintf(s->log[s->n++], sizeof(s->log[0]), "%s %s %s", writer, after, before);
}

/* Redis keeps so many of one writer: who reads again after a long time is told that some are gone. */
static void gaps(void **state)
{
	struct seen s = {0};

	(void)state;
	(void)drain("auto_revoke");
	OK(store_events_gaps(S.leavers, "auto_revoke", on_gap, &s, &S.em));
	assert_int_equal(s.n, 0);
	(void)RAW("installer", "DEL", "events:anna");
	for (int i = 1; i <= 5; i++) {
		char id[24];

		(void)snprintf(id, sizeof(id), "%d-1", i);
		(void)RAW("installer", "XADD", "events:anna", id, "event", "x");
	}
	(void)RAW("installer", "HSET", "pos:auto_revoke", "anna", "2-1");
	OK(store_events_gaps(S.leavers, "auto_revoke", on_gap, &s, &S.em));
	assert_int_equal(s.n, 0);
	(void)RAW("installer", "XTRIM", "events:anna", "MINID", "2-1"); /* as gc does */
	OK(store_events_gaps(S.leavers, "auto_revoke", on_gap, &s, &S.em));
	assert_int_equal(s.n, 0);
	(void)RAW("installer", "XTRIM", "events:anna", "MINID", "4-1");
	OK(store_events_gaps(S.leavers, "auto_revoke", on_gap, &s, &S.em));
	assert_int_equal(s.n, 1);
	assert_string_equal(s.log[0], "anna 2-1 4-1");
	(void)drain("auto_revoke");
	OK(store_events_gaps(S.leavers, "auto_revoke", on_gap, &s, &S.em));
	assert_int_equal(s.n, 1);
	(void)RAW("installer", "DEL", "events:anna");
}

static void notes(void **state)
{
	const char *const f[] = {"source", "ldap", "detail", ""};
	const char *const forged[] = {"event", "cert_revoked"};
	struct seen s = {0};
	size_t n = 0;

	(void)state;
	(void)drain("auto_revoke");
	OK(store_leavers_note(S.leavers, "source_silent", f, 4, &S.em));
	FAILS(store_leavers_note(S.leavers, "cert_revoked", f, 4, &S.em), E_FORMAT);
	FAILS(store_leavers_note(S.leavers, "source_silent", forged, 2, &S.em), E_FORMAT);
	FAILS(store_leavers_note(S.leavers, "source_silent", f, 3, &S.em), E_FORMAT);
	FAILS(store_leavers_note(S.anna, "source_silent", f, 4, &S.em), E_DENIED);
	FAILS(store_leavers_note(S.portal, "source_silent", f, 4, &S.em), E_DENIED);
	OK(store_events_read(S.leavers, "auto_revoke", 100, see, &s, &n, &S.em));
	assert_int_equal(n, 1);
	assert_string_equal(s.log[0], "auto_revoke source_silent ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once_in_order),
		cmocka_unit_test(told_again_after_a_failure),
		cmocka_unit_test(writer_is_the_stream),
		cmocka_unit_test(odd_events),
		cmocka_unit_test(positions),
		cmocka_unit_test(looking_on),
		cmocka_unit_test(many_writers),
		cmocka_unit_test(enrolment_story),
		cmocka_unit_test(flood_of_stories),
		cmocka_unit_test(spoilt_stream),
		cmocka_unit_test(gaps),
		cmocka_unit_test(notes),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
