/*
 * Passes every event of every writer on to the audit trail, so that what helpdesk types in redis-cli
 * is there too. The writer is known by ACL; what a stream's fields say is only what somebody wrote.
 */
#include "auto_revoke/daemon/revoker.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_tail.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 1000, BATCHES_MAX = 20, FIELDS_MAX = 30, GAP_AFTER_S = 60 };

static bool is_word(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= 48 && s[n] == '\0';
}

/* Stream ids are "<milliseconds>-<n>"; a writer may choose them, so the time is only as good. */
static int64_t id_seconds(const char *id)
{
	char ms[24];
	size_t n = strcspn(id, "-");
	int64_t t;

	if (n == 0 || n >= sizeof(ms))
		return 0;
	memcpy(ms, id, n);
	ms[n] = '\0';
	return text_int64(ms, &t) == E_OK && t >= 0 ? t / 1000 : 0;
}

/* Somebody else may have changed a person: look at the store again, and at this one closely. */
static void wake(struct revoker *r, const struct store_event *e, const char *user)
{
	if (strcmp(e->writer, "auto_revoke") == 0 || user == NULL || user[0] == '\0')
		return;
	r->woken = true;
	if (strlen(user) >= ID_SIZE)
		return;
	for (size_t i = 0; i < r->n_dirty; i++)
		if (strcmp(r->dirty[i], user) == 0)
			return;
	if (r->n_dirty == DIRTY_MAX) {
		r->full_ms = 0;
		return;
	}
	memcpy(r->dirty[r->n_dirty++], user, strlen(user) + 1);
}

/* What we told the audit trail ourselves, and left in our stream for who looks on. */
static bool is_own(const char *writer, const char *word)
{
	static const char *const words[] = {"brake_engaged", "brake_released", "brake_cleared",
					    "source_failed", "source_missing", "source_silent",
					    "source_heard",  "source_back",    "apply_failed",
					    "events_lost"};

	if (strcmp(writer, "auto_revoke") != 0)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static int on_event(void *ctx, const struct store_event *e)
{
	struct revoker *r = ctx;
	struct audit_field f[FIELDS_MAX + 2] = {{"event_id", e->id}};
	const char *word = NULL, *user = NULL;
	size_t n = 1;
	int rc;

	for (size_t i = 0; i + 1 < e->n_fields; i += 2) {
		if (word == NULL && strcmp(e->fields[i], "event") == 0)
			word = e->fields[i + 1];
		else if (strcmp(e->fields[i], "time") == 0)
			continue; /* the envelope has it, from the stream id */
		else if (n < FIELDS_MAX)
			f[n++] = (struct audit_field){e->fields[i], e->fields[i + 1]};
		if (user == NULL && strcmp(e->fields[i], "user") == 0)
			user = e->fields[i + 1];
	}
	if (word == NULL || !is_word(word)) {
		/* Typed by hand into a stream: still somebody's deed, so it is shown as what it is. */
		f[n++] = (struct audit_field){"x_event", word};
		word = "event_malformed";
	}
	if (is_own(e->writer, word))
		return E_OK;
	rc = audit_event_at(id_seconds(e->id), word, e->writer, f, n);
	if (rc != E_OK)
		return rc;
	r->events++;
	wake(r, e, user);
	return E_OK;
}

static void on_gap(void *ctx, const char *writer, const char *after, const char *before)
{
	struct revoker *r = ctx;
	const struct audit_field f[] = {{"writer", writer}, {"after", after}, {"before", before}};
	char text[160];

	(void)snprintf(text, sizeof(text), "events of %.32s between %.41s and %.41s", writer, after,
		       before);
	if (!alarm_raise(&r->gap_alarm, text))
		return;
	log_error("%s are lost to the audit trail: more came than Redis keeps while nobody read",
		  text);
	revoker_event("events_lost", r, f, 3);
}

int follow_run(struct revoker *r, size_t *ret_n, struct errmsg *em)
{
	size_t total = 0, n = 0;
	struct errmsg none = {""};
	int rc, batches = 0;

	/* After a time in which nobody read; a library from before has no such Function. */
	if (clock_now() - r->drained_at > GAP_AFTER_S &&
	    store_events_gaps(r->store, "auto_revoke", on_gap, r, &none) != E_OK)
		log_debug("whether events are lost is not known: %s", none.text);
	/* Bounded: a flood of events must not keep leavers waiting. */
	do {
		n = 0;
		rc = store_events_read(r->store, "auto_revoke", BATCH, on_event, r, &n, em);
		total += n;
	} while (rc == E_OK && n > 0 && ++batches < BATCHES_MAX && !*r->stop);
	if (rc == E_OK && n == 0)
		r->drained_at = clock_now();
	*ret_n = total;
	return rc;
}
