/* Several servers under one deadline: absent, frozen, black-holed, slow and lying ones before a good one, and
 * Sentinels that are right, behind or lying. */
#include "core/store/redis_route.h"
#include "core/store/store_session.h"
#include "tests/support/store_story.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE 600
/* A stalled server would hold the caller for ever; a busy machine only for a while. */
#define BOUND (DEADLINE + 3000)
#define NO_FACTS "*11\r\n:1\r\n$0\r\n\r\n:1\r\n:2\r\n:3\r\n:4\r\n*0\r\n*0\r\n$0\r\n\r\n*0\r\n*0\r\n"

struct server {
	int fd, port;
	pthread_t thread;
	const char *answer; /* to a question; NULL: never a word, not even to AUTH */
	const char *role;
	int names; /* as a Sentinel: the port of the primary; 0: answer */
	bool drips;
	_Atomic unsigned asked;
};

static void send_text(struct server *s, int fd, const char *text)
{
	const struct timespec t = {.tv_nsec = 40000000};
	size_t i, n = strlen(text);

	if (!s->drips) {
		(void)send(fd, text, n, MSG_NOSIGNAL);
		return;
	}
	for (i = 0; i < n && send(fd, text + i, 1, MSG_NOSIGNAL) == 1; i++)
		(void)nanosleep(&t, NULL);
}

static void reply_to(struct server *s, int fd, const char *request)
{
	char text[128], port[8];

	if (s->answer == NULL)
		return;
	if (strstr(request, "AUTH") != NULL) {
		(void)send(fd, "+OK\r\n", 5, MSG_NOSIGNAL);
	} else if (strstr(request, "ROLE") != NULL) {
		send_text(s, fd, s->role);
	} else if (strstr(request, "SENTINEL") != NULL && s->names != 0) {
		(void)snprintf(port, sizeof(port), "%d", s->names);
		(void)snprintf(text, sizeof(text), "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n",
			       strlen(port), port);
		send_text(s, fd, text);
	} else {
		s->asked++;
		send_text(s, fd, s->answer);
	}
}

static void *serve(void *arg)
{
	struct server *s = arg;
	char request[4096];
	ssize_t n;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		while ((n = recv(fd, request, sizeof(request) - 1, 0)) > 0) {
			request[n] = '\0';
			reply_to(s, fd, request);
		}
		(void)close(fd);
	}
	return NULL;
}

static void bind_it(struct server *s, int backlog)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
	s->port = ntohs(a.sin_port);
	if (backlog >= 0)
		assert_int_equal(listen(s->fd, backlog), 0);
}

static void begin(struct server *s, const char *answer)
{
	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->role = "*3\r\n$6\r\nmaster\r\n:1\r\n*0\r\n";
	bind_it(s, 16);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void end(struct server *s)
{
	(void)shutdown(s->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->fd);
}

static struct store *open_at(const char *servers)
{
	const struct store_options o = {.servers = servers,
					.sentinel_name = "campus",
					.sentinel_password = "secret-of-sentinel",
					.user = "radius",
					.password = "secret-of-radius",
					.deadline_ms = DEADLINE};
	struct store *s = NULL;

	OK(redis_route_check(o.servers, o.sentinel_name, &S.em));
	OK(store_open(&o, &s));
	return s;
}

static int ask(struct store *s)
{
	int64_t start = clock_mono_ms();
	struct facts f;
	int rc;

	S.em.text[0] = '\0';
	rc = store_authorize(s, "0123456789abcdef0123456789abcdef", &f, &S.em);
	if (clock_mono_ms() - start > BOUND)
		fail_msg("%d ms", (int)(clock_mono_ms() - start));
	assert_null(strstr(S.em.text, "secret"));
	return rc;
}

static int ask_two(int first, int second)
{
	char servers[128];
	struct store *s;
	int rc;

	(void)snprintf(servers, sizeof(servers), "127.0.0.1:%d, 127.0.0.1:%d", first, second);
	s = open_at(servers);
	rc = ask(s);
	store_close(s);
	return rc;
}

static const struct {
	const char *what, *answer;
	bool drips;
	int alone; /* what it comes to when the other one is as bad */
} bads[] = {
	{"frozen", NULL, false, E_TIMEOUT},
	{"slow", NO_FACTS, true, E_TIMEOUT},
	{"loading", "-LOADING Redis is loading the dataset in memory\r\n", false, E_BACKEND},
	{"read-only", "-READONLY You can't write against a read only replica.\r\n", false,
	 E_BACKEND},
	{"orphan", "-MASTERDOWN Link with MASTER is down\r\n", false, E_BACKEND},
	{"stranger", "-NOAUTH Authentication required.\r\n", false, E_BACKEND},
	{"empty", "-ERR Function not found\r\n", false, E_BACKEND},
	{"garbage", "HTTP/1.0 400 Bad Request\r\n\r\n", false, E_INTERNAL},
	{"talkative", NO_FACTS NO_FACTS, false, E_INTERNAL},
	{"huge", "*2000000000\r\n", false, E_INTERNAL},
	{"short", "*9\r\n:1\r\n", false, E_TIMEOUT},
};

static void a_bad_one_first(void **state)
{
	struct server good, bad;
	size_t i;

	(void)state;
	begin(&good, NO_FACTS);
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		begin(&bad, bads[i].answer);
		bad.drips = bads[i].drips;
		if (ask_two(bad.port, good.port) != E_OK)
			fail_msg("%s: %s", bads[i].what, S.em.text);
		FAILS(ask_two(bad.port, bad.port), bads[i].alone);
		end(&bad);
	}
	end(&good);
}

/* A well-formed answer of another shape is an answer: nobody else is asked until one says yes. */
static void a_wrong_answer_is_one(void **state)
{
	struct server good, bad;

	(void)state;
	begin(&good, NO_FACTS);
	begin(&bad, "*0\r\n");
	FAILS(ask_two(bad.port, good.port), E_INTERNAL);
	bad.answer = "-DENIED no\r\n";
	FAILS(ask_two(bad.port, good.port), E_DENIED);
	assert_int_equal(good.asked, 0);
	end(&bad);
	end(&good);
}

static void nobody_and_black_hole(void **state)
{
	struct server good, none = {0}, hole = {0};
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fds[8];
	size_t i;

	(void)state;
	begin(&good, NO_FACTS);
	bind_it(&none, -1);
	bind_it(&hole, 0);
	a.sin_port = htons((uint16_t)hole.port);
	for (i = 0; i < 8;
	     i++) { /* its queue is full from here on, so the kernel drops who comes */
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&a, sizeof(a));
	}
	OK(ask_two(none.port, good.port));
	OK(ask_two(hole.port, good.port));
	FAILS(ask_two(hole.port, none.port), E_UNAVAIL);
	FAILS(ask_two(none.port, hole.port), E_TIMEOUT);
	for (i = 0; i < 8; i++)
		(void)close(fds[i]);
	(void)close(hole.fd);
	(void)close(none.fd);
	end(&good);
}

/* Who answered is asked again, and the next one only when it stops. */
static void stays_with_the_good_one(void **state)
{
	struct server first, second;
	char servers[128];
	struct store *s;

	(void)state;
	begin(&first, "-LOADING x\r\n");
	begin(&second, NO_FACTS);
	(void)snprintf(servers, sizeof(servers), "127.0.0.1:%d,127.0.0.1:%d", first.port,
		       second.port);
	s = open_at(servers);
	OK(ask(s));
	OK(ask(s));
	assert_int_equal(first.asked, 1);
	first.answer = NO_FACTS;
	second.answer = "-LOADING x\r\n";
	OK(ask(s));
	assert_int_equal(first.asked, 2);
	OK(ask(s));
	assert_int_equal(second.asked, 3);
	store_close(s);
	end(&second);
	end(&first);
}

/* What was perhaps run is not sent to anybody else. */
static void a_write_goes_once(void **state)
{
	struct server first, second;
	char servers[128];
	struct store *s;

	(void)state;
	begin(&first, ""); /* takes it, and never says so */
	begin(&second, "+OK\r\n");
	(void)snprintf(servers, sizeof(servers), "127.0.0.1:%d 127.0.0.1:%d", first.port,
		       second.port);
	s = open_at(servers);
	FAILS(store_revoke_cert(s, "0123456789abcdef0123456789abcdef", "x", &S.em), E_TIMEOUT);
	assert_int_equal(first.asked, 1);
	assert_int_equal(second.asked, 0);
	first.answer = "-READONLY x\r\n"; /* not run for certain */
	assert_int_not_equal(store_revoke_cert(s, "0123456789abcdef0123456789abcdef", "x", &S.em),
			     E_TIMEOUT);
	assert_int_equal(second.asked, 1);
	store_close(s);
	end(&second);
	end(&first);
}

static int tell(struct store *s)
{
	const struct nas_session x = {.token = "0123456789abcdef0123456789abcdef"};
	struct session_call call = {.verb = SESSION_CLOSE, .session = &x};

	store_session_tell(s, &call, 1);
	return call.rc;
}

/* Several at once go to no other server by themselves; who tells them again finds one. */
static void told_again(void **state)
{
	static const char *const answers[] = {
		NULL,
		"-LOADING x\r\n",
		"-READONLY x\r\n",
		"HTTP/1.0 400 Bad Request\r\n\r\n",
	};
	struct server none = {0}, bad, good;
	char servers[128];
	struct store *s;

	(void)state;
	begin(&good, "*1\r\n*2\r\n:1\r\n$1\r\n1\r\n");
	bind_it(&none, -1);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		begin(&bad, answers[i]);
		(void)snprintf(servers, sizeof(servers), "127.0.0.1:%d 127.0.0.1:%d 127.0.0.1:%d",
			       bad.port, none.port, good.port);
		s = open_at(servers);
		assert_int_not_equal(tell(s), E_OK);
		FAILS(tell(s), E_UNAVAIL);
		OK(tell(s));
		OK(tell(s));
		store_close(s);
		end(&bad);
	}
	(void)close(none.fd);
	end(&good);
}

static void sentinel(void **state)
{
	struct server a, b, old, primary;
	char servers[128];
	struct store *s;

	(void)state;
	begin(&primary, NO_FACTS);
	begin(&old, NO_FACTS);
	begin(&a, "*-1\r\n");
	begin(&b, "*-1\r\n");
	(void)snprintf(servers, sizeof(servers), "sentinel:127.0.0.1:%d,sentinel:127.0.0.1:%d",
		       a.port, b.port);
	s = open_at(servers);
	FAILS(ask(s), E_BACKEND); /* knows no such name */
	assert_non_null(strstr(S.em.text, "campus"));
	a.names = b.names = old.port;
	OK(ask(s));
	assert_int_equal(old.asked, 1);
	/* It goes read-only under an open connection; the first Sentinel is behind, the second is not. */
	old.answer = "-LOADING x\r\n";
	old.role = "*5\r\n$5\r\nslave\r\n$1\r\nx\r\n:1\r\n$9\r\nconnected\r\n:1\r\n";
	FAILS(ask(s), E_BACKEND);
	b.names = primary.port;
	OK(ask(s));
	assert_int_equal(primary.asked, 1);
	assert_int_equal(old.asked, 2); /* never asked again once it said what it is */
	store_close(s);
	s = open_at(servers); /* one Sentinel frozen */
	a.answer = NULL;
	a.names = 0;
	OK(ask(s));
	store_close(s);
	end(&b);
	end(&a);
	end(&old);
	end(&primary);
}

static void lying_sentinel(void **state)
{
	static const char *const lies[] = {
		"*2\r\n$9\r\nlocalhost\r\n$4\r\n6379\r\n", /* a name could hang in the resolver */
		"*2\r\n$9\r\n127.0.0.1\r\n$1\r\n0\r\n",
		"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n",
		"*2\r\n$-1\r\n$-1\r\n",
		"*2\r\n$10\r\n127.0.0.1\0\r\n$1\r\n1\r\n",
		"*1\r\n$9\r\n127.0.0.1\r\n",
		"*0\r\n",
		":1\r\n",
		"+127.0.0.1\r\n",
		"-NOAUTH x\r\n",
		"-IDONTKNOW x\r\n",
		"rubbish\r\n",
	};
	struct server a, primary;
	char servers[64];
	size_t i;

	(void)state;
	begin(&primary, NO_FACTS);
	begin(&a, "*-1\r\n");
	(void)snprintf(servers, sizeof(servers), "sentinel:127.0.0.1:%d", a.port);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct store *s = open_at(servers);

		a.answer = lies[i];
		assert_int_not_equal(ask(s), E_OK);
		store_close(s);
	}
	a.names = primary.port;
	primary.role = "*0\r\n";
	for (i = 0; i < 2; i++) {
		struct store *s = open_at(servers);

		FAILS(ask(s), E_BACKEND);
		assert_int_equal(primary.asked, 0);
		store_close(s);
		primary.role = "*1\r\n$8\r\nsentinel\r\n";
	}
	end(&a);
	end(&primary);
}

static void lists(void **state)
{
	static const char *const bad[] = {
		"redis.example.edu:6379",
		"127.0.0.1",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:x",
		"::1:6379",
		"[::1]",
		"[::1:6379",
		"unix:",
		"unix:redis.sock",
		"sentinel:",
		"sentinel:unix:/x",
		"sentinel:localhost:26379",
		",",
		" ",
		"127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5,127.0.0.1:6,"
		"127.0.0.1:7,127.0.0.1:8,127.0.0.1:9",
		"unix:/"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
	struct store_options o = {.servers = "sentinel:127.0.0.1:26379"};
	struct redis_route r = {.n = 77};
	struct store *s = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		FAILS(redis_route_parse(bad[i], &r, &S.em), E_CONFIG);
	assert_int_equal(r.n, 77);
	OK(redis_route_parse(" unix:/run/redis.sock,[2001:db8::1]:6379\tsentinel:[::1]:26379,", &r,
			     &S.em));
	assert_int_equal(r.n, 3);
	assert_int_equal(r.ways[0].kind, REDIS_UNIX);
	assert_string_equal(r.ways[0].host, "/run/redis.sock");
	assert_int_equal(r.ways[1].kind, REDIS_TCP);
	assert_string_equal(r.ways[1].host, "2001:db8::1");
	assert_int_equal(r.ways[1].port, 6379);
	assert_int_equal(r.ways[2].kind, REDIS_SENTINEL);
	assert_string_equal(r.ways[2].host, "::1");
	assert_int_equal(r.ways[2].port, 26379);
	FAILS(redis_route_check(o.servers, o.sentinel_name, &S.em),
	      E_CONFIG); /* without the name */
	o.sentinel_name = "campus";
	OK(redis_route_check(o.servers, o.sentinel_name, &S.em));
	o.servers = "nonsense";
	FAILS(redis_route_check(o.servers, o.sentinel_name, &S.em), E_CONFIG);
	FAILS(store_open(&o, &s), E_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(a_bad_one_first),
		cmocka_unit_test(a_wrong_answer_is_one),
		cmocka_unit_test(nobody_and_black_hole),
		cmocka_unit_test(stays_with_the_good_one),
		cmocka_unit_test(a_write_goes_once),
		cmocka_unit_test(told_again),
		cmocka_unit_test(sentinel),
		cmocka_unit_test(lying_sentinel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
