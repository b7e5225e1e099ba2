#include "rlm_scepauth/notes.h"

#include "core/store/store_session.h"
#include "tests/support/store_story.h"

#include <stdatomic.h>
#include <time.h>

static atomic_int n_unwanted, n_lost, n_back;
static char unwanted_token[TOKEN_SIZE];

static void on_unwanted(void *ctx, const char *serial, const char *token, const char *why)
{
	(void)ctx;
	(void)serial;
	(void)why;
	assert_int_equal(text_copy(unwanted_token, sizeof(unwanted_token), token), E_OK);
	atomic_fetch_add(&n_unwanted, 1);
}

static void on_news(void *ctx, bool lost, const char *why)
{
	(void)ctx;
	assert_true(!lost || why[0]);
	atomic_fetch_add(lost ? &n_lost : &n_back, 1);
}

static struct notes *open_at(const char *socket, unsigned max)
{
	const struct notes_options o = {
		.socket = socket,
		.user = "radius",
		.password = "pw-radius",
		.deadline_ms = 1000,
		.max = max,
		.unwanted = on_unwanted,
		.news = on_news,
	};
	struct notes *n = NULL;

	atomic_store(&n_unwanted, 0);
	atomic_store(&n_lost, 0);
	atomic_store(&n_back, 0);
	assert_int_equal(notes_open(&o, &n), E_OK);
	return n;
}

static void accept_of(struct note *note, const struct certrec *c)
{
	memset(note, 0, sizeof(*note));
	note->kind = NOTE_ACCEPT;
	note->seconds = 600;
	memcpy(note->session.serial, c->serial, SERIAL_SIZE);
	snprintf(note->session.nas, sizeof(note->session.nas), "192.0.2.7");
	assert_int_equal(rnd_id(note->session.token, TOKEN_SIZE, "", 16), E_OK);
}

static size_t count(const char *who)
{
	struct nas_session *list = NULL;
	size_t n = 0;

	OK(store_sessions(S.leavers, who, &list, &n, &S.em));
	free(list);
	return n;
}

static void wait_until(bool (*is)(void *), void *arg)
{
	static const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 4000 && !is(arg); i++)
		nanosleep(&pause, NULL);
	assert_true(is(arg));
}

static const char *who;
static size_t wanted;

static bool has_wanted(void *arg)
{
	(void)arg;
	return count(who) == wanted;
}

static bool is_set(void *arg)
{
	return atomic_load((atomic_int *)arg) > 0;
}

static void told_in_order(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct note note;
	struct notes *n = open_at(S.redis.socket, 16);

	(void)state;
	active(&u, &d, &t, &c, "note1");
	who = "note1";
	accept_of(&note, &c);
	assert_int_equal(notes_add(n, &note), 0);
	wanted = 1;
	wait_until(has_wanted, NULL);
	note.kind = NOTE_UPDATE;
	assert_int_equal(notes_add(n, &note), 0);
	note.kind = NOTE_STOP;
	assert_int_equal(notes_add(n, &note), 0);
	wanted = 0;
	wait_until(has_wanted, NULL);
	assert_int_equal(atomic_load(&n_unwanted), 0);
	OK(store_revoke_cert(S.anna, c.serial, "x", &S.em));
	accept_of(&note, &c);
	assert_int_equal(notes_add(n, &note), 0);
	wait_until(is_set, &n_unwanted);
	assert_string_equal(unwanted_token, note.session.token);
	/* what waits is told before the end */
	accept_of(&note, &c);
	assert_int_equal(notes_add(n, &note), 0);
	notes_close(n, 20000);
	assert_int_equal(count("note1"), 2);
}

static void kept_while_the_ledger_is_away(void **state)
{
	struct user u;
	struct device d;
	struct ticket t;
	struct certrec c;
	struct note note;
	struct notes *n = open_at(S.redis.socket, 16);

	(void)state;
	active(&u, &d, &t, &c, "note2");
	(void)RAW("installer", "ACL", "SETUSER", "radius", "-fcall");
	accept_of(&note, &c);
	assert_int_equal(notes_add(n, &note), 0);
	wait_until(is_set, &n_lost);
	(void)RAW("installer", "ACL", "LOAD");
	who = "note2";
	wanted = 1;
	wait_until(has_wanted, NULL);
	wait_until(is_set, &n_back);
	assert_int_equal(atomic_load(&n_lost), 1);
	notes_close(n, 0);
}

/* Nobody there: the queue keeps what a session cannot be ended without, and workers do not wait. */
static void full(void **state)
{
	struct certrec c = {.serial = "11112222333344445555666677778888"};
	struct note note;
	struct notes *n = open_at("/nonexistent/redis.sock", 4);
	uint64_t told_of = 0;

	(void)state;
	accept_of(&note, &c);
	assert_int_equal(notes_add(n, &note), 0);
	wait_until(is_set, &n_lost);
	for (int i = 0; i < 100; i++) {
		uint64_t lost;

		note.kind = i % 2 ? NOTE_UPDATE : NOTE_ACCEPT;
		lost = notes_add(n, &note);
		assert_true(lost == 0 || lost > told_of);
		if (lost > 0)
			told_of = lost;
	}
	assert_in_range(told_of, 64, 64);
	notes_close(n, 50);
}

static void never_started(void **state)
{
	struct notes *n = open_at(S.redis.socket, 4);

	(void)state;
	notes_close(n, 1000);
	notes_close(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_in_order),
		cmocka_unit_test(kept_while_the_ledger_is_away),
		cmocka_unit_test(full),
		cmocka_unit_test(never_started),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
