/* A journal and a Redis that tell the same; Redis is emptied and filled again, or lacks a part. */
#include "core/store/store_meta.h"
#include "core/store/store_rebuild.h"
#include "scep_ca/signer/copy.h"
#include "scepctl/rebuild_rows.h"
#include "tests/support/store_story.h"

#include <sys/stat.h>

enum { PEOPLE = 150 };

static struct {
	struct ledger_journal *l;
	char path[128], txn[HASH_SIZE];
	struct certrec certs[PEOPLE];
	struct user users[PEOPLE];
	struct store_head lost;
} F;

/* Everything but times that two clocks took, and what the journal does not know. */
static const char dump[] =
	"local out, keys = {}, redis.call('KEYS', ARGV[1]) table.sort(keys) "
	"for _, k in ipairs(keys) do "
	"local t, l = redis.call('TYPE', k).ok, {} "
	"local f = t == 'hash' and redis.call('HGETALL', k) or redis.call('ZRANGE', k, 0, -1, "
	"'WITHSCORES') "
	"for i = 1, #f, 2 do if f[i] ~= 'reserved' and f[i] ~= 'committed' and f[i] ~= 'der' then "
	"l[#l + 1] = f[i] .. '=' .. f[i + 1] end end "
	"table.sort(l) out[#out + 1] = k .. ' ' .. table.concat(l, ' ') end "
	"return #keys .. ' ' .. redis.sha1hex(table.concat(out, '\\n'))";
static const char *const kinds[] = {"cert:*",     "ucerts:*", "user:*", "login:*", "device:*",
				    "udevices:*", "revoked",  "hold:*", "claim:*"};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void take_dump(char dst[KINDS][64])
{
	for (int i = 0; i < KINDS; i++)
		assert_int_equal(
			text_copy(dst[i], 64, RAW("installer", "EVAL", dump, "0", kinds[i])), E_OK);
}

static void same_as(char want[KINDS][64])
{
	char now[KINDS][64];

	take_dump(now);
	for (int i = 0; i < KINDS; i++)
		if (strcmp(now[i], want[i]) != 0)
			fail_msg("%s: %s, before %s", kinds[i], now[i], want[i]);
}

static int64_t changed, rows;
static const char *interrupt; /* fail when rows of this kind come */

static int send(void *ctx, enum rebuild_kind kind, const struct store_rows *r, size_t n,
		struct errmsg *em)
{
	int64_t v = 0;
	int rc;

	if (interrupt && kind == REBUILD_CERT)
		return E_IO;
	rc = store_rebuild(S.installer, r, *(bool *)ctx, &v, em);
	changed += v;
	rows += (int64_t)n;
	return rc;
}

static int put_back(bool dry_run)
{
	const struct journal_state *s = ledger_journal_state(F.l);
	int rc;

	changed = rows = 0;
	rc = rebuild_rows(s, REBUILD_ALL, send, &dry_run, &S.em);
	ledger_journal_state_done(F.l);
	return rc;
}

static void copy_now(void)
{
	struct copy *c = NULL;

	OK(copy_new(F.l, &c));
	OK(copy_all(c, S.ca, false, &S.em));
	copy_free(c);
}

static void journal_one(const struct certrec *c, bool committed)
{
	OK(ledger_journal_intent(F.l, c, F.txn, &S.em));
	if (!committed)
		return;
	OK(ledger_journal_issued(F.l, c->serial, bytes_str(DER), &S.em));
	ledger_journal_committed(F.l, c->serial, c->not_after);
}

static int start(void **state)
{
	struct device d;
	struct ticket t;
	char login[32];

	if (story_start(state) != 0)
		return -1;
	memset(F.txn, 'c', HASH_SIZE - 1);
	(void)snprintf(F.path, sizeof(F.path), "%s/journal", S.redis.dir);
	assert_int_equal(mkdir(F.path, 0700), 0);
	OK(ledger_journal_open(F.path, &F.l, &S.em));
	for (int i = 0; i < PEOPLE; i++) {
		(void)snprintf(login, sizeof(login), "re\xc3\xa4%d", i);
		if (i % 10 == 3)
			reserved(&F.users[i], &d, &t, &F.certs[i], login);
		else
			active(&F.users[i], &d, &t, &F.certs[i], login);
		journal_one(&F.certs[i], i % 10 != 3);
		if (i % 10 == 4)
			OK(store_revoke_cert(S.anna, F.certs[i].serial, "lost \xc3\xa4", &S.em));
		if (i % 10 == 5)
			OK(store_suspend_user(S.bert, login, "odd", NULL, &S.em));
		if (i == 13) {
			OK(store_cert_abort(S.ca, F.certs[i].serial, "interrupted", &S.em));
			ledger_journal_aborted(F.l, F.certs[i].serial, "interrupted");
		}
	}
	RAW("anna", "HSETNX", "revoked", F.certs[6].serial, "by hand");
	copy_now();
	return 0;
}

static int end(void **state)
{
	ledger_journal_close(F.l);
	return story_end(state);
}

static void empty(void)
{
	struct store_emptiness e;
	struct store_meta m;

	OK(store_meta_get(S.installer, &m, &S.em));
	if (m.set_up)
		F.lost = m.at;
	RAW("installer", "FLUSHALL");
	OK(store_look_empty(S.installer, &e, &S.em));
	assert_true(e.functions); /* FLUSHALL leaves them */
	assert_false(e.set_up);
	assert_int_equal(e.keys, 0);
}

static void again_ready(void)
{
	RAW("installer", "FCALL", "setup", "0", F.lost.store);
	OK(store_renew(S.installer, &F.lost, true, &S.em));
	RAW("installer", "FCALL", "actor_put", "0", "ca", "program");
	RAW("installer", "FCALL", "actor_put", "0", "portal", "program");
	RAW("installer", "FCALL", "actor_put", "0", "anna", "helpdesk");
}

/* The ticket of an accident may be used again where it is known; nobody knows it any more. */
static void bind_dead(void)
{
	RAW("installer", "EVAL",
	    "for _, k in ipairs(redis.call('KEYS', 'claim:*')) do if redis.call('HGET', k, "
	    "'state') == 'dead' then redis.call('HSET', k, 'state', 'bound') end end",
	    "0");
}

static void all_of_it(void **state)
{
	char before[KINDS][64];
	struct store_emptiness e;

	(void)state;
	RAW("installer", "HSET", "claim:left", "x",
	    "y"); /* no two dumps are equal by being empty */
	RAW("installer", "DEL", "claim:left");
	take_dump(before);
	assert_true(strncmp(before[0], "150 ", 4) == 0);
	empty();
	OK(put_back(true));
	assert_true(changed == rows && rows > 3L * PEOPLE);
	assert_string_equal(RAW("installer", "DBSIZE"), "0"); /* it only looked */
	OK(put_back(false));
	assert_int_equal(changed, rows);
	bind_dead();
	same_as(before);
	OK(store_look_empty(S.installer, &e, &S.em));
	assert_false(e.set_up); /* nothing gets in yet */
	assert_true(e.keys > 4L * PEOPLE);
	OK(put_back(false));
	assert_int_equal(changed, 0);
	again_ready();
	same_as(before);
	/* And Redis tells the journal nothing new. */
	rows = (int64_t)journal_size(ledger_journal_file(F.l));
	copy_now();
	assert_int_equal(journal_size(ledger_journal_file(F.l)), rows);
}

static void interrupted(void **state)
{
	char before[KINDS][64];

	(void)state;
	take_dump(before);
	empty();
	interrupt = "certificates";
	assert_int_equal(put_back(false), E_IO);
	interrupt = NULL;
	assert_string_equal(RAW("installer", "HLEN", "hold:helpdesk"), "15");
	assert_string_equal(RAW("installer", "EXISTS", "meta"), "0");
	OK(put_back(false));
	again_ready();
	bind_dead();
	same_as(before);
}

static const char *cert_field(int i, const char *field)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "cert:%s", F.certs[i].serial);
	return RAW("installer", "HGET", key, field);
}

static void set_cert(int i, const char *field, const char *value)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "cert:%s", F.certs[i].serial);
	RAW("installer", "HSET", key, field, value);
}

/* An old copy of Redis: what it lacks comes back, what is newer there stays. */
static void added(void **state)
{
	char key[96];

	(void)state;
	/* older here */
	RAW("installer", "HDEL", "revoked", F.certs[4].serial);
	RAW("installer", "HDEL", "hold:helpdesk", F.users[5].id);
	set_cert(7, "state", "reserved");
	(void)snprintf(key, sizeof(key), "cert:%s", F.certs[8].serial);
	RAW("installer", "DEL", key);
	(void)snprintf(key, sizeof(key), "user:%s", F.users[9].id);
	RAW("installer", "HSET", key, "updated", "5", "groups", "old");
	/* newer here */
	set_cert(10, "state", "aborted");
	RAW("installer", "HSET", "hold:helpdesk", F.users[15].id, "7 bert reworded");
	RAW("installer", "HSET", "hold:ldap", F.users[16].id, "7 auto_revoke gone");
	(void)snprintf(key, sizeof(key), "user:%s", F.users[17].id);
	RAW("installer", "HSET", key, "updated", "99999999999", "groups", "new");
	OK(put_back(true));
	assert_int_equal(changed, 5);
	OK(put_back(false));
	assert_int_equal(changed, 5);
	assert_non_null(
		strstr(RAW("installer", "HGET", "revoked", F.certs[4].serial), " anna lost"));
	assert_non_null(
		strstr(RAW("installer", "HGET", "hold:helpdesk", F.users[5].id), " bert odd"));
	assert_string_equal(cert_field(7, "state"), "active");
	assert_string_equal(cert_field(8, "state"), "active");
	(void)snprintf(key, sizeof(key), "user:%s", F.users[9].id);
	assert_string_equal(RAW("installer", "HGET", key, "groups"), "students,nobodies");
	assert_string_equal(cert_field(10, "state"), "aborted");
	assert_string_equal(RAW("installer", "HGET", "hold:helpdesk", F.users[15].id),
			    "7 bert reworded");
	assert_string_equal(RAW("installer", "HEXISTS", "hold:ldap", F.users[16].id), "1");
	(void)snprintf(key, sizeof(key), "user:%s", F.users[17].id);
	assert_string_equal(RAW("installer", "HGET", key, "groups"), "new");
	set_cert(10, "state", "active");
}

static const char *user_field(int i, const char *field)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "user:%s", F.users[i].id);
	return RAW("installer", "HGET", key, field);
}

static void set_person(int i, const char *groups, const char *leave_at, const char *leave_set,
		       const char *updated)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "user:%s", F.users[i].id);
	RAW("installer", "HSET", key, "groups", groups, "leave_at", leave_at, "updated", updated);
	if (*leave_set)
		RAW("installer", "HSET", key, "leave_set", leave_set);
	else
		RAW("installer", "HDEL", key, "leave_set");
}

/* The record of a person in the journal and in an old copy of Redis: the newer one stands, but a leaving date is
 * only gone where it was lifted after it was set. */
static void leaving(void **state)
{
	static const struct {
		const char *leave_at, *set, *updated;                   /* in the journal */
		const char *redis_leave_at, *redis_set, *redis_updated; /* groups there: here */
		const char *want_leave_at, *want_groups;
	} t[] = {
		/* the copy knows no date, and was touched since: by a login, which lifts nothing */
		{"2000000000", "100", "100", "0", "0", "200", "2000000000", "here"},
		{"2000000000", "100", "100", "0", "", "200", "2000000000", "here"},
		{"2000000000", "100", "100", "0", "0", "50", "2000000000", "journal"},
		/* a second date on the copy is the older one */
		{"2000000000", "100", "100", "1900000000", "50", "200", "2000000000", "here"},
		/* lifted by the directory, and the copy still has it */
		{"0", "100", "100", "2000000000", "50", "50", "0", "journal"},
		{"0", "100", "100", "2000000000", "50", "200", "0", "here"},
		/* lifted there, after the journal's newest record */
		{"2000000000", "100", "100", "0", "150", "150", "0", "here"},
		{"2000000000", "100", "300", "0", "150", "150", "0", "journal"},
		/* another date there */
		{"2000000000", "100", "100", "1900000000", "150", "150", "1900000000", "here"},
		/* records of before it was noted when a date was set: what has one */
		{"2000000000", "", "100", "0", "", "200", "2000000000", "here"},
		{"0", "", "100", "2000000000", "", "50", "2000000000", "journal"},
		{"2000000000", "", "100", "1900000000", "", "200", "1900000000", "here"},
		/* the same time, or none: what is there stands, but for a date that it lacks */
		{"2000000000", "100", "100", "0", "100", "100", "2000000000", "here"},
		{"0", "100", "100", "2000000000", "100", "100", "2000000000", "here"},
		{"2000000000", "", "", "0", "", "", "2000000000", "here"},
		{"2000000000", "", "100", "0", "", "", "2000000000", "journal"},
		/* a date that is no number has passed, and counts as one */
		{"0", "", "200", "soon", "", "100", "soon", "journal"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		int who = 30 + (int)i;

		set_person(who, "journal", t[i].leave_at, t[i].set, t[i].updated);
		copy_now();
		set_person(who, "here", t[i].redis_leave_at, t[i].redis_set, t[i].redis_updated);
		OK(put_back(false));
		if (strcmp(user_field(who, "leave_at"), t[i].want_leave_at) != 0)
			fail_msg("%zu: leave_at %s", i, told);
		if (strcmp(user_field(who, "groups"), t[i].want_groups) != 0)
			fail_msg("%zu: groups %s", i, told);
		OK(put_back(false));
		assert_int_equal(changed, 0); /* and it is the same again */
	}
}

/* What contradicts the journal ends it: whose certificate it is, and whom a login means. */
static void contradicted(void **state)
{
	char id[ID_SIZE];

	(void)state;
	set_cert(11, "user", F.users[12].id);
	FAILS(put_back(false), E_EXISTS);
	assert_non_null(strstr(S.em.text, "another user here"));
	set_cert(11, "user", F.users[11].id);
	OK(put_back(false));
	OK(rnd_id(id, sizeof(id), "u", 16));
	RAW("installer", "HSET", "login:local", F.users[11].login, id);
	FAILS(put_back(false), E_EXISTS);
	assert_non_null(strstr(S.em.text, "somebody logged in since"));
	RAW("installer", "HSET", "login:local", F.users[11].login, F.users[11].id);
	OK(put_back(false));
	assert_int_equal(changed, 0);
}

/* Redis was emptied once and begun anew without the journal: the login leads to whom it led last. */
static void begun_anew(void **state)
{
	const struct journal_thing p = {"u00000000000000000000000000000001",
					"{\"login\":\"re\xc3\xa4"
					"20\",\"updated\":\"1\"}",
					"[\"local:re\\u00E4"
					"20\"]"};
	struct journal_fact f;
	struct journal_entry e;

	(void)state;
	journal_fact_person(&f, &p);
	e = (struct journal_entry){f.type, f.fields, f.n};
	OK(ledger_journal_facts(F.l, &e, 1, &S.em));
	empty();
	OK(put_back(false));
	assert_string_equal(RAW("installer", "HGET", "login:local", F.users[20].login), p.id);
	OK(put_back(false));
	assert_int_equal(changed, 0);
	again_ready();
	assert_string_equal(cert_field(20, "state"), "active");
}

/* A ticket that was used is not minted again, and a serial not claimed again. */
static void used_once(void **state)
{
	char serial[SERIAL_SIZE];
	enum claim_result res;
	struct buf out = {0};
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;

	(void)state;
	person(&u, "later");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	assert_int_equal(text_copy(t.challenge, sizeof(t.challenge), F.certs[0].ticket), E_OK);
	FAILS(put(&t, 5), E_EXISTS);
	reserved(&u, &d, &t, &c, "later2");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	record(&c, &t);
	assert_int_equal(text_copy(c.serial, sizeof(c.serial), F.certs[1].serial), E_OK);
	buf_init(&out, 16384);
	FAILS(store_ticket_claim(S.ca, &c, &res, serial, &out, &S.em), E_EXISTS);
	buf_free(&out);
}

static int bad_rows(const char *const *texts, struct store *s)
{
	struct store_rows r = {.n = 0};
	int64_t n;
	int rc;

	store_rows_begin(&r);
	for (; *texts; texts++)
		store_rows_text(&r, *texts);
	OK(store_rows_error(&r));
	rc = store_rebuild(s, &r, false, &n, &S.em);
	store_rows_free(&r);
	return rc;
}

static void refused(void **state)
{
	static const char *const bad[][4] = {{"r"},
					     {"r", "abc"},
					     {"x", "a"},
					     {"zzz"},
					     {"r", "a b", "x"},
					     {"p", "u1", "{}", "[]"},
					     {"p", "u1", "\"a\"", "[]"},
					     {"h", "evil", "u1", "x"},
					     {"d", "d1", "{\"name\":\"no\"}"},
					     {"d", "d1", "{\"owner\":[1]}"},
					     {"d", "d1", "{\"owner\":\"a b\"}"},
					     {"p", "u1", "{\"login\":\"x\"}", "[7]"}};
	static const char *const none[] = {NULL}, *const one[] = {"r", "ab", "x", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *texts[5] = {bad[i][0], bad[i][1], bad[i][2], bad[i][3], NULL};

		FAILS(bad_rows(texts, S.installer), E_FORMAT);
	}
	assert_non_null(
		strstr(RAW("installer", "FCALL", "rebuild", "0", "\xdd\x01"), "cannot be read"));
	assert_non_null(strstr(RAW("installer", "FCALL", "rebuild", "0", "7"), "cannot be read"));
	FAILS(bad_rows(none, S.ca), E_DENIED);
	FAILS(bad_rows(one, S.anna), E_DENIED);
	OK(bad_rows(none, S.installer));
}

static void actors(void **state)
{
	static const struct {
		const char *name;
		bool is;
	} t[] = {{"anna", true}, {"ca", true}, {"installer", false}, {"default", false}};
	bool is = false;

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		OK(store_acl_is_actor(S.installer, t[i].name, &is, &S.em));
		assert_int_equal(is, t[i].is);
	}
}

/* Rows of one call that tell of the same ticket and key, and one at the end that cannot be. */
static void together(void **state)
{
	char spki[HASH_SIZE] = "", ticket[HASH_SIZE] = "", at[24];
	static const char a[] = "1a000000000000000000000000000001",
			  b[] = "1a000000000000000000000000000002",
			  c[] = "1a000000000000000000000000000003";
	const char *const texts[] = {"c",
				     a,
				     "ab",
				     "ua",
				     "da",
				     "staff",
				     "1",
				     "9",
				     spki,
				     ticket,
				     "aborted",
				     at,
				     at,
				     "c",
				     b,
				     "ab",
				     "ub",
				     "db",
				     "staff",
				     "1",
				     "9",
				     spki,
				     ticket,
				     "active",
				     at,
				     at,
				     "c",
				     c,
				     "ab",
				     "uc",
				     "dc",
				     "staff",
				     "1",
				     "9",
				     spki,
				     ticket,
				     "active",
				     at,
				     at,
				     "r",
				     a,
				     "by hand",
				     "p",
				     "ub",
				     "{\"login\":\"x\"}",
				     "[\"evil:x\"]",
				     NULL};

	(void)state;
	empty();
	memset(spki, 'a', HASH_SIZE - 1);
	memset(ticket, 'b', HASH_SIZE - 1);
	(void)snprintf(at, sizeof(at), "%lld", (long long)clock_now());
	FAILS(bad_rows(texts, S.installer), E_FORMAT);
	assert_string_equal(RAW("installer", "HGET", "keyowners", spki), "ub");
	RAW("installer", "EVAL",
	    "return redis.call('HGET', ARGV[1], 'serial') .. redis.call('HGET', ARGV[1], 'state')",
	    "0", "claim:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
	assert_string_equal(told, "1a000000000000000000000000000002spent");
	assert_string_equal(RAW("installer", "ZSCORE", "ucerts:ua", a), "9");
	assert_string_equal(RAW("installer", "ZSCORE", "ucerts:ub", b), "9");
	assert_string_equal(RAW("installer", "ZSCORE", "ucerts:uc", c), "9");
	assert_non_null(strstr(RAW("installer", "HGET", "revoked", a), "ca aborted"));
	assert_string_equal(RAW("installer", "EXISTS", "user:ub"), "0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),      cmocka_unit_test(actors),
		cmocka_unit_test(all_of_it),    cmocka_unit_test(interrupted),
		cmocka_unit_test(added),        cmocka_unit_test(leaving),
		cmocka_unit_test(contradicted), cmocka_unit_test(begun_anew),
		cmocka_unit_test(used_once),    cmocka_unit_test(together),
	};

	return cmocka_run_group_tests(tests, start, end);
}
