#include "scep_ca/signer/ledger_journal.h"

#include "core/base/text.h"
#include "core/store/store_meta.h"
#include "tests/support/test_redis.h"

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct {
	struct test_redis redis;
	struct store *ledger, *installer;
	char path[128];
	struct ledger_journal *l;
	struct errmsg em;
} F;

static int setup(void **state)
{
	(void)state;
	memset(&F, 0, sizeof(F));
	test_redis_start(&F.redis, NULL);
	F.ledger = test_redis_as(&F.redis, "ca");
	F.installer = test_redis_as(&F.redis, "installer");
	(void)snprintf(F.path, sizeof(F.path), "%s/journal", F.redis.dir);
	return mkdir(F.path, 0700);
}

static int teardown(void **state)
{
	(void)state;
	ledger_journal_close(F.l);
	store_close(F.ledger);
	store_close(F.installer);
	test_redis_stop(&F.redis);
	return 0;
}

extern char **environ;

static int shell(char *command)
{
	char *argv[] = {(char[]){"sh"}, (char[]){"-c"}, command, NULL};
	int status = -1;
	pid_t pid;

	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

static void open_journal(void)
{
	if (ledger_journal_open(F.path, &F.l, &F.em) != E_OK)
		fail_msg("%s", F.em.text);
}

static void reopen(void)
{
	ledger_journal_close(F.l);
	F.l = NULL;
	open_journal();
}

static void some(int serial)
{
	struct certrec c = {.not_before = 1,
			    .not_after = 2,
			    .user = "u",
			    .device = "d",
			    .profile = "p",
			    .issuer = "aa"};

	memset(c.ticket, 'a', HASH_SIZE - 1);
	memset(c.spki, 'b', HASH_SIZE - 1);
	(void)snprintf(c.serial, sizeof(c.serial), "55%030d", serial);
	if (ledger_journal_intent(F.l, &c, "t", &F.em) != E_OK)
		fail_msg("%s", F.em.text);
}

static void fits(void)
{
	if (ledger_journal_beat(F.l, F.ledger, &F.em) != E_OK)
		fail_msg("%s", F.em.text);
}

static void refused(const char *what)
{
	F.em.text[0] = '\0';
	assert_int_equal(ledger_journal_beat(F.l, F.ledger, &F.em), E_UNAVAIL);
	if (!strstr(F.em.text, what))
		fail_msg("'%s' is not about '%s'", F.em.text, what);
	/* and so is every issue, also after a restart */
	assert_int_equal(ledger_journal_settle(F.l, F.ledger, &F.em), E_UNAVAIL);
	reopen();
	assert_int_equal(ledger_journal_beat(F.l, F.ledger, &F.em), E_UNAVAIL);
}

static const char *meta(const char *command, const char *field, const char *value)
{
	static char reply[128];

	return test_redis_cmd(&F.redis, "installer", reply, sizeof(reply), command, "meta", field,
			      value, NULL);
}

static const char *state_of(void)
{
	return meta("HGET", "state", NULL);
}

static const char *hash_of(uint64_t seq)
{
	static char text[HASH_SIZE];
	uint8_t hash[DIGEST_SIZE];

	assert_int_equal(journal_hash_at(F.path, seq, hash, NULL), E_OK);
	text_hex(text, hash, DIGEST_SIZE);
	return text;
}

static void head_grows(void **state)
{
	struct store_meta a, b;

	(void)state;
	open_journal();
	fits();
	assert_int_equal(store_meta_get(F.ledger, &a, NULL), E_OK);
	assert_int_equal(a.at.head, 2); /* opened, epoch */
	some(1);
	fits();
	assert_int_equal(store_meta_get(F.ledger, &b, NULL), E_OK);
	assert_int_equal(b.at.head, 3);
	reopen();
	fits();
	fits();
}

static void emptied(void **state)
{
	(void)state;
	open_journal();
	fits();
	assert_non_null(meta("DEL", NULL, NULL));
	refused("emptied");
}

static void set_up_anew(void **state)
{
	(void)state;
	open_journal();
	fits();
	assert_non_null(meta("HSET", "store", "0123456789abcdef0123456789abcdef"));
	assert_non_null(meta("HSET", "head", "0"));
	refused("is store 0123456789abcdef0123456789abcdef");
	assert_string_equal(state_of(), "ready"); /* it may be another campus' */
}

static void older_state(void **state)
{
	struct store_meta m;
	struct store_head was;

	(void)state;
	open_journal();
	fits();
	assert_int_equal(store_meta_get(F.ledger, &m, NULL), E_OK);
	was = m.at;
	some(1);
	fits();
	reopen();
	assert_int_equal(store_renew(F.installer, &was, true, NULL), E_OK);
	refused("knew record 3 of the journal and now knows 2");
	assert_string_equal(state_of(), "suspect");
	refused("suspect");
	/* the newest state is back */
	was.head = 3;
	assert_non_null(meta("HSET", "head", "3"));
	assert_non_null(meta("HSET", "state", "ready"));
	assert_int_equal(ledger_journal_beat(F.l, F.ledger, &F.em), E_UNAVAIL); /* other hash */
}

static void older_epoch(void **state)
{
	(void)state;
	open_journal();
	assert_non_null(meta("HSET", "epoch", "2"));
	fits();
	assert_non_null(meta("HSET", "epoch", "1"));
	refused("has epoch 1, the journal 2");
	assert_string_equal(state_of(), "suspect");
}

static void older_journal(void **state)
{
	char command[1200];

	(void)state;
	open_journal();
	fits();
	(void)snprintf(command, sizeof(command), "cp -a %s %s.old", F.path, F.path);
	assert_int_equal(shell(command), 0);
	some(1);
	some(2);
	fits();
	ledger_journal_close(F.l);
	F.l = NULL;
	/* with and without the note of what the ledger has taken */
	for (int i = 0; i < 2; i++) {
		(void)snprintf(command, sizeof(command),
			       "cp %s/acknowledged %s.ack; rm -r %s && cp -a %s.old %s && "
			       "%s %s.ack %s/acknowledged",
			       F.path, F.path, F.path, F.path, F.path, i ? ": " : "cp", F.path,
			       F.path);
		assert_int_equal(shell(command), 0);
		open_journal();
		refused("an old journal was restored");
		assert_string_equal(state_of(), "ready");
		ledger_journal_close(F.l);
		F.l = NULL;
	}
}

/* As many records as there were, but others. */
static void another_journal(void **state)
{
	char command[1200];

	(void)state;
	open_journal();
	fits();
	(void)snprintf(command, sizeof(command), "cp -a %s %s.old", F.path, F.path);
	assert_int_equal(shell(command), 0);
	some(1);
	fits();
	ledger_journal_close(F.l);
	F.l = NULL;
	(void)snprintf(command, sizeof(command), "rm -r %s && cp -a %s.old %s", F.path, F.path,
		       F.path);
	assert_int_equal(shell(command), 0);
	open_journal(); /* its "opened" stands where "1" was */
	some(2);
	refused("an old journal was restored");
}

/* The follower goes on writing: a wrong journal that grows past what the ledger knows stays a wrong one. */
static void older_journal_grows(void **state)
{
	char command[1200];

	(void)state;
	open_journal();
	fits();
	(void)snprintf(command, sizeof(command), "cp -a %s %s.old", F.path, F.path);
	assert_int_equal(shell(command), 0);
	for (int i = 1; i <= 4; i++)
		some(i);
	fits();
	ledger_journal_close(F.l);
	F.l = NULL;
	(void)snprintf(command, sizeof(command), "rm -r %s && mv %s.old %s", F.path, F.path,
		       F.path);
	assert_int_equal(shell(command), 0);
	open_journal();
	for (int i = 11; i <= 19; i++) {
		F.em.text[0] = '\0';
		assert_int_equal(ledger_journal_beat(F.l, F.ledger, &F.em), E_UNAVAIL);
		if (!strstr(F.em.text, "an old journal was restored"))
			fail_msg("'%s'", F.em.text);
		some(i);
	}
	refused("an old journal was restored");
}

static void grow(int n)
{
	const struct journal_entry e = {JOURNAL_OPENED, NULL, 0};

	while (n-- > 0)
		assert_int_equal(journal_note(ledger_journal_file(F.l), &e, 1, NULL), E_OK);
	assert_int_equal(journal_append(ledger_journal_file(F.l), &e, 1, NULL), E_OK);
}

/* Further than a start remembers, and without the note of what the ledger has taken. */
static void far_back(void **state)
{
	char command[400];

	(void)state;
	open_journal();
	some(1);
	fits();
	grow(5000);
	for (int i = 0; i < 2; i++) {
		ledger_journal_close(F.l);
		F.l = NULL;
		(void)snprintf(command, sizeof(command), "rm -f %s/acknowledged", F.path);
		assert_int_equal(shell(command), 0);
		assert_non_null(meta("HSET", "head", "3"));
		if (i == 0)
			assert_non_null(meta("HSET", "head_hash",
					     "00000000000000000000000000000000"
					     "00000000000000000000000000000001"));
		open_journal();
		if (i == 0) {
			refused("an old journal was restored");
			/* the journal's own */
			(void)snprintf(command, sizeof(command), "%s", hash_of(3));
			assert_non_null(meta("HSET", "head_hash", command));
		} else {
			fits();
		}
	}
}

static void another_journal_altogether(void **state)
{
	char command[400];

	(void)state;
	open_journal();
	fits();
	ledger_journal_close(F.l);
	F.l = NULL;
	(void)snprintf(command, sizeof(command), "rm -r %s/*", F.path);
	assert_int_equal(shell(command), 0);
	open_journal();
	refused("belongs to another journal");
}

static void damaged_note(void **state)
{
	char command[400];

	(void)state;
	open_journal();
	fits();
	ledger_journal_close(F.l);
	F.l = NULL;
	(void)snprintf(command, sizeof(command), "echo rubbish >%s/acknowledged", F.path);
	assert_int_equal(shell(command), 0);
	assert_int_equal(ledger_journal_open(F.path, &F.l, &F.em), E_FORMAT);
	assert_non_null(strstr(F.em.text, "acknowledged"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(head_grows),          CASE(emptied),      CASE(set_up_anew),
		CASE(older_state),         CASE(older_epoch),  CASE(older_journal),
		CASE(another_journal),     CASE(damaged_note), CASE(another_journal_altogether),
		CASE(older_journal_grows), CASE(far_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
