#include "scep_ca/signer/clock_check.h"
#include "scep_ca/signer/ledger_journal.h"

#include "core/audit/journal_read.h"
#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "tests/support/test_redis.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct {
	struct test_redis redis;
	struct store *ledger, *portal, *anna, *nowhere;
	char path[128];
	struct ledger_journal *l;
} F;

static const uint8_t der[100] = {0x30, 0x62};

static int setup(void **state)
{
	struct store_options o = {
		.user = "ca", .password = "x", .deadline_ms = 300, .socket = "/nonexistent/sock"};

	(void)state;
	test_redis_start(&F.redis, NULL);
	F.ledger = test_redis_as(&F.redis, "ca");
	F.portal = test_redis_as(&F.redis, "portal");
	F.anna = test_redis_as(&F.redis, "anna");
	(void)snprintf(F.path, sizeof(F.path), "%s/journal", F.redis.dir);
	return store_open(&o, &F.nowhere) == E_OK && mkdir(F.path, 0700) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	store_close(F.ledger);
	store_close(F.portal);
	store_close(F.anna);
	store_close(F.nowhere);
	test_redis_stop(&F.redis);
	return 0;
}

static void reopen(void)
{
	struct errmsg em = {""};

	ledger_journal_close(F.l);
	F.l = NULL;
	if (ledger_journal_open(F.path, &F.l, &em) != E_OK)
		fail_msg("%s", em.text);
}

static int each_setup(void **state)
{
	(void)state;
	reopen();
	return 0;
}

static int each_teardown(void **state)
{
	(void)state;
	ledger_journal_close(F.l);
	F.l = NULL;
	return 0;
}

/* A person with a ticket, and a record that could claim it. */
static void prepare(struct certrec *c, const char *login)
{
	struct user u = {.source = "local", .name = "Name", .n_groups = 1, .groups = {"students"}};
	struct device d = {.name = "device", .platform = "linux", .created = clock_now()};
	struct ticket t = {.lifetime = 86400,
			   .issued = clock_now(),
			   .expires = clock_now() + 600,
			   .profile = "students",
			   .cn = "cn"};
	struct buf content = {0};
	uint8_t mac[TICKET_MAC_SIZE] = {1};

	assert_int_equal(text_copy(u.login, sizeof(u.login), login), E_OK);
	assert_int_equal(rnd_id(u.id, sizeof(u.id), "u", 16), E_OK);
	assert_int_equal(rnd_id(d.id, sizeof(d.id), "d", 16), E_OK);
	assert_int_equal(rnd_id(t.challenge, sizeof(t.challenge), "", 32), E_OK);
	assert_int_equal(store_user_put(F.portal, &u, NULL), E_OK);
	memcpy(d.owner, u.id, sizeof(u.id));
	assert_int_equal(store_device_put(F.portal, &d, NULL), E_OK);
	memcpy(t.user, u.id, sizeof(u.id));
	memcpy(t.device, d.id, sizeof(d.id));
	buf_init(&content, TICKET_CONTENT_MAX);
	assert_int_equal(ticket_encode(&t, &content), E_OK);
	assert_int_equal(store_ticket_put(F.portal, &t, buf_bytes(&content),
					  bytes_of(mac, sizeof(mac)), 100, NULL),
			 E_OK);
	buf_free(&content);
	*c = (struct certrec){.state = CERT_RESERVED,
			      .profile = "students",
			      .not_before = clock_now(),
			      .not_after = clock_now() + 86400};
	memcpy(c->user, u.id, sizeof(u.id));
	memcpy(c->device, d.id, sizeof(d.id));
	memcpy(c->ticket, t.challenge, sizeof(t.challenge));
	memset(c->issuer, 'a', 40);
	assert_int_equal(rnd_id(c->spki, sizeof(c->spki), "", 32), E_OK);
	assert_int_equal(rnd_id(c->serial, sizeof(c->serial), "", 16), E_OK);
	c->serial[0] = '5';
	c->serial[1] = '5';
}

enum { INTENT = 1, CLAIM = 2, ISSUED = 4 };

static void go(struct certrec *c, int steps)
{
	char txn[HASH_SIZE] = "", serial[SERIAL_SIZE];
	enum claim_result res;
	struct buf out = {0};

	memset(txn, 'c', HASH_SIZE - 1);
	if (steps & INTENT)
		assert_int_equal(ledger_journal_intent(F.l, c, txn, NULL), E_OK);
	if (steps & CLAIM) {
		buf_init(&out, 16384);
		assert_int_equal(store_ticket_claim(F.ledger, c, &res, serial, &out, NULL), E_OK);
		buf_free(&out);
	}
	if (steps & ISSUED)
		assert_int_equal(
			ledger_journal_issued(F.l, c->serial, bytes_of(der, sizeof(der)), NULL),
			E_OK);
}

static enum cert_state state_of(const struct certrec *c)
{
	struct certrec found = {0};
	int r = store_cert_get(F.ledger, c->serial, &found, NULL);

	return r == E_NOTFOUND ? CERT_NONE : found.state;
}

static void settle(void)
{
	struct errmsg em = {""};

	if (ledger_journal_settle(F.l, F.ledger, &em) != E_OK)
		fail_msg("%s", em.text);
}

static bool is_revoked(const struct certrec *c)
{
	char reply[16];
	const char *r = test_redis_cmd(&F.redis, "ca", reply, sizeof(reply), "HEXISTS", "revoked",
				       c->serial, NULL);

	return r && strcmp(r, "1") == 0;
}

static void meta(const char *field, const char *value)
{
	char reply[64];

	assert_non_null(test_redis_cmd(&F.redis, "installer", reply, sizeof(reply), "HSET", "meta",
				       field, value, NULL));
}

static void expect_state(const char *state)
{
	char reply[64];

	assert_string_equal(test_redis_cmd(&F.redis, "installer", reply, sizeof(reply), "HGET",
					   "meta", "state", NULL),
			    state);
}

static void nothing_to_settle(void **state)
{
	(void)state;
	/* not before the ledger was met once */
	assert_int_equal(ledger_journal_settle(F.l, F.nowhere, NULL), E_UNAVAIL);
	settle();
	assert_int_equal(ledger_journal_settle(F.l, F.nowhere, NULL), E_OK);
}

static int count(void *ctx, const struct journal_record *r)
{
	int *open = ctx;

	*open += r->type == JOURNAL_INTENT;
	*open -= r->type == JOURNAL_COMMITTED || r->type == JOURNAL_ABORTED;
	return 0;
}

/* What was settled is written down, so that the next start has nothing to do. */
static void nothing_open(void)
{
	struct journal_report rep;
	struct errmsg em = {""};
	int open = 0;

	assert_int_equal(journal_read_path(F.path, count, &open, &rep, &em), E_OK);
	assert_int_equal(open, 0);
}

static void issued_is_committed(void **state)
{
	struct certrec c;

	(void)state;
	prepare(&c, "issued");
	go(&c, INTENT | CLAIM | ISSUED);
	reopen();
	assert_int_equal(ledger_journal_settle(F.l, F.nowhere, NULL), E_UNAVAIL);
	assert_int_equal(state_of(&c), CERT_RESERVED);
	settle();
	assert_int_equal(state_of(&c), CERT_ACTIVE);
	reopen();
	nothing_open();
}

static void intent_is_aborted(void **state)
{
	struct certrec claimed, drawn;

	(void)state;
	prepare(&claimed, "claimed");
	prepare(&drawn, "drawn");
	go(&claimed, INTENT | CLAIM);
	go(&drawn, INTENT);
	reopen();
	settle();
	assert_int_equal(state_of(&claimed), CERT_ABORTED);
	assert_int_equal(state_of(&drawn), CERT_NONE);
	assert_true(is_revoked(&claimed));
	assert_true(is_revoked(&drawn));
	reopen();
	nothing_open();
}

/* The person went bad meanwhile: issued, but never active. */
static void gone_meanwhile(void **state)
{
	struct certrec held, revoked;
	int64_t n;

	(void)state;
	prepare(&held, "held");
	prepare(&revoked, "revoked");
	go(&held, INTENT | CLAIM | ISSUED);
	go(&revoked, INTENT | CLAIM | ISSUED);
	assert_int_equal(store_suspend_user(F.anna, "held", "test", NULL, NULL), E_OK);
	assert_int_equal(store_revoke_user(F.anna, "revoked", "test", NULL, &n, NULL), E_OK);
	reopen();
	settle();
	assert_int_equal(state_of(&held), CERT_ABORTED);
	assert_int_equal(state_of(&revoked), CERT_ABORTED);
	assert_true(is_revoked(&held));
	assert_true(is_revoked(&revoked));
	reopen();
	nothing_open();
}

static void ends_are_remembered(void **state)
{
	struct certrec a, b;

	(void)state;
	prepare(&a, "enda");
	prepare(&b, "endb");
	go(&a, INTENT | CLAIM | ISSUED);
	assert_int_equal(store_cert_commit(F.ledger, a.serial, bytes_of(der, sizeof(der)), NULL),
			 E_OK);
	ledger_journal_committed(F.l, a.serial, a.not_after);
	go(&b, INTENT);
	ledger_journal_aborted(F.l, b.serial, "test");
	reopen();
	nothing_open();
}

/* The ledger was emptied, or an old state of it restored. */
static void lost_by_the_ledger(void **state)
{
	struct errmsg em = {""};
	struct certrec c;

	(void)state;
	prepare(&c, "lost");
	go(&c, INTENT | ISSUED);
	ledger_journal_committed(F.l, c.serial, c.not_after);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ledger_journal_settle(F.l, F.ledger, &em), E_UNAVAIL);
		assert_non_null(strstr(em.text, i ? "suspect" : c.serial));
		expect_state("suspect");
		reopen();
	}
	/* expired: may have been cleared away */
	meta("state", "ready");
	clock_fix(c.not_after);
	settle();
	clock_fix(0);
	assert_int_equal(ledger_journal_settle(F.l, F.ledger, &em), E_UNAVAIL);
	/* the newest state is back */
	meta("state", "ready");
	go(&c, CLAIM);
	assert_int_equal(ledger_journal_settle(F.l, F.ledger, &em), E_UNAVAIL);
	meta("state", "ready");
	assert_int_equal(store_cert_commit(F.ledger, c.serial, bytes_of(der, sizeof(der)), NULL),
			 E_OK);
	settle();
}

/* Somebody made it active behind the CA's back. */
static void active_without_issued(void **state)
{
	struct certrec c;

	(void)state;
	prepare(&c, "forged");
	go(&c, INTENT | CLAIM);
	assert_int_equal(store_cert_commit(F.ledger, c.serial, bytes_of(der, sizeof(der)), NULL),
			 E_OK);
	reopen();
	settle();
	assert_true(is_revoked(&c));
}

static void issued_without_intent(void **state)
{
	struct ledger_journal *other = NULL;
	struct errmsg em = {""};
	struct certrec c;

	(void)state;
	assert_int_equal(ledger_journal_open(F.path, &other, &em), E_EXISTS);
	prepare(&c, "nointent");
	/* our own mistake: nothing more is written, and the next start tells */
	assert_int_equal(ledger_journal_issued(F.l, c.serial, bytes_of(der, sizeof(der)), NULL),
			 E_UNAVAIL);
	ledger_journal_close(F.l);
	F.l = NULL;
	assert_int_equal(ledger_journal_open(F.path, &other, &em), E_FORMAT);
	assert_non_null(strstr(em.text, "makes no sense"));
}

static void accept_clock(void)
{
	const struct journal_field f = {"clock", bytes_str("accepted")};
	const struct journal_entry e = {JOURNAL_OPENED, &f, 1};
	const struct journal_options o = {.path = F.path};
	struct journal *j = NULL;

	ledger_journal_close(F.l);
	F.l = NULL;
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, NULL), E_OK);
	assert_int_equal(journal_append(j, &e, 1, NULL), E_OK);
	journal_close(j);
	reopen();
}

/* Steps forward are harmless, steps back stop the CA until the time has come again. */
static void clock_steps(void **state)
{
	const int64_t now = clock_now(), year = 365 * 86400;
	struct errmsg em = {""};
	struct certrec c;

	(void)state;
	assert_int_equal(clock_check(F.l, now, &em), E_OK);
	assert_int_equal(clock_check(F.l, now - 3, &em), E_OK);
	assert_int_equal(clock_check(F.l, now + 3600, &em), E_OK);
	assert_int_equal(clock_check(F.l, now + year, &em), E_OK);
	assert_int_equal(clock_check(F.l, now - 60, &em), E_UNAVAIL);
	assert_non_null(strstr(em.text, "set the clock"));
	assert_int_equal(clock_check(F.l, 1500000000, &em), E_UNAVAIL);
	assert_int_equal(clock_check(F.l, 0, &em), E_UNAVAIL);
	prepare(&c, "ahead");
	clock_fix(now + year);
	go(&c, INTENT);
	clock_fix(0);
	assert_int_equal(clock_check(F.l, now, &em), E_UNAVAIL);
	reopen();
	assert_int_equal(clock_check(F.l, clock_now(), &em), E_UNAVAIL);
	assert_int_equal(clock_check(F.l, now + year, &em), E_OK);
	accept_clock();
	assert_int_equal(clock_check(F.l, clock_now(), &em), E_OK);
	settle();
}

struct drawer {
	const struct certrec *c;
	pthread_barrier_t *gate;
	int rc;
};

static void *draw_it(void *arg)
{
	struct drawer *d = arg;
	char txn[HASH_SIZE] = "";

	memset(txn, 'c', HASH_SIZE - 1);
	(void)pthread_barrier_wait(d->gate);
	d->rc = ledger_journal_intent(F.l, d->c, txn, NULL);
	return NULL;
}

/* A random source that gives the same twice, to many at once: one INTENT, and a journal that makes sense. */
static void one_serial_for_many(void **state)
{
	struct drawer d[16];
	pthread_barrier_t gate;
	pthread_t threads[16];
	struct certrec c;
	int good;

	(void)state;
	for (int round = 0; round < 20; round++) {
		prepare(&c, "drawn");
		assert_int_equal(pthread_barrier_init(&gate, NULL, 16), 0);
		for (int i = 0; i < 16; i++) {
			d[i] = (struct drawer){.c = &c, .gate = &gate};
			assert_int_equal(pthread_create(&threads[i], NULL, draw_it, &d[i]), 0);
		}
		good = 0;
		for (int i = 0; i < 16; i++) {
			pthread_join(threads[i], NULL);
			good += d[i].rc == E_OK;
			assert_true(d[i].rc == E_OK || d[i].rc == E_UNAVAIL);
		}
		assert_int_equal(good, 1);
		pthread_barrier_destroy(&gate);
	}
	reopen();
	settle();
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, each_setup, each_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nothing_to_settle),     CASE(issued_is_committed), CASE(intent_is_aborted),
		CASE(gone_meanwhile),        CASE(ends_are_remembered), CASE(active_without_issued),
		CASE(lost_by_the_ledger),    CASE(clock_steps),         CASE(one_serial_for_many),
		CASE(issued_without_intent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
