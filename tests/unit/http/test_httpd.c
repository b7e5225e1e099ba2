/* The server over real sockets: every limit is reached, not only set. */
#include "core/base/clock.h"
#include "core/http/httpd.h"
#include "tests/support/http_raw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DEADLINE_MS 800
#define MAX_BODY 20000

static atomic_int after_calls, slow_done;

static void get_echo(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	s->status = 200;
	s->content_type = "application/x-pki-message";
	buf_addf(&s->body, "method=%s path=%s client=%s tls=%d p0=%s body=%zu", q->method, q->path,
		 q->client, q->tls, q->params[0] ? q->params[0] : "-", q->body.n);
	for (size_t i = 0; i < q->n_query; i++)
		buf_addf(&s->body, " q:%s=[%s]%zu", q->query[i].name, q->query[i].value,
			 q->query[i].n);
	for (size_t i = 0; i < q->n_form; i++)
		buf_addf(&s->body, " f:%s=[%s]", q->form[i].name, q->form[i].value);
	for (size_t i = 0; i < q->n_cookies; i++)
		buf_addf(&s->body, " c:%s=[%s]", q->cookies[i].name, q->cookies[i].value);
	if (http_header(q, "x-test"))
		buf_addf(&s->body, " h=[%s]", http_header(q, "X-Test"));
}

static void get_raw(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	s->status = 200;
	s->content_type = "application/octet-stream";
	buf_add_bytes(&s->body, q->body);
}

static void get_slow(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	usleep(DEADLINE_MS * 2 * 1000);
	atomic_store(&slow_done, 1);
	http_text(s, 200, "slow but whole");
}

static void get_silent(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	(void)s; /* a handler that forgets to answer */
}

static void get_huge(void *ctx, const struct http_request *q, struct http_response *s)
{
	static char chunk[65536];

	(void)ctx;
	(void)q;
	memset(chunk, 'x', sizeof(chunk));
	s->status = 200;
	for (int i = 0; i < 64; i++)
		buf_add(&s->body, chunk, sizeof(chunk));
}

static const struct http_route routes[] = {
	{"GET", "/echo", get_echo},
	{"POST", "/echo", get_echo},
	{"GET", "/scep/:profile", get_echo},
	{"POST", "/raw", get_raw},
	{"GET", "/slow", get_slow},
	{"GET", "/silent", get_silent},
	{"GET", "/static/*", get_echo},
	{"GET", "/huge", get_huge},
	{NULL, NULL, NULL},
};

static void after(void *ctx, const struct http_request *q, struct http_response *s)
{
	(void)ctx;
	(void)q;
	atomic_fetch_add(&after_calls, 1);
	if (http_set_header(s, "X-After", "yes"))
		abort();
}

static struct httpd_options options(void)
{
	return (struct httpd_options){.listen = "127.0.0.1:0",
				      .threads = 2,
				      .max_body = MAX_BODY,
				      .max_connections = 64,
				      .deadline_ms = DEADLINE_MS,
				      .routes = routes,
				      .after = after};
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

static void assert_lacks(const char *text, const char *part)
{
	if (strcasestr(text, part))
		fail_msg("\"%s\" in \"%.600s\"", part, text);
}

/* ---- what must work ---- */

static void test_get(void **state)
{
	const char *r =
		ask(*state, "GET /scep/staff?operation=GetCACert&message=a%2Bb+c&x HTTP/1.1\r\n"
			    "X-Test: one\r\nCookie: a=1; sid=\"q w\"; bad\r\n" END);

	assert_has(r, "HTTP/1.1 200 ");
	assert_has(r, "\r\nContent-Type: application/x-pki-message\r\n");
	assert_has(r, "\r\nContent-Length: ");
	assert_has(r, "\r\nX-After: yes\r\n");
	assert_lacks(r, "Server:");
	assert_lacks(r, "charset");
	assert_has(r, "method=GET path=/scep/staff client=127.0.0.1 tls=0 p0=staff body=0");
	assert_has(r, " q:operation=[GetCACert]9 q:message=[a+b c]5 q:x=[]0");
	assert_has(r, " c:a=[1] c:sid=[q w]");
	assert_has(r, " h=[one]");
}

static void test_http10_without_host(void **state)
{
	const char *r = ask(*state, "GET /echo HTTP/1.0\r\n\r\n");

	assert_has(r, " 200 ");
	assert_has(r, "method=GET path=/echo");
	assert_has(r, "Content-Length: ");
}

/* In HTTP/1.1 a Host is due (RFC 9112 section 3.2): the library of Debian 13 insists, that of Debian 12 does not. */
static void test_http11_without_host(void **state)
{
	const char *r = ask(*state, "GET /echo HTTP/1.1\r\nConnection: close\r\n\r\n");

	if (!strstr(r, " 400 "))
		assert_has(r, "method=GET path=/echo");
}

static void test_absolute_form(void **state)
{
	assert_has(ask(*state, "GET http://ca.example/scep/x%41?a=b HTTP/1.1\r\n" END),
		   "path=/scep/xA client=127.0.0.1 tls=0 p0=xA body=0 q:a=[b]1");
	assert_has(ask(*state, "GET http://ca.example HTTP/1.1\r\n" END), " 404 ");
}

static void test_head(void **state)
{
	const char *r = ask(*state, "HEAD /echo HTTP/1.1\r\n" END);

	assert_has(r, " 200 ");
	assert_has(r, "Content-Length: 57\r\n");
	assert_lacks(r, "method=HEAD");
}

static void test_statuses(void **state)
{
	const char *r = ask(*state, "GET /nothing HTTP/1.1\r\n" END);

	assert_has(r, " 404 ");
	assert_has(r, "\r\nContent-Type: text/plain\r\n");
	assert_has(r, "X-After: yes");
	r = ask(*state, "DELETE /echo HTTP/1.1\r\n" END);
	assert_has(r, " 405 ");
	assert_has(r, "\r\nAllow: GET, HEAD, POST\r\n");
	r = ask(*state, "GET /silent HTTP/1.1\r\n" END);
	assert_has(r, " 500 ");
	assert_has(ask(*state, "OPTIONS * HTTP/1.1\r\n" END), " 404 ");
}

static void test_paths(void **state)
{
	static const char *const bad[] = {"/scep/..",    "/scep/%2e%2e", "/static/a%2Fb",
					  "/scep/a%00b", "//echo",       "/scep/a%zz",
					  "/scep/%ff",   "/scep/",       "/scep/a%0ab",
					  "/echo/",      "/static/../x", "/static//x"};
	char text[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" END, bad[i]);
		if (!strstr(ask(*state, text), " 404 "))
			fail_msg("%s gave %.40s", bad[i], reply);
	}
	assert_has(ask(*state, "GET /static/ HTTP/1.1\r\n" END), "p0= body");
	assert_has(ask(*state, "GET /static/a/b.css HTTP/1.1\r\n" END), "p0=a/b.css body");
	assert_has(ask(*state, "GET /scep/a%20b HTTP/1.1\r\n" END), "p0=a b body");
}

static void test_bad_query(void **state)
{
	struct buf b;

	buf_init(&b, 4096);
	assert_has(ask(*state, "GET /echo?a=%zz HTTP/1.1\r\n" END), " 400 ");
	buf_adds(&b, "GET /echo?a");
	for (int i = 0; i < 70; i++)
		buf_adds(&b, "&a=b");
	buf_adds(&b, " HTTP/1.1\r\n" END);
	assert_has(ask(*state, buf_str(&b)), " 400 ");
	buf_free(&b);
}

static void test_long_uri(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "GET /scep/x?operation=PKIOperation&message=");
	for (int i = 0; i < 2048; i++)
		buf_adds(&b, "MIIB%2Bab"); /* 18 KiB */
	buf_adds(&b, " HTTP/1.1\r\n" END);
	assert_has(ask(*state, buf_str(&b)), " 200 ");
	assert_has(reply, "q:operation=[PKIOperation]12 q:message=[MIIB+abMIIB+ab");
	assert_has(reply, "]14336");

	buf_reset(&b);
	buf_adds(&b, "GET /echo?");
	for (int i = 0; i < 40000; i++)
		buf_addc(&b, 'a');
	buf_adds(&b, " HTTP/1.1\r\n" END);
	assert_has(ask(*state, buf_str(&b)), " 414 ");
	buf_free(&b);
}

static void test_too_many_headers(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "GET /echo HTTP/1.1\r\n");
	for (int i = 0; i < 80; i++)
		buf_addf(&b, "X-%d: y\r\n", i);
	buf_adds(&b, END);
	assert_has(ask(*state, buf_str(&b)), " 431 ");
	buf_free(&b);
}

static void test_post_raw(void **state)
{
	uint8_t body[300];
	struct buf b;
	const char *at;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	buf_init(&b, 4096);
	/* A body that says it is a form is still handed over raw. */
	buf_addf(&b,
		 "POST /raw HTTP/1.1\r\nContent-Length: %zu\r\nContent-Type: "
		 "application/x-pki-message\r\n" END,
		 sizeof(body));
	buf_add(&b, body, sizeof(body));
	raw_ask_n(httpd_port(*state), b.p, b.n);
	assert_has(reply, " 200 ");
	at = strstr(reply, "\r\n\r\n");
	assert_non_null(at);
	assert_memory_equal(at + 4, body, sizeof(body));
	buf_free(&b);
}

static void test_form(void **state)
{
	static const char form[] =
		"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n";
	char text[512];

	snprintf(text, sizeof(text),
		 "POST /echo HTTP/1.1\r\nContent-Length: 20\r\n%s" END "a=1+2&b=%%c3%%a4&&c&d=",
		 form);
	assert_has(ask(*state, text), " f:a=[1 2] f:b=[\xc3\xa4] f:c=[] f:d=[]");
	snprintf(text, sizeof(text), "POST /echo HTTP/1.1\r\nContent-Length: 5\r\n%s" END "a=%%zz",
		 form);
	assert_has(ask(*state, text), " 400 ");
	assert_lacks(
		ask(*state,
		    "POST /echo HTTP/1.1\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n" END
		    "a=1"),
		"f:a");
	assert_has(reply, "body=3");
}

static void test_chunked(void **state)
{
	assert_has(ask(*state, "POST /raw HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
			       "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"),
		   "\r\n\r\nhello world");
}

static void test_keep_alive_and_pipeline(void **state)
{
	bool closed;
	const char *first;
	int fd = dial(*state);

	raw_puts(
		fd,
		"GET /scep/one HTTP/1.1\r\nHost: x\r\n\r\nGET /scep/two HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /scep/three HTTP/1.1\r\n" END);
	raw_take(fd, reply, sizeof(raw_reply), 3000, &closed);
	close(fd);
	assert_true(closed);
	first = strstr(reply, "path=/scep/one");
	assert_non_null(first);
	assert_non_null(strstr(first, "path=/scep/two"));
	assert_has(strstr(first, "path=/scep/two"), "path=/scep/three");
}

/* ---- what must not ---- */

static void test_big_body_by_length(void **state)
{
	/* Told before a byte of the body is there, to who asks first or would send very much. */
	assert_has(ask(*state, "POST /raw HTTP/1.1\r\nContent-Length: 20001\r\n"
			       "Expect: 100-continue\r\n" END),
		   "HTTP/1.1 413 ");
	assert_has(reply, "X-After: yes");
	assert_has(ask(*state, "POST /raw HTTP/1.1\r\nContent-Length: 200001\r\n" END), " 413 ");
	assert_has(ask(*state,
		       "POST /raw HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END),
		   " 413 ");
}

static void test_big_body_sent_at_once(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addf(&b, "POST /raw HTTP/1.1\r\nContent-Length: 30000\r\n" END "%030000d", 7);
	for (int i = 0; i < 20; i++)
		assert_has(ask(*state, buf_str(&b)),
			   " 413 "); /* the answer is not lost to a reset */
	buf_free(&b);
}

/* A client that looks at the answer only after all is sent would find its connection reset. */
static void test_big_body_sent_slowly(void **state)
{
	static const char head[] = "POST /raw HTTP/1.1\r\nContent-Length: 30000\r\n" END;
	static const char part[15000] = {0};
	int fd = dial(*state);
	bool closed;

	raw_puts(fd, head);
	assert_int_equal(raw_take(fd, reply, sizeof(raw_reply), 200, &closed), 0);
	assert_false(closed);
	for (int i = 0; i < 2; i++)
		raw_put(fd, part, sizeof(part));
	raw_take(fd, reply, sizeof(raw_reply), 3000, &closed);
	close(fd);
	assert_has(reply, "HTTP/1.1 413 ");
}

static void test_big_body_chunked(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "POST /raw HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
	for (int i = 0; i < 20; i++)
		buf_addf(&b, "7d0\r\n%02000d\r\n", 0); /* 40000 bytes: read away, then refused */
	buf_adds(&b, "0\r\n\r\n");
	assert_has(ask(*state, buf_str(&b)), " 413 ");

	buf_reset(&b);
	buf_adds(&b, "POST /raw HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
	for (int i = 0; i < 100; i++)
		buf_addf(&b, "7d0\r\n%02000d\r\n",
			 0); /* 200000 bytes: cut off, without an answer */
	buf_adds(&b, "0\r\n\r\n");
	ask(*state, buf_str(&b));
	assert_lacks(reply, "HTTP/1.1");
	buf_free(&b);
}

static void test_whole_body(void **state)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addf(&b, "POST /raw HTTP/1.1\r\nContent-Length: %d\r\n" END "%020000d", MAX_BODY, 7);
	assert_has(ask(*state, buf_str(&b)), " 200 ");
	assert_has(reply, "0000000007");
	buf_free(&b);
}

static void test_smuggling(void **state)
{
	static const char *const bad[] = {
		"POST /raw HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n" END "abcd",
		"POST /raw HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n" END
		"0\r\n\r\n",
		"POST /raw HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" END "abcd",
		"POST /raw HTTP/1.1\r\nContent-Length: -3\r\n" END "abcd",
		"POST /raw HTTP/1.1\r\nContent-Length: 3x\r\n" END "abcd",
		"GET /echo HTTP/1.1\r\nHost: y\r\n" END,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (!strstr(ask(*state, bad[i]), " 400 "))
			fail_msg("%s gave %.60s", bad[i], reply);
	}
}

static void test_junk(void **state)
{
	static const char tls[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	char junk[4096];
	bool closed;
	int fd;

	for (size_t i = 0; i < sizeof(junk); i++)
		junk[i] = (char)(i * 7919 >> 3);
	raw_ask_n(httpd_port(*state), junk, sizeof(junk));
	assert_lacks(reply, " 200 ");
	raw_ask_n(httpd_port(*state), tls, sizeof(tls) - 1);
	assert_lacks(reply, " 200 ");
	/* a good request with junk behind it: the good one is served, the junk is not */
	fd = dial(*state);
	raw_puts(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_put(fd, junk, sizeof(junk));
	raw_take(fd, reply, sizeof(raw_reply), 3000, &closed);
	close(fd);
	assert_true(closed);
	assert_has(reply, "method=GET path=/echo");
	assert_has(ask(*state, "GET /echo HTTP/1.1\r\n" END), " 200 "); /* still alive */
}

/* ---- deadlines ---- */

/* Sends text one byte each 50 ms until the peer closes; returns the ms this took, or -1 after limit. */
static int64_t trickle(int fd, const char *text, int limit)
{
	int64_t start = clock_mono_ms();
	size_t n = strlen(text);

	for (size_t i = 0; clock_mono_ms() - start < limit; i++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char c = text[i % n];
		char sink[512];

		send(fd, &c, 1, MSG_NOSIGNAL);
		if (poll(&p, 1, 50) > 0 && recv(fd, sink, sizeof(sink), 0) <= 0)
			return clock_mono_ms() - start;
	}
	return -1;
}

static void assert_cut(int64_t ms)
{
	if (ms < DEADLINE_MS - 100 || ms > 2 * DEADLINE_MS + 600)
		fail_msg("cut after %lld ms", (long long)ms);
}

static void test_trickled_header(void **state)
{
	int fd = dial(*state);

	assert_cut(trickle(
		fd,
		"GET "
		"/echo?aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		6 * DEADLINE_MS));
	close(fd);
	fd = dial(*state);
	raw_puts(fd, "GET /echo HTTP/1.1\r\n");
	assert_cut(trickle(fd, "X-A: bbbbbbbb\r\n", 6 * DEADLINE_MS));
	close(fd);
}

static void test_trickled_body(void **state)
{
	int fd = dial(*state);

	raw_puts(fd, "POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n");
	assert_cut(trickle(fd, "b", 6 * DEADLINE_MS));
	close(fd);
	fd = dial(*state);
	raw_puts(fd, "POST /raw HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	assert_cut(trickle(fd, "1\r\nb\r\n", 6 * DEADLINE_MS));
	close(fd);
}

static void test_trickle_after_keep_alive(void **state)
{
	bool closed;
	int fd = dial(*state);

	raw_puts(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
	raw_take(fd, reply, sizeof(raw_reply), 200, &closed);
	assert_false(closed);
	raw_puts(fd, "POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n");
	assert_cut(trickle(fd, "b", 6 * DEADLINE_MS));
	close(fd);
}

static void test_silent_client(void **state)
{
	int64_t start = clock_mono_ms();
	bool closed;
	int fd = dial(*state);

	raw_take(fd, reply, sizeof(raw_reply), 6 * DEADLINE_MS, &closed);
	assert_true(closed);
	assert_cut(clock_mono_ms() - start);
	close(fd);
}

static void test_large_reply(void **state)
{
	static char chunk[65536];
	size_t n = 0;
	ssize_t got;
	int fd = dial(*state);

	raw_puts(fd, "GET /huge HTTP/1.1\r\n" END);
	while ((got = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		n += (size_t)got;
	close(fd);
	assert_true(n > 4u << 20);
}

static void test_slow_handler_is_not_cut(void **state)
{
	atomic_store(&slow_done, 0);
	assert_has(ask(*state, "GET /slow HTTP/1.1\r\n" END), "slow but whole");
}

static void test_honest_beside_tricklers(void **state)
{
	int fds[40];

	for (size_t i = 0; i < 40; i++) {
		fds[i] = dial(*state);
		raw_puts(fds[i], "POST /raw HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\nb");
	}
	assert_has(ask(*state, "GET /echo HTTP/1.1\r\n" END), " 200 ");
	for (size_t i = 0; i < 40; i++)
		close(fds[i]);
}

static int shared_start(void **state)
{
	struct httpd_options o = options();

	*state = server(&o);
	return 0;
}

static int shared_stop(void **state)
{
	httpd_stop(*state);
	return 0;
}

#define SHARED(t) cmocka_unit_test_setup_teardown(t, shared_start, shared_stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHARED(test_get),
		SHARED(test_http10_without_host),
		SHARED(test_http11_without_host),
		SHARED(test_absolute_form),
		SHARED(test_head),
		SHARED(test_statuses),
		SHARED(test_paths),
		SHARED(test_bad_query),
		SHARED(test_long_uri),
		SHARED(test_too_many_headers),
		SHARED(test_post_raw),
		SHARED(test_form),
		SHARED(test_chunked),
		SHARED(test_keep_alive_and_pipeline),
		SHARED(test_big_body_by_length),
		SHARED(test_big_body_sent_at_once),
		SHARED(test_big_body_sent_slowly),
		SHARED(test_big_body_chunked),
		SHARED(test_whole_body),
		SHARED(test_smuggling),
		SHARED(test_junk),
		SHARED(test_trickled_header),
		SHARED(test_trickled_body),
		SHARED(test_trickle_after_keep_alive),
		SHARED(test_silent_client),
		SHARED(test_large_reply),
		SHARED(test_slow_handler_is_not_cut),
		SHARED(test_honest_beside_tricklers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
