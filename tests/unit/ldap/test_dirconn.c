/*
 * Servers that are slow, cut off, endless, lying or talkative, played by a thread behind a unix socket (where
 * no TLS is needed). What good servers do is tested with a real one in tests/e2e/ldap.sh.
 */
#include "core/ldap/dirconn.h"

#include "core/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static const char bind_ok[] = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00";
static const char bind_wrong[] = "\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x31\x04\x00\x04\x00";
static const char entry[] = "\x30\x19\x02\x01\x02\x64\x14\x04\x04"
			    "cn=a"
			    "\x30\x0c\x30\x0a\x04\x03"
			    "uid"
			    "\x31\x03\x04\x01"
			    "a";
static const char done[] = "\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x00\x04\x00\x04\x00";
static const char too_many[] = "\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\x04\x04\x00\x04\x00";
static const char elsewhere[] = "\x30\x0f\x02\x01\x02\x73\x0a\x04\x08"
				"ldap://x";

struct play {
	const char *bind; /* NULL: no answer at all */
	size_t bind_n;
	const char *answer;
	size_t answer_n;
	size_t times; /* the answer is sent so often */
	bool hang_up; /* else it stays on the line */
};

struct stage {
	char dir[32], path[64], uri[160];
	struct play play;
	pthread_t thread;
	int fd;
	int64_t began;
};

static void *serve(void *ctx)
{
	struct stage *s = ctx;
	char heard[4096];
	int fd = accept(s->fd, NULL, NULL);
	ssize_t n = read(fd, heard, sizeof(heard));

	if (n > 0 && s->play.bind != NULL)
		(void)!send(fd, s->play.bind, s->play.bind_n, MSG_NOSIGNAL);
	if (s->play.answer != NULL && read(fd, heard, sizeof(heard)) > 0)
		for (size_t i = 0; i < s->play.times; i++)
			if (send(fd, s->play.answer, s->play.answer_n, MSG_NOSIGNAL) < 0)
				break;
	while (!s->play.hang_up && read(fd, heard, sizeof(heard)) > 0)
		;
	(void)close(fd);
	return NULL;
}

static int stage_open(struct stage *s, const struct play *play, struct dirconn **ret)
{
	struct dirconn_options o = {
		.ca_file = "", .bind_dn = "cn=r", .password = "x", .timeout_ms = 300};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct errmsg em = {""};
	size_t n = 0;

	*s = (struct stage){.play = *play, .began = clock_mono_ms()};
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/dirconn.XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	(void)snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
	n = (size_t)snprintf(s->uri, sizeof(s->uri), "ldapi://");
	for (const char *p = s->path; *p != '\0'; p++)
		n += (size_t)snprintf(s->uri + n, sizeof(s->uri) - n, *p == '/' ? "%%2F" : "%c",
				      *p);
	s->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_true(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		    listen(s->fd, 1) == 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	o.uris = s->uri;
	return dirconn_open(&o, ret, &em);
}

static void stage_close(struct stage *s, struct dirconn *c)
{
	dirconn_close(c);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->fd);
	(void)unlink(s->path);
	(void)rmdir(s->dir);
}

static int count(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	(void)em;
	assert_string_equal(e->dn, "cn=a");
	assert_true(dir_has(e, "UID", "A"));
	++*(size_t *)ctx;
	return E_OK;
}

static int search(const struct play *play, bool pass, size_t *ret_n)
{
	static const char *const attrs[] = {"uid", NULL};
	const struct dirconn_search q = {.base = "dc=x",
					 .filter = "(uid=*)",
					 .attrs = attrs,
					 .max = 1000,
					 .pass_references = pass};
	struct errmsg em = {""};
	struct dirconn *c = NULL;
	struct stage s;
	int rc;

	*ret_n = 0;
	assert_int_equal(stage_open(&s, play, &c), E_OK);
	rc = dirconn_search(c, &q, count, ret_n, &em);
	stage_close(&s, c);
	/* far beyond every timeout above: it must end by itself, not be fast */
	assert_true(clock_mono_ms() - s.began < 30000);
	return rc;
}

static void test_bind(void **state)
{
	const struct play silent = {.bind = NULL}, cut = {.bind = bind_ok, .bind_n = 5},
			  gone = {.bind = NULL, .hang_up = true},
			  wrong = {.bind = bind_wrong, .bind_n = sizeof(bind_wrong) - 1},
			  junk = {.bind = "HTTP/1.1 400 Bad Request\r\n\r\n", .bind_n = 28};
	const struct play *const away[] = {&silent, &cut, &gone};
	struct dirconn *c = NULL;
	struct stage s;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stage_open(&s, away[i], &c), E_UNAVAIL);
		stage_close(&s, NULL);
	}
	assert_int_equal(stage_open(&s, &wrong, &c), E_DENIED);
	stage_close(&s, NULL);
	assert_int_not_equal(stage_open(&s, &junk, &c), E_OK);
	stage_close(&s, NULL);
}

static void test_search(void **state)
{
	static char both[sizeof(entry) + sizeof(done)];
	struct play p = {.bind = bind_ok, .bind_n = sizeof(bind_ok) - 1, .times = 1};
	size_t n;

	(void)state;
	memcpy(both, entry, sizeof(entry) - 1);
	memcpy(both + sizeof(entry) - 1, done, sizeof(done) - 1);
	p.answer = both, p.answer_n = sizeof(entry) + sizeof(done) - 2;
	assert_int_equal(search(&p, false, &n), E_OK);
	assert_int_equal(n, 1);
	/* every cut of it, staying on the line or not */
	for (size_t cut = 1; cut < p.answer_n; cut += 4) {
		struct play half = p;

		half.answer_n = cut;
		half.hang_up = true;
		assert_int_not_equal(search(&half, false, &n), E_OK);
	}
	p.answer_n = sizeof(entry) + 3;
	assert_int_equal(search(&p, false, &n), E_UNAVAIL);
	/* more than we take, and no end of it */
	p.answer = entry, p.answer_n = sizeof(entry) - 1, p.times = 100000;
	assert_int_equal(search(&p, false, &n), E_TOOBIG);
	assert_int_equal(n, 1000);
	/* the server's own limit */
	p.answer = too_many, p.answer_n = sizeof(too_many) - 1, p.times = 1;
	assert_int_equal(search(&p, false, &n), E_TOOBIG);
	/* a length beyond every limit */
	p.answer = "\x30\x84\x7f\xff\xff\xff\x02\x01\x02", p.answer_n = 9;
	assert_int_not_equal(search(&p, false, &n), E_OK);
}

static void test_reference(void **state)
{
	char answer[sizeof(elsewhere) + sizeof(done)];
	struct play p = {
		.bind = bind_ok, .bind_n = sizeof(bind_ok) - 1, .answer = answer, .times = 1};
	size_t n;

	(void)state;
	memcpy(answer, elsewhere, sizeof(elsewhere) - 1);
	memcpy(answer + sizeof(elsewhere) - 1, done, sizeof(done) - 1);
	p.answer_n = sizeof(elsewhere) + sizeof(done) - 2;
	assert_int_equal(search(&p, false, &n), E_UNSUPPORTED);
	assert_int_equal(search(&p, true, &n), E_OK);
	assert_int_equal(n, 0);
}

static int never(void *ctx, const struct dirsync_msg *m, const struct dir_entry *e,
		 struct errmsg *em)
{
	(void)ctx, (void)m, (void)e, (void)em;
	fail();
	return E_OK;
}

static void test_sync(void **state)
{
	static const char *const attrs[] = {"uid", NULL};
	const struct dirconn_search q = {
		.base = "dc=x", .filter = "(uid=*)", .attrs = attrs, .max = 1000};
	/* an entry without its state; an end that should not be; refresh required */
	const char required[] = "\x30\x0d\x02\x01\x02\x65\x08\x0a\x02\x10\x00\x04\x00\x04\x00";
	const struct {
		const char *answer;
		size_t n;
		int want;
	} rows[] = {{entry, sizeof(entry) - 1, E_FORMAT},
		    {done, sizeof(done) - 1, E_UNAVAIL},
		    {required, sizeof(required) - 1, E_STATE},
		    {entry, 7, E_TIMEOUT}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct play p = {.bind = bind_ok,
				 .bind_n = sizeof(bind_ok) - 1,
				 .answer = rows[i].answer,
				 .answer_n = rows[i].n,
				 .times = 1};
		struct errmsg em = {""};
		struct dirconn *c = NULL;
		struct stage s;

		assert_int_equal(stage_open(&s, &p, &c), E_OK);
		assert_int_equal(dirconn_sync_start(c, &q, bytes_str("cookie"), &em), E_OK);
		assert_int_equal(dirconn_sync_next(c, 1000, never, NULL, &em), rows[i].want);
		stage_close(&s, c);
	}
}

static void test_login(void **state)
{
	const struct play p = {.bind = bind_ok, .bind_n = sizeof(bind_ok) - 1};
	struct dirconn_options o = {.uris = "ldapi://%2Fnowhere",
				    .ca_file = "",
				    .bind_dn = "cn=r",
				    .password = "",
				    .timeout_ms = 300};
	struct dirconn *c = NULL;
	struct errmsg em = {""};
	struct stage s;

	(void)state;
	assert_int_equal(dirconn_open(&o, &c, &em), E_CONFIG);
	assert_int_equal(stage_open(&s, &p, &c), E_OK);
	/* nothing is sent: the server would not answer, and that would be E_UNAVAIL */
	assert_int_equal(dirconn_login(c, "uid=a,dc=x", "", &em), E_DENIED);
	assert_int_equal(dirconn_login(c, "", "x", &em), E_DENIED);
	assert_int_equal(dirconn_login(c, "uid=a,dc=x", "x", &em), E_UNAVAIL);
	stage_close(&s, c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),      cmocka_unit_test(test_search),
		cmocka_unit_test(test_reference), cmocka_unit_test(test_sync),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
