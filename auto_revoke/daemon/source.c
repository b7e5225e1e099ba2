#include "auto_revoke/daemon/revoker.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_tail.h"

#include <stdio.h>
#include <string.h>

enum { NOTE_FIELDS = 12, NOTE_TEXT = 512 };

bool alarm_raise(struct alarm *a, const char *text)
{
	int64_t now = clock_mono_ms();

	if (a->raised && strcmp(a->text, text) == 0 && now - a->since_ms < ALARM_AGAIN_S * 1000LL)
		return false;
	(void)snprintf(a->text, sizeof(a->text), "%s", text);
	a->since_ms = now;
	a->raised = true;
	return true;
}

bool alarm_clear(struct alarm *a)
{
	bool was = a->raised;

	*a = (struct alarm){.raised = false};
	return was;
}

/* Longer values are for the audit trail alone. */
static void note(const struct revoker *r, const char *event, const struct audit_field *fields,
		 size_t n)
{
	const char *list[2 * NOTE_FIELDS];
	char cut[NOTE_FIELDS][NOTE_TEXT];
	struct errmsg em = {""};
	size_t k = 0;
	int rc;

	for (size_t i = 0; i < n && i < NOTE_FIELDS; i++) {
		size_t at = 0, step;
		const char *v = fields[i].value;

		while ((step = text_utf8_len(v + at, strlen(v + at))) > 0 &&
		       at + step < NOTE_TEXT) {
			memcpy(cut[i] + at, v + at, step);
			at += step;
		}
		cut[i][at] = '\0';
		for (char *c = cut[i]; *c != '\0'; c++)
			if ((unsigned char)*c < 0x20 || *c == 0x7f)
				*c = '?';
		list[k++] = fields[i].name;
		list[k++] = cut[i];
	}
	rc = store_leavers_note(r->store, event, list, k, &em);
	if (rc != E_OK && !err_is_away(rc))
		log_debug("%s is not shown by scepctl watch: %s", event, em.text);
}

void revoker_event(const char *event, const struct revoker *r, const struct audit_field *fields,
		   size_t n)
{
	int rc = audit_event(event, "", fields, n);

	if (rc != E_OK)
		log_error("the audit event %s could not be written: %s", event, err_text(rc));
	if (r != NULL && !r->dry_run && !r->store_alarm.raised)
		note(r, event, fields, n);
}

static void source_alarm(struct revoker *r, const char *event, const char *detail)
{
	const struct audit_field f[] = {{"source", r->hold}, {"file", r->file}, {"detail", detail}};

	if (!alarm_raise(&r->source_alarm, detail))
		return;
	log_error("%s; nobody is touched until this is mended", detail);
	if (!r->dry_run)
		revoker_event(event, r, f, 3);
}

static void source_fine(struct revoker *r)
{
	const struct audit_field f[] = {{"source", r->hold}, {"file", r->file}};

	r->missing = 0;
	r->unsettled_ms = 0;
	r->good_at = clock_now();
	if (!alarm_clear(&r->source_alarm))
		return;
	log_info("%s can be read again", r->file);
	if (!r->dry_run)
		revoker_event("source_back", r, f, 2);
}

int64_t source_heard(const struct revoker *r)
{
	if (r->source.heard != NULL)
		return r->source.heard(r->source.ctx);
	return r->mark.mtime_ns != 0 ? r->mark.mtime_ns / 1000000000 : r->good_at;
}

/* One that cannot be read has its own alarm. Who never spoke is waited for from our start on. */
void source_listen(struct revoker *r)
{
	int64_t heard = source_heard(r), from = heard != 0 ? heard : r->started_at;
	char detail[sizeof(r->silence_alarm.text)], when[24];
	const struct audit_field f[] = {{"source", r->hold}, {"file", r->file}, {"detail", detail}};
	bool silent = r->silent_after > 0 && clock_now() - from > r->silent_after &&
		      !r->source_alarm.raised;

	if (!silent && r->silence_alarm.raised && !r->source_alarm.raised) {
		(void)snprintf(detail, sizeof(detail), "%s", r->silence_alarm.text);
		(void)alarm_clear(&r->silence_alarm);
		log_info("%s speaks again", r->file);
		revoker_event("source_heard", r, f, 3);
	} else if (silent) {
		clock_iso(when, sizeof(when), from);
		(void)snprintf(detail, sizeof(detail), "%s %s, for more than %lld s",
			       heard != 0 ? "nothing was heard since"
					  : "never heard, running since",
			       when, (long long)r->silent_after);
		if (!alarm_raise(&r->silence_alarm, detail))
			return;
		log_error("%s: %s; who leaves there stays here", r->file, detail);
		revoker_event("source_silent", r, f, 3);
	}
}

/* What a whole read must satisfy besides its form, seen against the last good one. */
static int against_last(const struct revoker *r, const struct directory_mark *m,
			const struct run_state *last, struct errmsg *em)
{
	if (last->end_marked && !m->end_marked)
		return err_set(em, E_FORMAT,
			       "%.120s: the end line with the number of people is missing, which "
			       "the last export had; "
			       "if that is meant, remove %.60s/" RUNFILE_STATE,
			       r->file, r->run_dir);
	if (m->mtime_ns != 0 && m->mtime_ns < last->mtime_ns)
		return err_set(em, E_FORMAT,
			       "%.120s is older than the export that was applied last; touch it if "
			       "it is to be used",
			       r->file);
	return E_OK;
}

static int unsettled(struct revoker *r, const struct errmsg *why)
{
	int64_t now = clock_mono_ms(), limit = r->interval * 1000LL * MISSING_LOOKS;

	if (limit < 60000)
		limit = 60000;
	if (r->unsettled_ms == 0)
		r->unsettled_ms = now;
	if (now - r->unsettled_ms > limit)
		source_alarm(r, "source_failed", why->text);
	return E_STATE;
}

static int absent(struct revoker *r, const struct errmsg *why)
{
	/* Exporters that delete and write anew leave a gap: a few looks are no alarm. */
	if (++r->missing > MISSING_LOOKS)
		source_alarm(r, "source_missing", why->text);
	return E_NOTFOUND;
}

int source_look(struct revoker *r, struct errmsg *em)
{
	struct run_state last;
	struct directory_mark mark;
	struct roster roster;
	int rc;

	if (r->have_roster && !r->source.changed(r->source.ctx)) {
		source_fine(r);
		return E_OK;
	}
	roster_init(&roster);
	roster.partial = r->source.partial;
	rc = run_state_read(r->run_dir, r->file, &last, em);
	if (rc == E_OK)
		rc = r->source.read_all(r->source.ctx, roster_add, &roster, &mark, em);
	if (rc == E_OK) {
		struct errmsg inner = {""};

		rc = roster_finish(&roster, &inner);
		if (rc != E_OK)
			(void)err_set(em, rc, "%.120s: %.190s", r->file, inner.text);
	}
	if (rc == E_OK)
		rc = against_last(r, &mark, &last, em);
	if (rc == E_OK && r->have_roster)
		roster_compare(&roster, &r->roster);
	else
		r->full_ms = 0; /* what was known before is gone */
	roster_free(&r->roster);
	r->have_roster = rc == E_OK;
	if (rc == E_OK) {
		r->roster = roster;
		r->mark = mark;
		r->reads++;
		r->due = true;
		r->last_read = clock_now();
		source_fine(r);
		log_info("%s lists %zu people", r->file, r->roster.n);
		return E_OK;
	}
	roster_free(&roster);
	if (rc == E_STATE)
		return unsettled(r, em);
	if (rc == E_NOTFOUND)
		return absent(r, em);
	source_alarm(r, "source_failed", em->text);
	return rc;
}
