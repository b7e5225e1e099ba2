/* The connection against a frozen, absent, refusing and lying server. */
#include "tests/support/store_story.h"

#include "core/store/redis_conn.h"
#include "core/store/store_session.h"

#include <netdb.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A server that says yes to AUTH and then sends what the test wants, whatever is asked. */
struct liar {
	char path[64];
	int fd;
	pthread_t thread;
	const char *say; /* after each request */
	size_t n;
	unsigned chunk;    /* bytes at a time, 0: all */
	unsigned pause_ms; /* between chunks */
	bool hang_up;      /* afterwards */
	bool drop_second;  /* hangs up on the second request of a connection, without an answer */
	unsigned requests;
	bool refuse_auth;
};

static void pause_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

static void say(int fd, const char *p, size_t n, unsigned chunk, unsigned ms)
{
	size_t k;

	for (; n > 0; p += k, n -= k) {
		k = chunk > 0 && chunk < n ? chunk : n;
		if (send(fd, p, k, MSG_NOSIGNAL) < 0)
			return;
		if (ms > 0)
			pause_ms(ms);
	}
}

static void *lie(void *arg)
{
	struct liar *l = arg;
	char request[4096];
	int fd;

	while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
		unsigned in_connection = 0;
		ssize_t n;

		while ((n = recv(fd, request, sizeof(request) - 1, 0)) > 0) {
			request[n] = '\0';
			if (strstr(request, "AUTH") != NULL) {
				if (l->refuse_auth)
					say(fd, "-WRONGPASS no\r\n", 15, 0, 0);
				else
					say(fd, "+OK\r\n", 5, 0, 0);
				continue;
			}
			l->requests++;
			if (l->drop_second && ++in_connection == 2)
				break;
			say(fd, l->say, l->n, l->chunk, l->pause_ms);
			if (l->hang_up)
				break;
		}
		(void)close(fd);
	}
	return NULL;
}

static void liar_start(struct liar *l, const char *text, size_t n)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	memset(l, 0, sizeof(*l));
	(void)snprintf(l->path, sizeof(l->path), "/tmp/scepauth-liar.%d", (int)getpid());
	(void)unlink(l->path);
	OK(text_copy(sa.sun_path, sizeof(sa.sun_path), l->path));
	l->say = text;
	l->n = n;
	l->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(l->fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(l->fd, 8), 0);
}

static struct store *liar_open(struct liar *l, int deadline_ms)
{
	const struct store_options o = {.socket = l->path,
					.user = "radius",
					.password = "secret-of-radius",
					.deadline_ms = deadline_ms};
	struct store *s = NULL;

	assert_int_equal(pthread_create(&l->thread, NULL, lie, l), 0);
	OK(store_open(&o, &s));
	return s;
}

static void liar_stop(struct liar *l, struct store *s)
{
	store_close(s);
	(void)shutdown(l->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	(void)close(l->fd);
	(void)unlink(l->path);
}

static const char some_serial[] = "0123456789abcdef0123456789abcdef";

/* One authorize against the lie; the time is checked too. */
static int asked(const char *text, size_t n, unsigned chunk, unsigned ms, bool hang_up,
		 int64_t limit_ms)
{
	int64_t begin = clock_mono_ms();
	struct facts f;
	struct store *s;
	struct liar l;
	int rc;

	liar_start(&l, text, n);
	l.chunk = chunk;
	l.pause_ms = ms;
	l.hang_up = hang_up;
	s = liar_open(&l, 300);
	memset(&f, 0x5a, sizeof(f));
	rc = store_authorize(s, some_serial, &f, &S.em);
	if (rc != E_OK)
		assert_false(f.store_ready || f.have_cert || f.have_user || f.n_groups || f.n_macs);
	if (clock_mono_ms() - begin > limit_ms)
		fail_msg("took %d ms", (int)(clock_mono_ms() - begin));
	liar_stop(&l, s);
	return rc;
}

#define NO_FACTS "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n"
#define CERT_ROW(n)                                                                                \
	"*" n "\r\n$32\r\n0123456789abcdef0123456789abcdef\r\n$1\r\na\r\n$1\r\nu\r\n$1\r\nd\r\n"   \
	"$1\r\np\r\n$1\r\n1\r\n$1\r\n2\r\n$6\r\nactive\r\n$1\r\ns\r\n$1\r\nt\r\n$0\r\n\r\n"
#define ASKED(text) asked(text, sizeof(text) - 1, 0, 0, false, 1000)

static void lies(void **state)
{
	(void)state;
	/* the well-formed ones prove that the liar is believed where it may be */
	OK(ASKED(NO_FACTS));
	OK(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n" CERT_ROW(
		"11") "*0\r\n$0\r\n\r\n*0\r\n*0\r\n"));
	/* wrong types and shapes */
	FAILS(ASKED("+OK\r\n"), E_INTERNAL);
	FAILS(ASKED(":1\r\n"), E_INTERNAL);
	FAILS(ASKED("$-1\r\n"), E_INTERNAL);
	FAILS(ASKED("*-1\r\n"), E_INTERNAL);
	FAILS(ASKED("*0\r\n"), E_INTERNAL);
	FAILS(ASKED("*5\r\n:1\r\n$0\r\n\r\n*0\r\n*0\r\n$0\r\n\r\n"), E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$-1\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*"
		    "0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n$3\r\nyes\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*"
		    "0\r\n*0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n:0\r\n*0\r\n$0\r\n\r\n*0\r\n*"
		    "0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*1\r\n:1\r\n*0\r\n$0\r\n\r\n*"
		    "0\r\n*0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$-1\r\n*0\r\n*"
		    "0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n:0\r\n*"
		    "0\r\n"),
	      E_INTERNAL);
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n" CERT_ROW(
		      "11") "*0\r\n$0\r\n\r\n*1\r\n*1\r\n:1\r\n*0\r\n"),
	      E_INTERNAL);
	/* a NUL inside a text that must be one */
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$3\r\na\0b\r\n*"
		    "0\r\n*0\r\n"),
	      E_INTERNAL);
	/* seventeen groups */
	FAILS(ASKED("*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*17\r\n:"
		    "1\r\n:"
		    "1\r\n:1\r\n:1\r\n:"
		    "1\r\n:1\r\n:1\r\n"
		    ":1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n*0\r\n"),
	      E_INTERNAL);
	/* no RESP at all */
	FAILS(ASKED("HTTP/1.0 400 Bad Request\r\n\r\n"), E_INTERNAL);
	FAILS(ASKED("*99999999999999999999\r\n"), E_INTERNAL);
	FAILS(ASKED("*2000000000\r\n"), E_INTERNAL);
	FAILS(ASKED("*10\r\n*300000\r\n"), E_INTERNAL);
	FAILS(ASKED("$-7\r\n"), E_INTERNAL);
	/* more than one answer to one question */
	FAILS(ASKED(NO_FACTS NO_FACTS), E_INTERNAL);
	/* errors */
	FAILS(ASKED("-LOADING Redis is loading the dataset in memory\r\n"), E_BACKEND);
	FAILS(ASKED("-NOTFOUND x\r\n"), E_NOTFOUND);
	FAILS(ASKED("-\r\n"), E_INTERNAL);
}

static void cut_and_slow(void **state)
{
	(void)state;
	/* a bulk that never ends: the deadline; a hang-up in it: at once */
	FAILS(ASKED("$1000\r\nabc"), E_TIMEOUT);
	FAILS(ASKED("*11\r\n:1\r\n*0\r\n"), E_TIMEOUT);
	FAILS(ASKED(""), E_TIMEOUT);
	FAILS(asked("$1000\r\nabc", 10, 0, 0, true, 250), E_UNAVAIL);
	FAILS(asked("", 0, 0, 0, true, 250), E_UNAVAIL);
	/* one byte every 50 ms must not stretch 300 ms */
	FAILS(asked(NO_FACTS, sizeof(NO_FACTS) - 1, 1, 50, false, 2500), E_TIMEOUT);
	/* while one that is merely in pieces is fine */
	OK(asked(NO_FACTS, sizeof(NO_FACTS) - 1, 3, 1, false, 1000));
}

static void trickle_keeps_the_deadline(void **state)
{
	int64_t begin;
	struct facts f;
	struct store *s;
	struct liar l;

	(void)state;
	liar_start(&l, NO_FACTS, sizeof(NO_FACTS) - 1);
	l.chunk = 1;
	l.pause_ms = 50;
	s = liar_open(&l, 200);
	begin = clock_mono_ms();
	FAILS(store_authorize(s, some_serial, &f, &S.em), E_TIMEOUT);
	assert_in_range(clock_mono_ms() - begin, 150, 400);
	liar_stop(&l, s);
}

static void too_much(void **state)
{
	const size_t n = 17u << 20;
	char *text = malloc(n + 32);
	int rc;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n + 32);
	memcpy(text, "$20000000\r\n", 11);
	rc = asked(text, n, 0, 0, false, 2000);
	free(text);
	FAILS(rc, E_INTERNAL);
}

static void password_is_never_told(void **state)
{
	struct facts f;
	struct store *s;
	struct liar l;

	(void)state;
	liar_start(&l, "", 0);
	l.refuse_auth = true;
	s = liar_open(&l, 300);
	FAILS(store_authorize(s, some_serial, &f, &S.em), E_BACKEND);
	assert_null(strstr(S.em.text, "secret-of-radius"));
	assert_non_null(strstr(S.em.text, "user radius"));
	liar_stop(&l, s);
}

static struct store *open_at(const char *path, const char *user, const char *password, int ms)
{
	const struct store_options o = {
		.socket = path, .user = user, .password = password, .deadline_ms = ms};
	struct store *s = NULL;

	OK(store_open(&o, &s));
	return s;
}

static void wrong_password(void **state)
{
	struct store *s = open_at(S.redis.socket, "radius", "guess", 1000);

	(void)state;
	FAILS(store_ping(s, &S.em), E_BACKEND);
	assert_null(strstr(S.em.text, "guess"));
	store_close(s);
	s = open_at(S.redis.socket, "nobody", "guess", 1000);
	FAILS(store_ping(s, &S.em), E_BACKEND);
	store_close(s);
	s = open_at(S.redis.socket, NULL, NULL, 1000);
	FAILS(store_ping(s, &S.em), E_BACKEND);
	store_close(s);
	s = open_at(S.redis.socket, "default", "", 1000);
	FAILS(store_ping(s, &S.em), E_BACKEND);
	store_close(s);
}

/* What a real server refuses, each as it says it. */
static void refuses_for_now(void **state)
{
	static const char txn[] = "0123456789abcdef0123456789abcdef"
				  "0123456789abcdef0123456789abcdef";
	static const struct {
		const char *set[2], *back[2], *part;
		bool reads; /* refuses them too */
	} rows[] = {
		{{"maxmemory", "1"}, {"maxmemory", "0"}, "maxmemory", false},
		{{"min-replicas-to-write", "1"}, {"min-replicas-to-write", "0"}, "replicas", false},
		{{"replica-serve-stale-data", "yes"}, {NULL, NULL}, "read-only replica", false},
		{{"replica-serve-stale-data", "no"}, {NULL, NULL}, "primary", true},
	};
	struct facts f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i >= 2)
			(void)RAW("installer", "REPLICAOF", "127.0.0.1", "1");
		(void)RAW("installer", "CONFIG", "SET", rows[i].set[0], rows[i].set[1]);
		FAILS(store_enrol_note(S.front, txn, "s", "r", "d", &S.em), E_BACKEND);
		if (rows[i].reads)
			FAILS(store_authorize(S.radius, some_serial, &f, &S.em), E_BACKEND);
		if (!strstr(S.em.text, rows[i].part))
			fail_msg("%zu: %s", i, S.em.text);
		if (!rows[i].reads)
			OK(store_authorize(S.radius, some_serial, &f, &S.em));
		if (rows[i].back[0])
			(void)RAW("installer", "CONFIG", "SET", rows[i].back[0], rows[i].back[1]);
		if (i >= 2)
			(void)RAW("installer", "REPLICAOF", "NO", "ONE");
	}
	OK(store_enrol_note(S.front, txn, "s", "r", "d", &S.em));
	FAILS(store_cert_abort(S.radius, some_serial, "x", &S.em), E_BACKEND); /* NOPERM */
	assert_non_null(strstr(S.em.text, "users.acl"));
}

static void frozen(void **state)
{
	struct store *fresh = open_at(S.redis.socket, "radius", "pw-radius", 200);
	struct store *used = open_at(S.redis.socket, "radius", "pw-radius", 200);
	int64_t begin;
	struct facts f;

	(void)state;
	OK(store_ping(used, &S.em));
	test_redis_freeze(&S.redis, 1);
	begin = clock_mono_ms();
	S.em.text[0] = '\0';
	if (store_authorize(used, some_serial, &f, &S.em) != E_TIMEOUT ||
	    store_authorize(fresh, some_serial, &f, &S.em) != E_TIMEOUT)
		S.em.text[0] = '!';
	begin = clock_mono_ms() - begin;
	test_redis_freeze(&S.redis, 0);
	assert_string_not_equal(S.em.text, "!");
	assert_in_range(begin, 380, 700);
	/* and back: the late answer to the first question must not answer the next one */
	OK(store_authorize(used, some_serial, &f, &S.em));
	assert_false(f.have_cert);
	OK(store_ping(fresh, &S.em));
	store_close(used);
	store_close(fresh);
}

static void absent_then_back(void **state)
{
	struct store *s = open_at(S.redis.socket, "radius", "pw-radius", 1000);
	struct errmsg em;

	(void)state;
	OK(store_ping(s, &S.em));
	test_redis_crash(&S.redis);
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	assert_non_null(strstr(S.em.text, "is redis-server running?"));
	assert_non_null(strstr(S.em.text, S.redis.socket));
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	test_redis_again(&S.redis);
	OK(store_ping(s, &em));
	store_close(s);
	s = open_at("/nonexistent/redis.sock", "radius", "pw-radius", 1000);
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	store_close(s);
	s = open_at("/tmp/a-path-longer-than-a-unix-socket-address-has-room-for/"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		    "radius", "pw-radius", 1000);
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	store_close(s);
}

/* Redis closed the idle connection: a read is asked again, a write says so and works the next time. */
static void idle_connection_closed(void **state)
{
	struct store *s = open_at(S.redis.socket, "radius", "pw-radius", 1000);
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		OK(store_ping(s, &S.em));
		(void)RAW("installer", "CLIENT", "KILL", "USER", "radius");
	}
	store_close(s);
}

/* Redis hangs up in the moment of the question. To read is asked again; to write is not. */
static void hung_up_in_the_moment(void **state)
{
	struct facts f;
	struct store *s;
	struct liar l;

	(void)state;
	liar_start(&l, NO_FACTS, sizeof(NO_FACTS) - 1);
	l.drop_second = true;
	s = liar_open(&l, 1000);
	OK(store_authorize(s, some_serial, &f, &S.em));
	OK(store_authorize(s, some_serial, &f, &S.em));
	FAILS(store_revoke_cert(s, some_serial, "x", &S.em), E_UNAVAIL);
	OK(store_revoke_cert(s, some_serial, "x", &S.em));
	liar_stop(&l, s);
	assert_int_equal(l.requests, 5); /* 1, 2 lost and again, 3 lost, 4 */
}

static size_t told_to(struct liar *l, struct session_call *calls, size_t n, int deadline_ms)
{
	static const struct nas_session x = {.serial = "0123456789abcdef0123456789abcdef",
					     .token = "0123456789abcdef0123456789abcdef"};
	struct store *s = liar_open(l, deadline_ms);
	size_t good = 0;

	for (size_t i = 0; i < n; i++)
		calls[i] = (struct session_call){.verb = SESSION_CLOSE, .session = &x, .rc = E_OK};
	store_session_tell(s, calls, n);
	while (good < n && calls[good].rc == E_OK)
		good++;
	liar_stop(l, s);
	return good;
}

#define ROW "*2\r\n:1\r\n$1\r\n1\r\n"
#define PART "*7\r\n" ROW ROW ROW ROW ROW ROW ROW

/* Many in one go, of which some are not answered, or one too many is. */
static void part_of_a_batch(void **state)
{
	static const char two[] = PART PART, four[] = PART PART PART PART,
			  torn[] = PART "-LOADING x\r\n" PART "$5\r\nab";
	struct session_call calls[4 * SESSION_PART];
	struct liar l;

	(void)state;
	liar_start(&l, two, sizeof(two) - 1);
	l.hang_up = true;
	assert_int_equal(told_to(&l, calls, 21, 5000), 14);
	assert_int_equal(calls[14].rc, E_UNAVAIL);
	liar_start(&l, two, sizeof(two) - 1);
	assert_int_equal(told_to(&l, calls, 28, 300), 14);
	assert_int_equal(calls[14].rc, E_TIMEOUT);
	assert_int_equal(calls[27].rc, E_UNAVAIL);
	liar_start(&l, four, sizeof(four) - 1);
	assert_int_equal(told_to(&l, calls, 21, 5000), 14);
	assert_int_equal(calls[14].rc, E_INTERNAL);
	liar_start(&l, torn, sizeof(torn) - 1);
	l.hang_up = true;
	assert_int_equal(told_to(&l, calls, 28, 5000), 7);
	assert_int_equal(calls[7].rc, E_BACKEND);
	assert_int_equal(calls[13].rc, E_BACKEND);
	assert_int_equal(calls[14].rc, E_OK);
	assert_int_equal(calls[21].rc, E_UNAVAIL);
}

/* One call's answers: each of them counts for itself, and for its own. */
static void answers_within_a_part(void **state)
{
	static const struct {
		const char *text;
		int first, second;
	} cases[] = {
		{"*2\r\n" ROW ROW, E_OK, E_OK},
		{"*2\r\n*2\r\n:0\r\n$8\r\nBADARG x\r\n" ROW, E_FORMAT, E_OK},
		{"*2\r\n" ROW "*2\r\n:0\r\n$0\r\n\r\n", E_OK, E_INTERNAL},
		{"*2\r\n" ROW "*1\r\n:1\r\n", E_OK, E_INTERNAL},
		{"*2\r\n" ROW ":1\r\n", E_OK, E_INTERNAL},
		{"*2\r\n" ROW "*2\r\n:1\r\n$-1\r\n", E_OK, E_INTERNAL},
		{"*1\r\n" ROW, E_INTERNAL, E_INTERNAL},
		{"*3\r\n" ROW ROW ROW, E_INTERNAL, E_INTERNAL},
		{"$1\r\n1\r\n", E_INTERNAL, E_INTERNAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session_call calls[2];
		struct liar l;

		liar_start(&l, cases[i].text, strlen(cases[i].text));
		(void)told_to(&l, calls, 2, 5000);
		assert_int_equal(calls[0].rc, cases[i].first);
		assert_int_equal(calls[1].rc, cases[i].second);
	}
}

/* What is still to come for a batch is never the answer to the next question. */
static void answers_are_not_mixed(void **state)
{
	const struct redis_conn_options o = {.socket = S.redis.socket,
					     .user = "radius",
					     .password = "pw-radius",
					     .deadline_ms = 5000};
	const struct bytes ping[2] = {bytes_str("PING"), bytes_str("first")},
			   other[2] = {bytes_str("PING"), bytes_str("second")};
	struct redis_conn *c = NULL;
	struct reply *r = NULL;

	(void)state;
	OK(redis_conn_open(&o, &c));
	for (int i = 0; i < 3; i++)
		OK(redis_conn_queue(c, ping, 2));
	OK(redis_conn_flush(c, &S.em));
	OK(redis_conn_next(c, &r, &S.em));
	reply_free(r);
	OK(redis_conn_run(c, other, 2, &r, &S.em));
	assert_memory_equal(reply_bytes(r).p, "second", 6);
	reply_free(r);
	FAILS(redis_conn_next(c, &r, &S.em), E_UNAVAIL);
	/* queued and forgotten */
	for (int i = 0; i < 64; i++)
		OK(redis_conn_queue(c, ping, 2));
	assert_int_equal(redis_conn_queue(c, ping, 2), E_TOOBIG);
	redis_conn_forget(c);
	OK(redis_conn_queue(c, other, 2));
	OK(redis_conn_flush(c, &S.em));
	OK(redis_conn_next(c, &r, &S.em));
	assert_memory_equal(reply_bytes(r).p, "second", 6);
	reply_free(r);
	FAILS(redis_conn_next(c, &r, &S.em), E_UNAVAIL);
	redis_conn_close(c);
}

/* A write on a connection that was closed a while ago goes out on a new one. */
static void write_after_idle(void **state)
{
	struct user u;
	int i;

	(void)state;
	person(&u, "idle");
	for (i = 0; i < 5; i++) {
		OK(store_suspend_user(S.anna, "idle", "x", NULL, &S.em));
		(void)RAW("installer", "CLIENT", "KILL", "USER", "anna");
		pause_ms(30);
		OK(store_restore_user(S.anna, "idle", NULL, &S.em));
	}
}

static void too_many_groups(void **state)
{
	static const char row[] =
		"*16\r\n$1\r\ng\r\n$1\r\n1\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$2\r\n60\r\n$1\r\n1\r\n"
		"$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n$"
		"0\r\n\r\n";
	struct buf text;
	int n, i, rc;

	(void)state;
	for (n = 15; n <= 18; n++) {
		buf_init(&text, 1 << 16);
		buf_addf(&text,
			 "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*%"
			 "d\r\n",
			 n);
		for (i = 0; i < n; i++)
			buf_adds(&text, row);
		buf_adds(&text, "*0\r\n");
		rc = asked(buf_str(&text), text.n, 0, 0, false, 1000);
		buf_free(&text);
		if (n <= USER_GROUPS_MAX)
			OK(rc);
		else
			FAILS(rc, E_INTERNAL);
	}
}

static void by_tcp(void **state)
{
	struct store_options o = {.host = "127.0.0.1",
				  .port = 1,
				  .user = "radius",
				  .password = "x",
				  .deadline_ms = 500};
	struct store *s = NULL;
	int64_t port;
	struct addrinfo *known = NULL;

	(void)state;
	OK(store_open(&o, &s));
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	assert_non_null(strstr(S.em.text, "127.0.0.1:1"));
	store_close(s);
	for (port = 20000 + getpid() % 20000; port < 65000; port++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "%d", (int)port);
		if (strcmp(RAW("installer", "CONFIG", "SET", "port", text), "OK") == 0)
			break;
	}
	o.port = (int)port;
	o.password = "pw-radius";
	OK(store_open(&o, &s));
	OK(store_ping(s, &S.em));
	store_close(s);
	/* by name, where the system knows one (a bare chroot may not) */
	if (getaddrinfo("localhost", NULL, NULL, &known) == 0) {
		freeaddrinfo(known);
		o.host = "localhost";
		OK(store_open(&o, &s));
		OK(store_ping(s, &S.em));
		store_close(s);
	}
	(void)RAW("installer", "CONFIG", "SET", "port", "0");
	o.host = "no-such-host.invalid";
	OK(store_open(&o, &s));
	FAILS(store_ping(s, &S.em), E_UNAVAIL);
	store_close(s);
	o.host = NULL;
	OK(store_open(&o, &s));
	FAILS(store_ping(s, &S.em), E_CONFIG);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lies),
		cmocka_unit_test(cut_and_slow),
		cmocka_unit_test(trickle_keeps_the_deadline),
		cmocka_unit_test(too_much),
		cmocka_unit_test(password_is_never_told),
		cmocka_unit_test(wrong_password),
		cmocka_unit_test(refuses_for_now),
		cmocka_unit_test(frozen),
		cmocka_unit_test(absent_then_back),
		cmocka_unit_test(idle_connection_closed),
		cmocka_unit_test(hung_up_in_the_moment),
		cmocka_unit_test(part_of_a_batch),
		cmocka_unit_test(answers_within_a_part),
		cmocka_unit_test(answers_are_not_mixed),
		cmocka_unit_test(write_after_idle),
		cmocka_unit_test(too_many_groups),
		cmocka_unit_test(by_tcp),
	};

	return cmocka_run_group_tests(tests, story_start, story_end);
}
