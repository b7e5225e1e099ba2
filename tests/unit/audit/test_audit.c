/* core/audit: every event is exactly one well-formed line, whatever the values hold. */
#include "core/audit/audit.h"
#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { LINE_SIZE = 8192, PIPE_ATOMIC = 4096 };

struct capture {
	int saved;
	int rd;
};

/* A pipe in packet mode: one read(2) gives what one write(2) gave. */
static void capture_begin(struct capture *c)
{
	int fds[2];

	(void)fflush(stdout);
	assert_int_equal(pipe2(fds, O_DIRECT | O_CLOEXEC), 0);
	c->saved = dup(STDOUT_FILENO);
	assert_true(c->saved >= 0);
	assert_true(dup2(fds[1], STDOUT_FILENO) >= 0);
	(void)close(fds[1]);
	c->rd = fds[0];
}

static void capture_end(struct capture *c)
{
	assert_true(dup2(c->saved, STDOUT_FILENO) >= 0);
	(void)close(c->saved);
}

/* The next write, as text; its length, 0 at the end. */
static size_t capture_read(struct capture *c, char *line)
{
	ssize_t n = read(c->rd, line, LINE_SIZE - 1);

	assert_true(n >= 0);
	line[n] = '\0';
	return (size_t)n;
}

/* Emits one event and returns its line, checked to be one line and one write. */
static void emit(char *line, const char *event, const char *actor, const struct audit_field *f,
		 size_t n)
{
	struct capture c;
	char more[LINE_SIZE];
	size_t len;
	int rc;

	capture_begin(&c);
	rc = audit_event(event, actor, f, n);
	capture_end(&c);
	len = capture_read(&c, line);
	assert_int_equal(capture_read(&c, more), 0);
	(void)close(c.rd);
	assert_int_equal(rc, E_OK);
	assert_true(len > 2 && len <= PIPE_ATOMIC);
	assert_ptr_equal(strchr(line, '\n'), line + len - 1);
	for (size_t i = 0; i < len - 1; i++)
		assert_true(line[i] >= 0x20 && line[i] < 0x7f);
}

static struct json *parse(const char *line)
{
	struct json *j = NULL;

	assert_int_equal(json_parse(line, strlen(line), &j, NULL), E_OK);
	return j;
}

static void assert_field(const char *line, const char *name, const char *value)
{
	struct json *j = parse(line);

	assert_non_null(json_get_str(j, name));
	assert_string_equal(json_get_str(j, name), value);
	json_free(j);
}

static int setup(void **state)
{
	(void)state;
	clock_fix(1795466679);
	audit_open("scep_ca", false);
	return 0;
}

static void test_order_and_envelope(void **state)
{
	const struct audit_field f[] = {{"serial", "01ab"}, {"user", "u1"}, {"device", "d1"}};
	char line[LINE_SIZE];

	(void)state;
	emit(line, "cert_issued", "ca", f, 3);
	assert_string_equal(
		line, "{\"time\":\"2026-11-23T20:44:39Z\",\"program\":\"scep_ca\",\"event\":\"cert_"
		      "issued\","
		      "\"actor\":\"ca\",\"serial\":\"01ab\",\"user\":\"u1\",\"device\":\"d1\"}\n");
	emit(line, "started", "", NULL, 0);
	assert_field(line, "actor", "scep_ca");
}

static void test_time_given(void **state)
{
	char line[LINE_SIZE];
	struct capture c;

	(void)state;
	capture_begin(&c);
	assert_int_equal(audit_event_at(0, "old", "x", NULL, 0), E_OK);
	capture_end(&c);
	assert_true(capture_read(&c, line) > 0);
	(void)close(c.rd);
	assert_field(line, "time", "1970-01-01T00:00:00Z");
}

static void test_hostile_values(void **state)
{
	const char *values[] = {"line\nbreak\r\n{\"event\":\"forged\"}",
				"quote\" back\\slash",
				"\x01\x02\x1b[2J\x7f",
				"\xff\xfe\xc0\xaf",
				"\xed\xa0\x80",
				"J\xc3\xbcrgen \xe2\x98\x83 \xf0\x9f\x98\x80",
				"",
				"\xc3",
				"{}[]"};
	char line[LINE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const struct audit_field f[] = {{"detail", values[i]}, {"after", "here"}};

		emit(line, "enrol", values[i], f, 2);
		assert_field(line, "after", "here");
		assert_field(line, "event", "enrol");
	}
	const struct audit_field good[] = {
		{"detail", values[0]}, {"name", values[5]}, {"none", NULL}};

	emit(line, "enrol", "a", good, 3);
	assert_field(line, "detail", values[0]);
	assert_field(line, "name", values[5]);
	assert_field(line, "none", "");
}

static void test_long_values(void **state)
{
	char *big = malloc(65536), line[LINE_SIZE];
	struct audit_field f[40];
	struct json *j;

	(void)state;
	assert_non_null(big);
	for (int fill = 0; fill < 4; fill++) {
		memset(big, "a\x01\xff\x80"[fill], 65535);
		big[65535] = '\0';
		for (size_t i = 0; i < 40; i++)
			f[i] = (struct audit_field){"detail", big};
		emit(line, "enrol", "front", f, 1);
		assert_non_null(strstr(line, ",\"truncated\":true}"));
		/* Many of them, each under its own name: shorter each, still there. */
		char names[40][8];

		for (size_t i = 0; i < 40; i++) {
			(void)snprintf(names[i], sizeof(names[i]), "f%zu", i);
			f[i].name = names[i];
		}
		emit(line, "enrol", "front", f, 40);
		assert_non_null(strstr(line, ",\"truncated\":true}"));
		assert_field(line, "event", "enrol");
		assert_field(line, "actor", "front");
	}
	f[0] = (struct audit_field){"detail", "short"};
	emit(line, "enrol", big, f, 1);
	j = parse(line);
	assert_true(strlen(json_get_str(j, "actor")) <= 128 * 3);
	json_free(j);
	emit(line, big, "a", f, 1);
	free(big);
}

/* The cut falls between characters: no replacement character appears at the end. */
static void test_cut_at_character(void **state)
{
	char text[2100] = "", line[LINE_SIZE];
	const struct audit_field f[] = {{"name", text}};
	struct json *j;
	size_t n = 0;

	(void)state;
	text[n++] = 'x';
	for (; n + 3 < sizeof(text); n += 2)
		memcpy(text + n, "\xc3\xbc", 2);
	text[n] = '\0';
	emit(line, "user_added", "portal", f, 1);
	assert_null(strstr(line, "\\uFFFD"));
	assert_null(strstr(line, "\\ufffd"));
	j = parse(line);
	assert_true(strlen(json_get_str(j, "name")) > 200);
	assert_int_equal(strncmp(json_get_str(j, "name"), text, strlen(json_get_str(j, "name"))),
			 0);
	json_free(j);
}

/* What comes from a stream must not replace what we say ourselves. */
static void test_envelope_cannot_be_overridden(void **state)
{
	const struct audit_field f[] = {{"actor", "somebody"},  {"time", "yesterday"},
					{"event", "forged"},    {"Program", "other"},
					{"truncated", "maybe"}, {"serial", "01"},
					{"serial", "02"},       {"bad name\n", "v"},
					{"", "empty"},          {NULL, "null"}};
	char line[LINE_SIZE];

	(void)state;
	emit(line, "cert_revoked", "anna", f, 10);
	assert_field(line, "actor", "anna");
	assert_field(line, "event", "cert_revoked");
	assert_field(line, "program", "scep_ca");
	assert_field(line, "x_actor", "somebody");
	assert_field(line, "x_time", "yesterday");
	assert_field(line, "x_event", "forged");
	assert_field(line, "x_program", "other");
	assert_field(line, "x_truncated", "maybe");
	assert_field(line, "serial", "01");
	assert_field(line, "bad_name_", "v");
	assert_null(strstr(line, "\"02\""));
}

static void test_secrets_stay_inside(void **state)
{
	const struct audit_field f[] = {
		{"challenge", "0123456789ABCDEF"}, {"Password", "hunter2"}, {"ticket", "shown"}};
	char line[LINE_SIZE];

	(void)state;
	emit(line, "enrol", "front", f, 3);
	assert_null(strstr(line, "0123456789ABCDEF"));
	assert_null(strstr(line, "hunter2"));
	assert_field(line, "ticket", "shown");
}

static void test_output_gone(void **state)
{
	struct capture c;
	int rc;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	capture_begin(&c);
	(void)close(c.rd);
	rc = audit_event("started", "", NULL, 0);
	capture_end(&c);
	assert_int_equal(rc, E_IO);
	assert_int_equal(audit_event("", "a", NULL, 0), E_FORMAT);
	assert_int_equal(audit_event(NULL, "a", NULL, 0), E_FORMAT);
}

enum { THREADS = 6, EACH = 150 };

static void *writer(void *arg)
{
	char value[600];
	const struct audit_field f[] = {{"detail", value}};

	memset(value, 'a' + (int)(intptr_t)arg, sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (int i = 0; i < EACH; i++)
		if (audit_event("enrol", "front", f, 1) != E_OK)
			return arg;
	return NULL;
}

static void *reader(void *arg)
{
	struct capture *c = arg;
	char line[LINE_SIZE];
	intptr_t good = 0;
	ssize_t n;

	while ((n = read(c->rd, line, sizeof(line) - 1)) > 0) {
		struct json *j = NULL;

		line[n] = '\0';
		if (strchr(line, '\n') == line + n - 1 &&
		    json_parse(line, (size_t)n, &j, NULL) == E_OK)
			good++;
		json_free(j);
	}
	return (void *)good;
}

static void test_threads(void **state)
{
	pthread_t w[THREADS], r;
	struct capture c;
	void *ret, *good;
	bool failed = false;

	(void)state;
	capture_begin(&c);
	assert_int_equal(pthread_create(&r, NULL, reader, &c), 0);
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i], NULL, writer, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(w[i], &ret);
		failed |= ret != NULL;
	}
	capture_end(&c);
	(void)pthread_join(r, &good);
	(void)close(c.rd);
	assert_false(failed);
	assert_int_equal((intptr_t)good, THREADS * EACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order_and_envelope, setup),
		cmocka_unit_test_setup(test_time_given, setup),
		cmocka_unit_test_setup(test_hostile_values, setup),
		cmocka_unit_test_setup(test_long_values, setup),
		cmocka_unit_test_setup(test_cut_at_character, setup),
		cmocka_unit_test_setup(test_envelope_cannot_be_overridden, setup),
		cmocka_unit_test_setup(test_secrets_stay_inside, setup),
		cmocka_unit_test_setup(test_output_gone, setup),
		cmocka_unit_test_setup(test_threads, setup),
	};

	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
