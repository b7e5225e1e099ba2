/* A journal and a Redis that tell the same, then Redis loses something. */
#include "scep_ca/signer/compare.h"
#include "scep_ca/signer/copy.h"
#include "scep_ca/signer/mend.h"
#include "tests/support/store_story.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PEOPLE = 90 }; /* more than one question */

static struct {
	struct ledger_journal *l;
	char path[128], txn[HASH_SIZE];
	struct certrec certs[PEOPLE];
	struct user users[PEOPLE];
	struct compare_found found;
} F;

static void copy_now(void)
{
	struct copy *c = NULL;

	OK(copy_new(F.l, &c));
	OK(copy_all(c, S.ca, false, &S.em));
	copy_free(c);
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
		(void)snprintf(login, sizeof(login), "compare%d", i);
		active(&F.users[i], &d, &t, &F.certs[i], login);
		OK(ledger_journal_intent(F.l, &F.certs[i], F.txn, &S.em));
		OK(ledger_journal_issued(F.l, F.certs[i].serial, bytes_str(DER), &S.em));
		ledger_journal_committed(F.l, F.certs[i].serial, F.certs[i].not_after);
	}
	OK(store_revoke_cert(S.anna, F.certs[3].serial, "lost", &S.em));
	RAW("bert", "HSETNX", "revoked", F.certs[85].serial, "by hand");
	OK(store_suspend_user(S.anna, F.users[4].id, "odd", NULL, &S.em));
	copy_now();
	return 0;
}

static int end(void **state)
{
	ledger_journal_close(F.l);
	return story_end(state);
}

static void pass(void)
{
	OK(compare_pass(F.l, S.ca, -1, &F.found, &S.em));
}

static void nothing(void **state)
{
	(void)state;
	pass();
	assert_int_equal(F.found.revocations, 0);
	assert_int_equal(F.found.certificates, 0);
	assert_int_equal(F.found.holds, 0);
	assert_string_equal(F.found.first, "");
}

/* A hold that alone is gone was lifted. */
static void lifted(void **state)
{
	(void)state;
	OK(store_restore_user(S.anna, F.users[4].id, NULL, &S.em));
	pass();
	assert_int_equal(F.found.holds, 0);
	OK(store_suspend_user(S.anna, F.users[4].id, "odd", NULL, &S.em));
	copy_now();
}

static const char *cert_key(int i)
{
	static char key[80];

	(void)snprintf(key, sizeof(key), "cert:%s", F.certs[i].serial);
	return key;
}

static const char *events(void)
{
	return RAW("installer", "EVAL",
		   "local n, last = 0, '' for _, e in ipairs(redis.call('XRANGE', 'events:ca', "
		   "'-', '+')) do "
		   "local t = {} for i = 1, #e[2], 2 do t[e[2][i]] = e[2][i + 1] end "
		   "if t.event == 'ledger_mended' then n = n + 1 last = table.concat({t.what, "
		   "t.login, t.serial or '', "
		   "t.hold or '', t.record}, '|') end end return n .. ' ' .. last",
		   "0");
}

/* What Redis lacks while it fits the journal otherwise comes back, each with an event. */
static void mended(void **state)
{
	char before[sizeof(told)], want[256];

	(void)state;
	RAW("installer", "HSET", cert_key(86), "state", "reserved");
	pass();
	assert_int_equal(F.found.certificates, 0);
	assert_int_equal(F.found.mended, 1);
	assert_string_equal(RAW("installer", "HGET", cert_key(86), "state"), "active");
	(void)snprintf(want, sizeof(want), "1 certificate|compare86|%s||", F.certs[86].serial);
	assert_string_equal(events(), want);

	static const char fields[] =
		"local f = {} for _, k in ipairs({'issuer', 'user', 'device', 'profile', "
		"'not_before', 'not_after', 'state', 'spki', 'ticket'}) do "
		"f[#f + 1] = tostring(redis.call('HGET', ARGV[1], k)) end "
		"return table.concat(f, ' ')";

	(void)snprintf(before, sizeof(before), "%s",
		       RAW("installer", "EVAL", fields, "0", cert_key(86)));
	RAW("installer", "DEL", cert_key(86));
	RAW("installer", "ZREM", "ucerts", F.certs[86].serial);
	RAW("installer", "HDEL", "hold:helpdesk", F.users[4].id);
	pass();
	assert_int_equal(F.found.mended, 2);
	assert_int_equal(F.found.holds, 0);
	assert_string_equal(RAW("installer", "EVAL", fields, "0", cert_key(86)), before);
	assert_non_null(
		strstr(RAW("installer", "HGET", "hold:helpdesk", F.users[4].id), " anna odd"));
	assert_non_null(strstr(events(), "3 hold|compare4||helpdesk|"));
	assert_non_null(strstr(told, " anna odd"));

	RAW("installer", "HDEL", "revoked", F.certs[3].serial, F.certs[85].serial);
	pass();
	assert_int_equal(F.found.revocations, 0);
	assert_int_equal(F.found.mended, 2);
	assert_non_null(
		strstr(RAW("installer", "HGET", "revoked", F.certs[3].serial), " anna lost"));
	assert_non_null(strstr(events(), "5 revocation|compare85|"));
	pass();
	assert_int_equal(F.found.mended, 0);
	assert_non_null(strstr(events(), "5 "));
}

/* What Redis has otherwise than the journal is told, and stays. */
static void contradicted(void **state)
{
	(void)state;
	RAW("installer", "HSET", cert_key(7), "state", "reserved", "user", F.users[8].id);
	RAW("installer", "HSET", cert_key(9), "state", "aborted");
	pass();
	assert_int_equal(F.found.certificates, 2);
	assert_int_equal(F.found.mended, 0);
	assert_string_equal(RAW("installer", "HGET", cert_key(7), "state"), "reserved");
	assert_string_equal(RAW("installer", "HGET", cert_key(9), "state"), "aborted");
	RAW("installer", "HDEL", "hold:helpdesk", F.users[4].id);
	pass();
	assert_int_equal(F.found.mended, 0); /* a hold is put back with something else only */
	assert_int_equal(F.found.holds, 1);
	OK(store_suspend_user(S.anna, F.users[4].id, "odd", NULL, &S.em));
	copy_now();
	RAW("installer", "HSET", cert_key(7), "state", "active", "user", F.users[7].id);
	RAW("installer", "HSET", cert_key(9), "state", "active");
}

/* Certificates that only Redis lets in are told; nothing is done to them. */
static void unknown(void **state)
{
	char key[80], serial[SERIAL_SIZE];

	(void)state;
	pass();
	assert_int_equal(F.found.unknown, 0);
	fresh_serial(serial);
	(void)snprintf(key, sizeof(key), "cert:%s", serial);
	RAW("installer", "HSET", key, "state", "active", "user", F.users[1].id, "not_after",
	    "99999999999");
	pass();
	assert_int_equal(F.found.unknown, 1);
	assert_string_equal(F.found.first_unknown, serial);
	assert_int_equal(F.found.mended, 0);
	assert_string_equal(RAW("installer", "HGET", key, "state"), "active");
	RAW("installer", "HSET", key, "not_after", "1");
	pass();
	assert_int_equal(F.found.unknown, 0); /* it lets nobody in any more */
	RAW("installer", "HSET", key, "not_after", "99999999999", "state", "reserved");
	pass();
	assert_int_equal(F.found.unknown, 0);
	RAW("installer", "HSET", key, "state", "active");
	RAW("installer", "HSETNX", "revoked", serial, "by hand");
	pass();
	assert_int_equal(F.found.unknown, 0);
	RAW("installer", "DEL", key);
	/* given up in the journal, and good here */
	ledger_journal_aborted(F.l, F.certs[20].serial, "given up");
	copy_now();
	pass();
	assert_int_equal(F.found.unknown, 1);
	assert_string_equal(F.found.first_unknown, F.certs[20].serial);
	assert_string_equal(RAW("installer", "HGET", cert_key(20), "state"), "active");
	OK(store_revoke_cert(S.anna, F.certs[20].serial, "known now", &S.em));
	copy_now();
}

/* Not more than so many a round. */
static void bounded(void **state)
{
	struct journal_revocation v = {.at = 7, .actor = "anna", .reason = "many"};
	struct journal_fact f;
	struct journal_entry e;

	(void)state;
	for (int i = 0; i < MEND_MAX + 5; i++) {
		fresh_serial(v.id);
		journal_fact_revoked(&f, &v);
		e = (struct journal_entry){f.type, f.fields, f.n};
		OK(ledger_journal_facts(F.l, &e, 1, &S.em));
	}
	pass();
	assert_int_equal(F.found.mended, MEND_MAX);
	assert_int_equal(F.found.revocations, 5);
	pass();
	assert_int_equal(F.found.mended, 5);
	assert_int_equal(F.found.revocations, 0);
}

/* The Function looks itself whether this is the store that the caller means, and takes nothing back. */
static void function(void **state)
{
	const char *row[] = {"r", F.certs[2].serial, "1 anna lost"},
		   *lift[] = {"h", "helpdesk", F.users[4].id, "9 x y"};
	const char *person[] = {"p", F.users[4].id, "{\"login\":\"x\"}", "[]"};
	struct store_meta m;
	struct store_head at;
	bool changed = true;

	(void)state;
	OK(store_meta_get(S.ca, &m, &S.em));
	at = m.at;
	at.epoch++;
	FAILS(store_mend(S.ca, &at, row, 3, &changed, &S.em), E_STATE);
	at = m.at;
	at.head++;
	FAILS(store_mend(S.ca, &at, row, 3, &changed, &S.em), E_STATE);
	at = m.at;
	memset(at.store, 'a', sizeof(at.store) - 1);
	FAILS(store_mend(S.ca, &at, row, 3, &changed, &S.em), E_STATE);
	FAILS(store_mend(S.ca, &m.at, person, 4, &changed, &S.em), E_FORMAT);
	FAILS(store_mend(S.ca, &m.at, row, 2, &changed, &S.em), E_FORMAT);
	FAILS(store_mend(S.installer, &m.at, row, 3, &changed, &S.em), E_DENIED);
	FAILS(store_mend(S.front, &m.at, row, 3, &changed, &S.em), E_BACKEND);
	OK(store_mend(S.ca, &m.at, lift, 4, &changed, &S.em));
	assert_false(changed); /* a hold that is there stands */
	assert_string_equal(RAW("installer", "HEXISTS", "revoked", F.certs[2].serial), "0");
}

/* An instance whose users.acl is of before: all but what is new is looked for, and put back. */
static void rights_of_before(void **state)
{
	(void)state;
	assert_string_equal(
		RAW("installer", "ACL", "SETUSER", "ca", "-scan", "-zscore", "clearselectors",
		    "(+hset %W~cert:*)", "(+hset +expireat %W~claim:*)", "(+zadd %W~ucerts:*)",
		    "(+hsetnx %W~revoked %W~keyowners)", "(+xadd %W~events:ca)", "(+hset %W~meta)"),
		"OK");
	RAW("installer", "HDEL", "revoked", F.certs[3].serial);
	RAW("installer", "HDEL", "hold:helpdesk", F.users[4].id);
	pass();
	assert_int_equal(F.found.mended, 1);
	assert_int_equal(F.found.holds, 1); /* told */
	assert_int_equal(F.found.unknown, 0);
	assert_string_equal(RAW("installer", "HEXISTS", "hold:helpdesk", F.users[4].id), "0");
	OK(store_suspend_user(S.anna, F.users[4].id, "odd", NULL, &S.em));
	copy_now();
}

/* From here on Redis was found to lack something: all of it is a person's to repair. */
static void suspect(void **state)
{
	const char *row[] = {"r", F.certs[2].serial, "1 anna lost"};
	struct store_meta m;
	bool changed;

	(void)state;
	OK(store_suspect(S.ca, "a test", &S.em));
	OK(store_meta_get(S.ca, &m, &S.em));
	FAILS(store_mend(S.ca, &m.at, row, 3, &changed, &S.em), E_BACKEND); /* whoever asks */
	RAW("installer", "HDEL", "revoked", F.certs[3].serial);
	pass();
	assert_int_equal(F.found.mended, 0);
	assert_int_equal(F.found.revocations, 1);
	assert_string_equal(RAW("installer", "HEXISTS", "revoked", F.certs[3].serial), "0");
	RAW("installer", "HSETNX", "revoked", F.certs[3].serial, "7 anna lost");
}

/* Nor while it is an older state, before anybody has marked it. */
static void rolled_back(void **state)
{
	char head[32];

	(void)state;
	pass();
	OK(text_copy(head, sizeof(head), RAW("installer", "HGET", "meta", "head")));
	RAW("installer", "HSET", "meta", "head", "1");
	RAW("installer", "HDEL", "revoked", F.certs[3].serial);
	pass();
	assert_int_equal(F.found.mended, 0);
	assert_int_equal(F.found.revocations, 1);
	assert_string_equal(RAW("installer", "HGET", "meta", "state"), "suspect");
	RAW("installer", "HSETNX", "revoked", F.certs[3].serial, "7 anna lost");
	RAW("installer", "HSET", "meta", "head", head, "state", "ready");
	pass();
}

static void certificate(void **state)
{
	char key[64];

	(void)state;
	(void)snprintf(key, sizeof(key), "cert:%s", F.certs[86].serial);
	RAW("installer", "HSET", key, "state", "reserved");
	pass();
	assert_int_equal(F.found.certificates, 1);
	assert_string_equal(F.found.first, F.certs[86].serial);
	assert_int_equal(F.found.holds, 0);
	RAW("installer", "HDEL", "hold:helpdesk", F.users[4].id);
	RAW("installer", "DEL", key);
	pass();
	assert_int_equal(F.found.certificates, 1);
	assert_int_equal(F.found.holds, 1);
	assert_string_equal(RAW("installer", "EXISTS", key), "0"); /* it only looks */
}

static void revocation(void **state)
{
	(void)state;
	RAW("installer", "HDEL", "revoked", F.certs[3].serial, F.certs[85].serial);
	pass();
	assert_int_equal(F.found.revocations, 2);
	assert_string_equal(F.found.first, F.certs[3].serial);
	assert_int_equal(F.found.certificates, 1); /* of before */
}

static bool is_told(FILE *log, const char *what)
{
	char text[8192] = "";

	rewind(log);
	(void)!fread(text, 1, sizeof(text) - 1, log);
	return strstr(text, what) != NULL;
}

/* When Redis was away, nobody waits for the next turn. */
static void at_once(void **state)
{
	struct store_options o = {
		.user = "ca", .password = "pw-ca", .deadline_ms = 5000, .socket = S.redis.socket};
	struct store_pool *pool = NULL;
	struct compare *c = NULL;
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);
	bool said;

	(void)state;
	assert_non_null(log);
	assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
	OK(store_pool_open(&o, 2, &pool));
	compare_soon(NULL);
	OK(compare_start(F.l, pool, 86400, &c));
	for (int i = 0; i < 3000 && !is_told(log, "lacks 2 revocations, 1 certificates"); i++)
		usleep(10000);
	RAW("installer", "HSETNX", "revoked", F.certs[3].serial, "back");
	compare_soon(c);
	for (int i = 0; i < 3000 && !is_told(log, "lacks 1 revocations, 1 certificates"); i++)
		usleep(10000);
	said = is_told(log, "lacks 1 revocations, 1 certificates");
	compare_stop(c);
	store_pool_close(pool);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	(void)fclose(log);
	RAW("installer", "HDEL", "revoked", F.certs[3].serial);
	assert_true(said);
}

/* Told once, with the command; and again when the numbers change. */
static void thread(void **state)
{
	struct store_options o = {
		.user = "ca", .password = "pw-ca", .deadline_ms = 5000, .socket = S.redis.socket};
	struct store_pool *pool = NULL;
	struct compare *c = NULL;
	FILE *log = tmpfile();
	int saved = dup(STDERR_FILENO);

	(void)state;
	assert_non_null(log);
	assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
	OK(store_pool_open(&o, 2, &pool));
	OK(compare_start(F.l, pool, 1, &c));
	for (int i = 0; i < 3000 && !is_told(log, "lacks 2 revocations, 1 certificates"); i++)
		usleep(10000);
	RAW("installer", "HSETNX", "revoked", F.certs[3].serial, "back");
	for (int i = 0; i < 3000 && !is_told(log, "lacks 1 revocations, 1 certificates"); i++)
		usleep(10000);
	compare_stop(c);
	store_pool_close(pool);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_true(is_told(log, "lacks 2 revocations, 1 certificates and 1 holds"));
	assert_true(is_told(log, "lacks 1 revocations"));
	assert_true(is_told(log, "scepctl rebuild --merge"));
	close(saved);
	fclose(log);
}

static void away(void **state)
{
	(void)state;
	RAW("installer", "FLUSHALL");
	assert_int_not_equal(compare_pass(F.l, S.ca, -1, &F.found, &S.em), E_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(lifted),
		cmocka_unit_test(mended),
		cmocka_unit_test(contradicted),
		cmocka_unit_test(unknown),
		cmocka_unit_test(bounded),
		cmocka_unit_test(function),
		cmocka_unit_test(rolled_back),
		cmocka_unit_test(rights_of_before),
		cmocka_unit_test(suspect),
		cmocka_unit_test(certificate),
		cmocka_unit_test(revocation),
		cmocka_unit_test(at_once),
		cmocka_unit_test(thread),
		cmocka_unit_test(away),
	};

	return cmocka_run_group_tests(tests, start, end);
}
