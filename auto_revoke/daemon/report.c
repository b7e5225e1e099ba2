/* Figures of what is done about leavers, for Prometheus and for scepctl status. */
#include "auto_revoke/daemon/revoker.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/ipc/prom.h"

enum { REPORT_MS = 5000 };

#define NAME "scepauth_leavers_"

static void one(struct buf *b, const struct revoker *r, const char *name, const char *type,
		const char *help, int64_t value)
{
	const char *const source[] = {"source", r->hold, NULL};

	prom_head(b, name, type, help);
	prom_line(b, name, source, value);
}

static void add_source(struct buf *b, const struct revoker *r)
{
	int64_t heard = source_heard(r), now = clock_now();

	one(b, r, NAME "source_up", "gauge", "1: The source of people can be read.",
	    r->have_roster && !r->source_alarm.raised);
	one(b, r, NAME "source_people", "gauge", "People whom the source lists.",
	    (int64_t)r->roster.n);
	one(b, r, NAME "source_last_success_timestamp_seconds", "gauge",
	    "When the source was last found good; 0: not yet.", r->good_at);
	one(b, r, NAME "source_heard_timestamp_seconds", "gauge",
	    "When the source last gave a sign of life; 0: not yet.", heard);
	one(b, r, NAME "source_lag_seconds", "gauge",
	    "How long ago that was, when this was written; -1: not yet.",
	    heard == 0    ? -1
	    : now > heard ? now - heard
			  : 0);
	one(b, r, NAME "source_silent", "gauge", "1: For longer than it may be.",
	    r->silence_alarm.raised);
	one(b, r, NAME "compare_last_success_timestamp_seconds", "gauge",
	    "When source and ledger were last compared; 0: not yet.", r->last_cycle);
}

static void add_steps(struct buf *b, const struct revoker *r)
{
	static const struct {
		enum plan_op op;
		const char *word;
	} ops[] = {{PLAN_REMOVE, "removed"},
		   {PLAN_SUSPEND, "suspended"},
		   {PLAN_RESTORE, "restored"},
		   {PLAN_UPDATE, "updated"}};

	prom_head(b, NAME "steps_total", "counter", "People changed, by what was done.");
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		const char *const labels[] = {"source", r->hold, "step", ops[i].word, NULL};

		prom_line(b, NAME "steps_total", labels, (int64_t)r->steps[ops[i].op]);
	}
	one(b, r, NAME "steps_failed_total", "counter", "People who could not be changed.",
	    (int64_t)r->failed);
	one(b, r, NAME "brake_engaged", "gauge",
	    "1: Too many people would lose access; a person must look.", r->braked);
	one(b, r, NAME "brake_people", "gauge", "People whom the brake holds back.",
	    r->braked ? (int64_t)r->braked_people : 0);
}

static void add_events(struct buf *b, const struct revoker *r)
{
	one(b, r, NAME "events_total", "counter", "Events passed on to the audit trail.",
	    (int64_t)r->events);
	one(b, r, NAME "events_drained_timestamp_seconds", "gauge",
	    "When no event waited to be passed on; 0: not yet.", r->drained_at);
	one(b, r, NAME "store_up", "gauge", "1: Redis answers.", !r->store_alarm.raised);
	one(b, r, NAME "written_timestamp_seconds", "gauge", "When this was written.", clock_now());
}

void report_write(struct revoker *r, bool now)
{
	struct errmsg em = {""};
	struct buf b;

	if (r->metrics == NULL || r->dry_run ||
	    (!now && r->reported_ms != 0 && clock_mono_ms() - r->reported_ms < REPORT_MS))
		return;
	r->reported_ms = clock_mono_ms();
	buf_init(&b, PROM_MAX);
	add_source(&b, r);
	add_steps(&b, r);
	add_events(&b, r);
	if (prom_write(r->metrics, "auto_revoke.prom", &b, &em) == E_OK)
		(void)alarm_clear(&r->report_alarm);
	else if (alarm_raise(&r->report_alarm, em.text))
		log_warn("metrics: %s", em.text);
	buf_free(&b);
}
