/* What scepctl gc removes, and above all what it does not. */
#include "core/store/store_gc.h"

#include "tests/support/store_story.h"

#define DAY 86400
#define KEEP (30 * (int64_t)DAY)

static struct store *gc;

static int start(void **state)
{
	int rc = story_start(state);

	gc = test_redis_as(&S.redis, "gc");
	return rc;
}

static int end(void **state)
{
	store_close(gc);
	return story_end(state);
}

static void sweep(bool dry, struct store_gone *gone)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_GC_BEGIN;

	memset(gone, 0, sizeof(*gone));
	for (int i = 0; strcmp(cursor, "0") != 0; i++) {
		OK(store_gc(gc, KEEP, dry, cursor, gone, &S.em));
		assert_true(i < 1000);
	}
}

/* As if it had ended so many seconds ago. */
static void ended(const struct certrec *c, int64_t ago)
{
	char key[80], index[80], at[24];

	(void)snprintf(key, sizeof(key), "cert:%s", c->serial);
	(void)snprintf(index, sizeof(index), "ucerts:%s", c->user);
	(void)snprintf(at, sizeof(at), "%" PRId64, clock_now() - ago);
	(void)RAW("installer", "HSET", key, "not_after", at);
	(void)RAW("installer", "ZADD", index, at, c->serial);
}

static bool has(const char *command, const char *key, const char *member)
{
	if (!member)
		return strcmp(RAW("installer", command, key), "1") == 0;
	return strcmp(RAW("installer", command, key, member), "(nil)") != 0 &&
	       strcmp(told, "0") != 0;
}

static bool has_cert(const struct certrec *c)
{
	char key[80], index[80];

	(void)snprintf(key, sizeof(key), "cert:%s", c->serial);
	(void)snprintf(index, sizeof(index), "ucerts:%s", c->user);
	assert_int_equal(has("EXISTS", key, NULL), has("ZSCORE", index, c->serial));
	return has("EXISTS", key, NULL);
}

static void certificates(void **state)
{
	struct certrec old, recent, live, odd;
	struct store_gone gone;
	struct user u;
	struct device d;
	struct ticket t;
	char key[80];

	(void)state;
	active(&u, &d, &t, &old, "old");
	active(&u, &d, &t, &recent, "recent");
	active(&u, &d, &t, &live, "live");
	active(&u, &d, &t, &odd, "odd");
	OK(store_revoke_cert(S.anna, old.serial, "stolen", &S.em));
	OK(store_revoke_cert(S.anna, recent.serial, "stolen", &S.em));
	OK(store_revoke_cert(S.anna, live.serial, "stolen", &S.em));
	ended(&old, KEEP + 60);
	ended(&recent, KEEP - 60);
	(void)snprintf(key, sizeof(key), "cert:%s", odd.serial);
	(void)RAW("installer", "HSET", key, "not_after", "yesterday");
	(void)RAW("anna", "HSETNX", "revoked", "40000000000000000000000000000077",
		  "1 anna by hand");

	sweep(true, &gone);
	assert_int_equal(gone.certs, 1);
	assert_int_equal(gone.revocations, 1);
	assert_true(has_cert(&old) && has("HGET", "revoked", old.serial));
	assert_true(has("HGET", "keyowners", old.spki));

	sweep(false, &gone);
	assert_int_equal(gone.certs, 1);
	assert_int_equal(gone.revocations, 1);
	assert_false(has_cert(&old));
	assert_false(has("HGET", "revoked", old.serial));
	assert_false(has("HGET", "keyowners", old.spki));
	assert_true(has_cert(&recent) && has("HGET", "revoked", recent.serial));
	assert_true(has_cert(&live) && has("HGET", "revoked", live.serial));
	assert_true(has_cert(&odd) && has("HGET", "keyowners", odd.spki));
	assert_true(has("HGET", "revoked", "40000000000000000000000000000077"));
	assert_string_equal(RAW("installer", "XLEN", "events:gc"), "1");

	sweep(false, &gone);
	assert_int_equal(gone.certs + gone.revocations + gone.devices, 0);
	assert_string_equal(RAW("installer", "XLEN", "events:gc"), "1");
}

/* A key stays its owner's as long as any certificate of it is there. */
static void shared_key(void **state)
{
	struct certrec first, second;
	struct store_gone gone;
	struct claimed got;
	struct user u;
	struct device d, e;
	struct ticket t;

	(void)state;
	active(&u, &d, &t, &first, "twice");
	device(&e, &u);
	ticket_for(&t, &u, &e);
	OK(put(&t, 5));
	record(&second, &t);
	memcpy(second.spki, first.spki, sizeof(first.spki));
	OK(claim(&second, &got));
	ended(&first, KEEP + 60);
	sweep(false, &gone);
	assert_false(has_cert(&first));
	assert_true(has_cert(&second) && has("HGET", "keyowners", first.spki));
	ended(&second, KEEP + 60);
	sweep(false, &gone);
	assert_false(has_cert(&second));
	assert_false(has("HGET", "keyowners", first.spki));
}

static void tickets(void **state)
{
	const char *old = "1 anna long ago";
	struct store_gone gone;
	struct user u;
	struct device d;
	struct ticket t, gone_one, odd;
	char now[64], index[80], member[140];

	(void)state;
	person(&u, "ticketed");
	device(&d, &u);
	ticket_for(&t, &u, &d);
	OK(put(&t, 5));
	ticket_for(&gone_one, &u, &d);
	ticket_for(&odd, &u, &d);
	(void)snprintf(now, sizeof(now), "%" PRId64 " anna just now", clock_now());
	(void)RAW("installer", "HSET", "revoked", t.challenge, old, gone_one.challenge, old,
		  odd.challenge, "never");
	sweep(false, &gone);
	assert_int_equal(gone.revocations, 1);
	assert_true(has("HGET", "revoked", t.challenge)); /* the ticket is there */
	assert_false(has("HGET", "revoked", gone_one.challenge));
	assert_true(has("HGET", "revoked", odd.challenge)); /* nobody knows when */
	(void)RAW("installer", "HSET", "revoked", gone_one.challenge, now);
	(void)snprintf(index, sizeof(index), "utickets:%s", u.id);
	(void)snprintf(member, sizeof(member), "%s:%s", gone_one.challenge, d.id);
	(void)RAW("installer", "ZADD", index, "1", member);
	sweep(false, &gone);
	assert_int_equal(gone.revocations, 0);
	assert_int_equal(gone.entries, 1);
	assert_true(has("HGET", "revoked", gone_one.challenge));
	assert_string_equal(RAW("installer", "ZCARD", index), "1");
}

static void devices(void **state)
{
	struct store_gone gone;
	struct user u;
	struct device d, bare;
	struct ticket t;
	struct certrec c;
	char key[80], bare_key[80];

	(void)state;
	active(&u, &d, &t, &c, "deviced");
	device(&bare, &u);
	(void)snprintf(key, sizeof(key), "device:%s", d.id);
	(void)snprintf(bare_key, sizeof(bare_key), "device:%s", bare.id);
	(void)RAW("installer", "HSET", key, "removed", "1");
	sweep(false, &gone);
	assert_int_equal(gone.devices, 0);
	(void)RAW("installer", "HSET", bare_key, "removed", "1");
	ticket_for(&t, &u, &bare);
	OK(put(&t, 5));
	sweep(false, &gone);
	assert_int_equal(gone.devices, 0); /* somebody sets it up again */
	(void)RAW("installer", "DEL", key);
	(void)snprintf(key, sizeof(key), "utickets:%s", u.id);
	(void)RAW("installer", "DEL", key);
	sweep(false, &gone);
	assert_int_equal(gone.devices, 1);
	assert_false(has("EXISTS", bare_key, NULL));
	(void)snprintf(key, sizeof(key), "udevices:%s", u.id);
	assert_false(has("ZSCORE", key, bare.id));
}

/* Only what auto_revoke has passed on, and old. */
static void events(void **state)
{
	struct store_gone gone;
	char stream[] = "events:bert";

	(void)state;
	(void)RAW("installer", "DEL", stream);
	for (int i = 1; i <= 1000; i++) {
		char id[24];

		(void)snprintf(id, sizeof(id), "%d-1", i);
		(void)RAW("installer", "XADD", stream, id, "event", "x");
	}
	sweep(false, &gone);
	assert_int_equal(gone.events, 0);
	(void)RAW("installer", "HSET", "pos:auto_revoke", "bert", "500-1");
	sweep(false, &gone);
	assert_in_range(gone.events, 300, 499); /* whole nodes of the stream */
	(void)RAW("installer", "HSET", "pos:auto_revoke", "bert", "18446744073709551615-1");
	(void)RAW("installer", "XADD", stream, "*", "event", "x");
	sweep(false, &gone);
	(void)RAW("installer", "XLEN", stream);
	assert_true(strlen(told) < 3 && strcmp(told, "0") != 0);
}

/* What ends sessions has been down: its events stay, and somebody is told. */
static void unread(void **state)
{
	struct store_gone gone;
	char stream[] = "events:bert", id[24];

	(void)state;
	(void)RAW("installer", "DEL", stream);
	(void)RAW("installer", "DEL", "events:gc");
	for (int i = 1; i <= 1000; i++) {
		(void)snprintf(id, sizeof(id), "%d-1", i);
		(void)RAW("installer", "XADD", stream, id, "event", "x");
	}
	(void)RAW("installer", "HSET", "pos:auto_revoke", "bert", "1000-1");
	(void)RAW("installer", "XGROUP", "CREATE", stream, "disconnect", "300-1");
	sweep(true, &gone);
	assert_string_equal(RAW("installer", "XLEN", "events:gc"), "0");
	sweep(false, &gone);
	assert_in_range(gone.events, 200, 299);
	assert_string_equal(RAW("installer", "XLEN", "events:gc"), "1");
	/* Read, but not dealt with, is as good as not read. */
	(void)RAW("disconnect", "XREADGROUP", "GROUP", "disconnect", "x", "COUNT", "600", "STREAMS",
		  stream, ">");
	sweep(false, &gone);
	assert_in_range(gone.events, 0, 100); /* the rest of what is before 301-1 */
	for (int i = 301; i <= 900; i++) {
		(void)snprintf(id, sizeof(id), "%d-1", i);
		(void)RAW("disconnect", "XACK", stream, "disconnect", id);
	}
	sweep(false, &gone);
	assert_in_range(gone.events, 500, 699);
	(void)RAW("disconnect", "XREADGROUP", "GROUP", "disconnect", "x", "COUNT", "600", "NOACK",
		  "STREAMS", stream, ">");
	(void)RAW("installer", "DEL", "events:gc");
	sweep(false, &gone);
	assert_string_equal(RAW("installer", "XLEN", "events:gc"), "0");
	(void)RAW("installer", "DEL", stream);
}

static void limits(void **state)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_GC_BEGIN;
	struct store_gone gone = {0};

	(void)state;
	FAILS(store_gc(gc, 8 * DAY - 1, true, cursor, &gone, &S.em), E_FORMAT);
	FAILS(store_gc(S.portal, KEEP, true, cursor, &gone, &S.em), E_BACKEND);
	FAILS(store_gc(S.anna, KEEP, false, cursor, &gone, &S.em), E_BACKEND);
	(void)snprintf(cursor, sizeof(cursor), "4:0");
	FAILS(store_gc(gc, KEEP, true, cursor, &gone, &S.em), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates), cmocka_unit_test(shared_key),
		cmocka_unit_test(tickets),      cmocka_unit_test(devices),
		cmocka_unit_test(events),       cmocka_unit_test(unread),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, start, end);
}
