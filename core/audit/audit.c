#include "core/audit/audit.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/json.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/*
 * A line stays below PIPE_BUF (4096 on Linux), so that one write(2) to a pipe is atomic even when
 * several daemons share it. What does not fit is cut, never split.
 */
enum {
	LINE_MAX_BYTES = 4000,
	FIELDS_MAX = 32,
	WORD_MAX = 64,
	VALUE_MAX = 1024,
	VALUE_MIN = 16,
	STALL_MS = 5000,
};

static struct {
	pthread_mutex_t lock;
	char program[WORD_MAX + 1];
	bool to_syslog;
} audit = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const reserved[] = {"time", "program", "event", "actor", "truncated"};
/* Callers must not pass these at all; should one slip in, its value stays inside. */
static const char *const withheld[] = {"password", "passphrase", "challenge", "secret", "cookie"};

static bool word_in(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(word, list[i]) == 0)
			return true;
	return false;
}

/* Field and event names reach SIEM queries: [a-z0-9_] only, whatever a stream held. */
static void word_clean(char *dst, size_t size, const char *src)
{
	size_t n = 0;

	for (; *src != '\0' && n + 1 < size; src++) {
		char c = *src;

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			c = '_';
		dst[n++] = c;
	}
	dst[n] = '\0';
}

/* Cuts at a character boundary; true when something was lost. */
static bool value_cut(char *dst, size_t max, const char *src)
{
	size_t n = strnlen(src, max + 1);
	bool cut = n > max;

	if (cut) {
		n = max;
		while (n > 0 && ((unsigned char)src[n] & 0xC0) == 0x80)
			n--;
		/* A run of continuation bytes is not UTF-8 anyway: cut anywhere. */
		if (n + 4 < max)
			n = max;
	}
	for (size_t i = 0; i < n; i++) /* JSON lets DEL through, terminals act on it */
		dst[i] = src[i] == 0x7f ? '?' : src[i];
	dst[n] = '\0';
	return cut;
}

static void field_name(char *dst, size_t size, const char *name)
{
	char word[WORD_MAX + 1];

	word_clean(word, sizeof(word), name);
	(void)snprintf(dst, size, "%s%s",
		       word_in(word, reserved, sizeof(reserved) / sizeof(*reserved)) ? "x_" : "",
		       word);
}

static bool add_fields(struct json *j, const struct audit_field *fields, size_t n, size_t value_max)
{
	char names[FIELDS_MAX][WORD_MAX + 3];
	char value[VALUE_MAX + 1];
	size_t used = 0;
	bool cut = n > FIELDS_MAX;

	for (size_t i = 0; i < n && i < FIELDS_MAX; i++) {
		bool seen = false;

		if (fields[i].name == NULL || fields[i].name[0] == '\0') {
			cut = true;
			continue;
		}
		field_name(names[used], sizeof(names[used]), fields[i].name);
		for (size_t k = 0; k < used && !seen; k++)
			seen = strcmp(names[k], names[used]) == 0;
		if (seen) { /* the first one stands: a later copy must not replace it */
			cut = true;
			continue;
		}
		if (word_in(names[used], withheld, sizeof(withheld) / sizeof(*withheld)))
			json_set_str(j, names[used], "[withheld]");
		else {
			cut |= value_cut(value, value_max,
					 fields[i].value != NULL ? fields[i].value : "");
			json_set_str(j, names[used], value);
		}
		used++;
	}
	return cut;
}

static int line_build(struct buf *out, int64_t when, const char *event, const char *actor,
		      const struct audit_field *fields, size_t n, size_t value_max)
{
	struct json *j = json_object();
	char time[32], word[WORD_MAX + 1], who[WORD_MAX * 2 + 1];
	bool cut;
	int rc;

	if (j == NULL)
		return E_NOMEM;
	clock_iso(time, sizeof(time), when);
	word_clean(word, sizeof(word), event);
	cut = value_cut(who, sizeof(who) - 1, actor);
	json_set_str(j, "time", time);
	json_set_str(j, "program", audit.program);
	json_set_str(j, "event", word);
	json_set_str(j, "actor", who[0] != '\0' ? who : audit.program);
	cut |= add_fields(j, fields, n, value_max);
	if (cut || value_max < VALUE_MAX)
		json_set_bool(j, "truncated", true);
	rc = json_dump(j, out);
	json_free(j);
	if (rc == E_OK)
		buf_addc(out, '\n');
	return rc != E_OK ? rc : buf_error(out);
}

/* One write(2) in the ordinary case; goes on after a short one, so that no line is left half. */
static int line_write(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(STDOUT_FILENO, p, n);

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		} else if (w < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

			if (poll(&fd, 1, STALL_MS) == 0)
				return E_TIMEOUT;
		} else if (w == 0 || errno != EINTR) {
			return E_IO;
		}
	}
	return E_OK;
}

void audit_open(const char *program, bool to_syslog)
{
	(void)pthread_mutex_lock(&audit.lock);
	word_clean(audit.program, sizeof(audit.program), program);
	audit.to_syslog = to_syslog;
	/* NDELAY: the socket is there before the sandbox closes the way to it. */
	if (to_syslog) {
		tzset(); /* reads /etc/localtime */
		openlog(audit.program, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
	}
	(void)pthread_mutex_unlock(&audit.lock);
}

int audit_event_at(int64_t when, const char *event, const char *actor,
		   const struct audit_field *fields, size_t n)
{
	struct buf line;
	int rc = E_TOOBIG;

	if (event == NULL || event[0] == '\0')
		return E_FORMAT;
	if (actor == NULL)
		actor = "";
	/* Escaping can make six bytes of one: shorten the values until the line fits. */
	for (size_t max = VALUE_MAX; max >= VALUE_MIN && rc == E_TOOBIG; max /= 4) {
		buf_init(&line, LINE_MAX_BYTES);
		rc = line_build(&line, when, event, actor, fields, n, max);
		if (rc == E_TOOBIG)
			buf_free(&line);
	}
	if (rc == E_TOOBIG) { /* many fields with long names: the fact itself must not be lost */
		buf_init(&line, LINE_MAX_BYTES);
		rc = line_build(&line, when, event, actor, NULL, 0, VALUE_MIN);
	}
	if (rc == E_OK) {
		(void)pthread_mutex_lock(&audit.lock);
		rc = line_write(buf_str(&line), line.n);
		if (audit.to_syslog)
			syslog(LOG_AUTHPRIV | LOG_NOTICE, "%.*s", (int)(line.n - 1),
			       buf_str(&line));
		(void)pthread_mutex_unlock(&audit.lock);
	}
	buf_free(&line);
	return rc;
}

int audit_event(const char *event, const char *actor, const struct audit_field *fields, size_t n)
{
	return audit_event_at(clock_now(), event, actor, fields, n);
}
