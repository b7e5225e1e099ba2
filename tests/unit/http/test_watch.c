/* The clockwork of deadlines, over socket pairs. */
#include "core/base/clock.h"
#include "core/http/listen.h"
#include "core/http/watch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 300

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&ss, &v4, sizeof(v4));
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		memcpy(&ss, &v6, sizeof(v6));
	}
	return ss;
}

static struct watch *watch(unsigned per_address)
{
	struct watch *w = NULL;

	assert_int_equal(watch_start(DEADLINE_MS, per_address, &w), E_OK);
	return w;
}

static struct watch_peer *peer(struct watch *w, int fd, const char *from)
{
	struct sockaddr_storage ss = address(from);

	return watch_open(w, fd, (struct sockaddr *)&ss);
}

/* ms until the other end sees its socket closed; -1 when it does not within limit. */
static int64_t cut_after(int fd, int limit)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int64_t start = clock_mono_ms();

	return poll(&p, 1, limit) == 1 ? clock_mono_ms() - start : -1;
}

struct pair {
	int ours, theirs;
};

static struct pair pair(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){fds[0], fds[1]};
}

static void pair_close(struct pair s)
{
	close(s.ours);
	close(s.theirs);
}

static void test_phases(void **state)
{
	struct watch *w = watch(0);
	struct pair s = pair();
	struct watch_peer *p = peer(w, s.ours, "192.0.2.1");
	int64_t ms;

	(void)state;
	usleep(DEADLINE_MS * 700);
	watch_begin(w, p); /* the first request gets no more time for it */
	ms = cut_after(s.theirs, 2000);
	assert_in_range(ms, 0, 200);
	assert_false(watch_busy(w, p)); /* what came late is not served */
	watch_close(w, p);
	pair_close(s);

	s = pair();
	p = peer(w, s.ours, "192.0.2.1");
	watch_begin(w, p);
	assert_true(watch_busy(w, p));
	assert_int_equal(cut_after(s.theirs, 3 * DEADLINE_MS),
			 -1); /* a handler may take its time */
	watch_sending(w, p, 0);
	ms = cut_after(s.theirs, 2000);
	assert_in_range(ms, DEADLINE_MS - 20, DEADLINE_MS + 200);
	watch_close(w, p);
	pair_close(s);

	s = pair();
	p = peer(w, s.ours, "192.0.2.1");
	watch_begin(w, p);
	assert_true(watch_busy(w, p));
	watch_sending(w, p, 16 * 400); /* 400 ms more at 16 bytes per ms */
	ms = cut_after(s.theirs, 3000);
	assert_in_range(ms, DEADLINE_MS + 380, DEADLINE_MS + 600);
	watch_close(w, p);
	pair_close(s);

	s = pair();
	p = peer(w, s.ours, "192.0.2.1");
	watch_begin(w, p);
	assert_true(watch_busy(w, p));
	watch_sending(w, p, 0);
	watch_done(w, p);
	usleep(DEADLINE_MS * 700);
	watch_begin(w, p); /* kept alive: counts anew from the request line */
	ms = cut_after(s.theirs, 2000);
	assert_in_range(ms, DEADLINE_MS - 20, DEADLINE_MS + 200);
	watch_close(w, p);
	pair_close(s);
	watch_stop(w);
	watch_stop(NULL);
}

static void test_limit(void **state)
{
	struct watch *w = watch(2);
	struct pair s[10];
	struct watch_peer *p[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		s[i] = pair();
	p[0] = peer(w, s[0].ours, "192.0.2.1");
	p[1] = peer(w, s[1].ours, "::ffff:192.0.2.1"); /* the same client */
	assert_non_null(p[0]);
	assert_non_null(p[1]);
	assert_null(peer(w, s[2].ours, "192.0.2.1"));
	assert_in_range(cut_after(s[2].theirs, 1000), 0, 50); /* refused at once */
	p[3] = peer(w, s[3].ours, "192.0.2.2");
	assert_non_null(p[3]);
	/* one /64 is one client */
	p[4] = peer(w, s[4].ours, "2001:db8::1");
	p[5] = peer(w, s[5].ours, "2001:db8::ffff:1");
	assert_non_null(p[4]);
	assert_non_null(p[5]);
	assert_null(peer(w, s[6].ours, "2001:db8::2"));
	p[7] = peer(w, s[7].ours, "2001:db8:0:1::2");
	assert_non_null(p[7]);
	watch_close(w, p[0]);
	p[8] = peer(w, s[8].ours, "192.0.2.1"); /* there is room again */
	assert_non_null(p[8]);
	watch_close(w, p[1]);
	watch_close(w, p[3]);
	watch_close(w, p[4]);
	watch_close(w, p[5]);
	watch_close(w, p[7]);
	watch_close(w, p[8]);
	watch_close(w, NULL);
	watch_stop(w);
	for (int i = 0; i < 10; i++)
		pair_close(s[i]);
}

struct late {
	struct watch *w;
	struct watch_peer *p;
};

static void *finish_late(void *arg)
{
	struct late *l = arg;

	usleep(200000);
	watch_done(l->w, l->p);
	return NULL;
}

static void test_drain(void **state)
{
	struct watch *w = watch(0);
	struct pair s = pair(), idle = pair();
	struct late l = {.w = w, .p = peer(w, s.ours, "192.0.2.1")};
	struct watch_peer *other = peer(w, idle.ours, "192.0.2.1");
	int64_t start = clock_mono_ms();
	pthread_t thread;

	(void)state;
	for (int i = 0; i < 2; i++) {
		watch_begin(w, i ? l.p : other);
		watch_done(w, i ? l.p : other);
	}
	watch_drain(w, 5000); /* connections that have been served do not count */
	assert_in_range(clock_mono_ms() - start, 45, 380);
	watch_begin(w, l.p);
	assert_true(watch_busy(w, l.p));
	start = clock_mono_ms();
	watch_drain(w, 100);
	assert_in_range(clock_mono_ms() - start, 95, 400); /* gives up */
	assert_int_equal(pthread_create(&thread, NULL, finish_late, &l), 0);
	start = clock_mono_ms();
	watch_drain(w, 5000);
	assert_in_range(clock_mono_ms() - start, 150, 1000); /* goes on when the request is over */
	pthread_join(thread, NULL);
	watch_close(w, l.p);
	l.p = peer(w, s.ours, "192.0.2.1");
	start = clock_mono_ms();
	watch_drain(w, 5000); /* one that was just taken has a moment for its first request */
	assert_in_range(clock_mono_ms() - start, 200, 4000);
	watch_close(w, l.p);
	watch_close(w, other);
	watch_stop(w);
	pair_close(s);
	pair_close(idle);
}

/* Connections come and go in several threads while the watch runs at its shortest tick: descriptors
 * are reused at once, so a shutdown of a closed one would hit a stranger. */
static void *churn(void *arg)
{
	struct watch *w = arg;

	for (int i = 0; i < 400; i++) {
		struct pair s = pair();
		struct watch_peer *p = peer(w, s.ours, "192.0.2.1");
		char c = 0;

		watch_begin(w, p);
		if (i % 3 == 0)
			usleep(1500);
		(void)watch_busy(w, p);
		watch_close(w, p);
		pair_close(s);
		s = pair(); /* most likely the same numbers, and nobody's business */
		if (i % 3 == 0)
			usleep(1500);
		if (write(s.theirs, "x", 1) != 1 || read(s.ours, &c, 1) != 1 || c != 'x')
			return "cut";
		pair_close(s);
	}
	return NULL;
}

static void test_churn(void **state)
{
	struct watch *w = NULL;
	pthread_t t[3];
	void *r;

	(void)state;
	assert_int_equal(watch_start(1, 0, &w), E_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, w), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &r);
		assert_null(r);
	}
	watch_stop(w);
}

static void test_address(void **state)
{
	static const char *const rows[][2] = {{"192.0.2.7", "192.0.2.7"},
					      {"::ffff:192.0.2.7", "192.0.2.7"},
					      {"2001:db8::1", "2001:db8::1"},
					      {"::1", "::1"}};
	struct sockaddr_storage ss;
	char text[64];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		ss = address(rows[i][0]);
		listen_address((struct sockaddr *)&ss, text, sizeof(text));
		assert_string_equal(text, rows[i][1]);
	}
	ss.ss_family = AF_UNIX;
	listen_address((struct sockaddr *)&ss, text, sizeof(text));
	assert_string_equal(text, "unknown");
	listen_address(NULL, text, sizeof(text));
	assert_string_equal(text, "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_phases),  cmocka_unit_test(test_limit),
		cmocka_unit_test(test_drain),   cmocka_unit_test(test_churn),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
