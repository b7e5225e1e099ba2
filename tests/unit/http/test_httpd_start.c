/* Starting and stopping, limits of the whole server. */
#include "core/base/clock.h"
#include "core/http/httpd.h"
#include "core/http/listen.h"
#include "tests/support/http_raw.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 800
#define MAX_BODY 20000

static atomic_int slow_done;

static void get_echo(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	s->status = 200;
	s->content_type = "text/plain";
	buf_addf(&s->body, "path=%s client=%s tls=%d form=%zu body=%zu", q->path, q->client, q->tls,
		 q->n_form, q->body.n);
}

static void get_slow(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	usleep(DEADLINE_MS * 2 * 1000);
	atomic_store(&slow_done, 1);
	http_text(s, 200, "slow but whole");
}

static const struct http_route routes[] = {{"GET", "/echo", get_echo},
					   {"GET", "/slow", get_slow},
					   {"POST", "/form", get_echo},
					   {NULL, NULL, NULL}};

static struct httpd_options options(void)
{
	return (struct httpd_options){.listen = "127.0.0.1:0",
				      .threads = 2,
				      .max_body = MAX_BODY,
				      .max_connections = 64,
				      .deadline_ms = DEADLINE_MS,
				      .routes = routes};
}

static struct httpd *server(const struct httpd_options *o)
{
	struct errmsg em = {""};
	struct httpd *h = NULL;

	if (httpd_start(o, &h, &em))
		fail_msg("%s", em.text);
	return h;
}

/* The connections below ask to be closed, so that a reply ends where the connection does. */
#define END "Host: x\r\nConnection: close\r\n\r\n"

static char *const reply = raw_reply;

static int dial(const struct httpd *h)
{
	return raw_dial(httpd_port(h));
}

static const char *ask(const struct httpd *h, const char *text)
{
	return raw_ask(httpd_port(h), text);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no \"%s\" in \"%.600s\"", part, text);
}

static void test_per_address(void **state)
{
	struct httpd_options o = options();
	struct httpd *h;
	bool closed;
	int a, b, c;

	(void)state;
	o.max_per_address = 2;
	o.deadline_ms = 3000;
	h = server(&o);
	a = dial(h);
	b = dial(h);
	raw_puts(a, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_take(a, reply, sizeof(raw_reply), 300, &closed);
	assert_has(reply, " 200 ");
	raw_puts(b, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_take(b, reply, sizeof(raw_reply), 300, &closed);
	assert_has(reply, " 200 ");
	c = dial(h);
	raw_puts(c, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(raw_take(c, reply, sizeof(raw_reply), 1000, &closed), 0);
	assert_true(closed);
	close(c);
	close(a); /* makes room */
	usleep(200000);
	assert_has(ask(h, "GET /echo HTTP/1.1\r\n" END), " 200 ");
	close(b);
	httpd_stop(h);
}

static void test_max_connections(void **state)
{
	struct httpd_options o = options();
	struct httpd *h;
	bool closed;
	int a, b;

	(void)state;
	o.threads = 1;
	o.max_connections = 1;
	h = server(&o);
	a = dial(h);
	raw_puts(a, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_take(a, reply, sizeof(raw_reply), 200, &closed);
	assert_has(reply, " 200 ");
	b = dial(h); /* the kernel takes it, the server not yet */
	raw_puts(b, "GET /echo HTTP/1.1\r\n" END);
	assert_int_equal(raw_take(b, reply, sizeof(raw_reply), 200, &closed), 0);
	close(a);
	raw_take(b, reply, sizeof(raw_reply), 2000, &closed);
	assert_has(reply, " 200 ");
	close(b);
	httpd_stop(h);
}

struct asker {
	struct httpd *h;
	char text[512];
};

static void *ask_slow(void *arg)
{
	struct asker *a = arg;
	bool closed;
	int fd = dial(a->h);

	raw_puts(fd, "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_take(fd, a->text, sizeof(a->text), 8000, &closed);
	close(fd);
	return NULL;
}

static void test_stop_waits(void **state)
{
	struct httpd_options o = options();
	struct asker a = {.h = NULL};
	pthread_t thread;

	(void)state;
	o.deadline_ms = 5000;
	a.h = server(&o);
	atomic_store(&slow_done, 0);
	assert_int_equal(pthread_create(&thread, NULL, ask_slow, &a), 0);
	usleep(300000);
	httpd_stop(a.h); /* in the middle of the handler */
	assert_int_equal(atomic_load(&slow_done), 1);
	pthread_join(thread, NULL);
	assert_has(a.text, "slow but whole");
	assert_has(a.text, "Connection: close"); /* and come again elsewhere */
}

static void ask_echo(const struct httpd *h)
{
	char text[1000];
	bool closed;
	int fd = dial(h);

	raw_puts(fd, "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	raw_take(fd, text, sizeof(text), 8000, &closed);
	assert_has(text, "path=/echo");
	close(fd);
}

/* Two servers at one socket: whoever asks while one takes over from the other gets an answer. */
static void test_take_over(void **state)
{
	struct httpd_options o = options();
	struct httpd *one, *two;
	struct errmsg em = {""};
	unsigned port = 0;

	(void)state;
	assert_int_equal(listen_open(o.listen, &o.listener, &port, &em), E_OK);
	one = server(&o);
	assert_int_equal(httpd_port(one), port);
	ask_echo(one);
	two = server(&o);
	for (int i = 0; i < 20; i++)
		ask_echo(two);
	httpd_stop(one);
	for (int i = 0; i < 20; i++)
		ask_echo(two);
	httpd_stop(two);
	close(o.listener);
	o.listener = 9999; /* none */
	assert_int_equal(httpd_open(&o, &one, &em), E_IO);
}

struct storm {
	unsigned port;
	atomic_bool over;
	atomic_uint answered, torn;
};

static void *storm_rage(void *arg)
{
	struct storm *s = arg;
	struct timeval patience = {.tv_sec = 5};
	char text[512];

	while (!atomic_load(&s->over)) {
		struct sockaddr_in sa = {.sin_family = AF_INET,
					 .sin_port = htons((uint16_t)s->port),
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		size_t n = 0;
		ssize_t r;

		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 &&
		    send(fd, "GET /echo HTTP/1.1\r\n" END, strlen("GET /echo HTTP/1.1\r\n" END),
			 MSG_NOSIGNAL) > 0) {
			while (n < sizeof(text) - 1 &&
			       (r = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
				n += (size_t)r;
			text[n] = '\0';
			if (strstr(text, "path=/echo"))
				atomic_fetch_add(&s->answered, 1);
			else if (n > 0)
				atomic_fetch_add(&s->torn, 1);
		}
		close(fd);
	}
	return NULL;
}

/* Servers end while others keep connecting: no crash, and no answer that is cut in two. Each stays until a
 * few more have been answered. */
static void test_stop_in_a_storm(void **state)
{
	struct httpd_options o = options();
	struct storm s = {.port = 0};
	struct errmsg em = {""};
	pthread_t threads[8];

	(void)state;
	o.threads = o.max_connections = 4; /* full, and not, all the time */
	assert_int_equal(listen_open(o.listen, &o.listener, &s.port, &em), E_OK);
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm_rage, &s), 0);
	for (int i = 0; i < 100; i++) {
		struct httpd *h = server(&o);
		unsigned from = atomic_load(&s.answered);
		int64_t until = clock_mono_ms() + 10000;

		while (atomic_load(&s.answered) < from + 20 && clock_mono_ms() < until)
			usleep(500);
		assert_true(atomic_load(&s.answered) >= from + 20);
		httpd_stop(h);
	}
	atomic_store(&s.over, true);
	close(o.listener);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&s.torn), 0);
}

static void test_stop_is_quick_when_idle(void **state)
{
	struct httpd_options o = options();
	struct httpd *h;
	int64_t start;
	int fd;

	(void)state;
	o.deadline_ms = 20000;
	h = server(&o);
	fd = dial(h);
	usleep(100000);
	start = clock_mono_ms();
	httpd_stop(h);
	assert_true(clock_mono_ms() - start < 2000);
	close(fd);
}

static void test_open_then_run(void **state)
{
	struct httpd_options o = options();
	struct errmsg em = {""};
	struct httpd *h = NULL;
	bool closed;
	int fd;

	(void)state;
	assert_int_equal(httpd_open(&o, &h, &em), E_OK);
	assert_true(httpd_port(h) > 0);
	fd = dial(h); /* waits in the kernel: no thread is there yet */
	raw_puts(fd, "GET /echo HTTP/1.1\r\n" END);
	assert_int_equal(raw_take(fd, reply, sizeof(raw_reply), 200, &closed), 0);
	assert_int_equal(httpd_run(h, &em), E_OK);
	assert_int_equal(httpd_run(h, &em), E_STATE);
	raw_take(fd, reply, sizeof(raw_reply), 2000, &closed);
	assert_has(reply, " 200 ");
	close(fd);
	httpd_stop(h);
	assert_int_equal(httpd_open(&o, &h, &em), E_OK);
	httpd_stop(h); /* never ran */
	httpd_stop(NULL);
}

static void test_raw_bodies(void **state)
{
	static const char request[] =
		"POST /form HTTP/1.1\r\nContent-Length: 5\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\n" END "a=%zz";
	struct httpd_options o = options();
	struct httpd *h = server(&o);

	(void)state;
	assert_has(ask(h, request), " 400 ");
	httpd_stop(h);
	o.raw_bodies = true;
	h = server(&o);
	assert_has(ask(h, request), " 200 ");
	assert_has(reply, "form=0 body=5");
	httpd_stop(h);
}

static void test_bad_start(void **state)
{
	struct httpd_options o = options();
	struct httpd *first = server(&o), *h = NULL;
	struct errmsg em = {""};
	char where[64];

	(void)state;
	snprintf(where, sizeof(where), "127.0.0.1:%u", httpd_port(first));
	o.listen = where;
	assert_int_equal(httpd_start(&o, &h, &em), E_IO);
	snprintf(where, sizeof(where), "port %u on 127.0.0.1 is in use", httpd_port(first));
	assert_has(em.text, where);
	httpd_stop(first);
	o.listen = "192.0.2.1:0";
	assert_int_equal(httpd_start(&o, &h, &em), E_IO);
	assert_has(em.text, "192.0.2.1 is not an address of this machine");
	for (size_t i = 0; i < 7; i++) {
		static const char *const bad[] = {
			"",       "8080",   "localhost:80", "127.0.0.1:99999", "127.0.0.1:-1",
			"::1:80", "[::1]80"};

		o.listen = bad[i];
		assert_int_equal(httpd_start(&o, &h, &em), E_CONFIG);
	}
	assert_null(h);
}

static void test_ipv6(void **state)
{
	struct httpd_options o = options();
	struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct errmsg em = {""};
	struct httpd *h = NULL;
	bool closed;
	int fd;

	(void)state;
	o.listen = "*:0";
	if (httpd_start(&o, &h, &em))
		skip(); /* a machine without IPv6 */
	assert_has(ask(h, "GET /echo HTTP/1.1\r\n" END),
		   "client=127.0.0.1 "); /* not ::ffff:127.0.0.1 */
	sa.sin6_port = htons((uint16_t)httpd_port(h));
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0) {
		raw_puts(fd, "GET /echo HTTP/1.1\r\n" END);
		raw_take(fd, reply, sizeof(raw_reply), 2000, &closed);
		assert_has(reply, "client=::1 ");
	}
	close(fd);
	httpd_stop(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_address),
		cmocka_unit_test(test_max_connections),
		cmocka_unit_test(test_stop_waits),
		cmocka_unit_test(test_take_over),
		cmocka_unit_test(test_stop_in_a_storm),
		cmocka_unit_test(test_stop_is_quick_when_idle),
		cmocka_unit_test(test_open_then_run),
		cmocka_unit_test(test_raw_bodies),
		cmocka_unit_test(test_bad_start),
		cmocka_unit_test(test_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
