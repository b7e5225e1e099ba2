/* A journal and a Redis that tell the same, then Redis loses something. */
#include "scep_ca/signer/copy.h"
#include "scep_ca/signer/compare.h"
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
		cmocka_unit_test(nothing),     cmocka_unit_test(lifted),
		cmocka_unit_test(certificate), cmocka_unit_test(revocation),
		cmocka_unit_test(thread),      cmocka_unit_test(away),
	};

	return cmocka_run_group_tests(tests, start, end);
}
