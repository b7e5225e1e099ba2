#include "scepctl/leavers.h"

#include "core/ipc/prom.h"
#include "core/model/limits.h"

#define FOLLOW "scepauth_leavers_"
#define END "scepauth_disconnect_"

struct judge {
	const struct leavers_seen *x;
	struct buf *line;
	enum leavers_state worst;
	bool second; /* something stands in the line */
};

static void part(struct judge *j)
{
	buf_addf(j->line, "%s", j->second ? "; " : " - ");
	j->second = true;
}

static void worse(struct judge *j, enum leavers_state s)
{
	if (s > j->worst)
		j->worst = s;
	part(j);
}

static int64_t gauge(const char *text, const char *name)
{
	return prom_sum(text, name);
}

/* Seconds since; a time that is not known, or lies ahead, is now. */
static long long since(const struct judge *j, int64_t at)
{
	return at > 0 && at < j->x->now ? (long long)(j->x->now - at) : 0;
}

static bool is_dead(const struct judge *j, const char *text, const char *written)
{
	return text == NULL || gauge(text, written) == 0 ||
	       since(j, gauge(text, written)) > LEAVERS_SILENT_S;
}

static int64_t waiting(const char *end)
{
	return gauge(end, END "requests_waiting") + gauge(end, END "events_waiting");
}

static void judge_follow(struct judge *j)
{
	const char *t = j->x->follow;
	int64_t drained;

	if (is_dead(j, t, FOLLOW "written_timestamp_seconds")) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "auto_revoke does not run");
		return;
	}
	if (gauge(t, FOLLOW "source_up") == 0) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "the source cannot be read");
	}
	if (gauge(t, FOLLOW "source_silent") != 0) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "the source is silent");
	}
	if (gauge(t, FOLLOW "brake_engaged") != 0) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "the brake holds back %lld people",
			 (long long)gauge(t, FOLLOW "brake_people"));
	}
	if (gauge(t, FOLLOW "store_up") == 0) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "Redis does not answer");
	}
	drained = gauge(t, FOLLOW "events_drained_timestamp_seconds");
	if (drained > 0 && since(j, drained) > LEAVERS_EVENTS_S) {
		worse(j, LEAVERS_WARNING);
		buf_addf(j->line, "events wait for the audit trail since %lld s",
			 since(j, drained));
	}
}

static void judge_end(struct judge *j)
{
	const char *t = j->x->end;
	int64_t sweep;

	if (j->x->nas == 0) {
		part(j);
		buf_addf(j->line, "no access points (nas): sessions end by themselves");
		return;
	}
	if (is_dead(j, t, END "written_timestamp_seconds")) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "auto_revoke --disconnect does not run");
		return;
	}
	if (gauge(t, END "store_up") == 0) {
		worse(j, LEAVERS_CRITICAL);
		buf_addf(j->line, "Redis does not answer auto_revoke --disconnect");
	}
	sweep = gauge(t, END "last_sweep_timestamp_seconds");
	if (sweep > 0 && since(j, sweep) > LEAVERS_SWEEPS * (long long)j->x->sweep) {
		worse(j, LEAVERS_WARNING);
		buf_addf(j->line, "sessions were looked at %lld s ago", since(j, sweep));
	}
}

/* What there is to say when nothing is wrong, and what else when something is. */
static void tell(struct judge *j)
{
	const char *t = j->x->follow, *e = j->x->nas > 0 ? j->x->end : NULL;
	char source[NAME_SIZE] = "?";

	if (t != NULL) {
		(void)prom_label(t, FOLLOW "source_up", "source", source, sizeof(source));
		part(j);
		buf_addf(j->line, "%s heard %lld s ago, %lld people, brake %s", source,
			 since(j, gauge(t, FOLLOW "source_heard_timestamp_seconds")),
			 (long long)gauge(t, FOLLOW "source_people"),
			 gauge(t, FOLLOW "brake_engaged") != 0 ? "ENGAGED" : "off");
	}
	if (e != NULL) {
		int64_t last = gauge(e, END "last_receipt_timestamp_seconds");

		part(j);
		buf_addf(j->line, "%lld to end", (long long)waiting(e));
		if (last > 0)
			buf_addf(j->line, ", last receipt %lld s ago", since(j, last));
		else
			buf_addf(j->line, ", no receipt yet");
	}
	if (t != NULL)
		buf_addf(j->line, "|lag=%llds people=%lld held_back=%lld",
			 since(j, gauge(t, FOLLOW "source_heard_timestamp_seconds")),
			 (long long)gauge(t, FOLLOW "source_people"),
			 (long long)gauge(t, FOLLOW "brake_people"));
	if (t != NULL && e != NULL)
		buf_addf(j->line, " waiting=%lld sweep=%llds", (long long)waiting(e),
			 since(j, gauge(e, END "last_sweep_timestamp_seconds")));
}

const char *leavers_state_text(enum leavers_state s)
{
	static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

	return s <= LEAVERS_UNKNOWN ? words[s] : words[LEAVERS_UNKNOWN];
}

enum leavers_state leavers_judge(const struct leavers_seen *x, struct buf *line)
{
	struct judge j = {.x = x, .line = line, .worst = LEAVERS_OK};

	judge_follow(&j);
	judge_end(&j);
	tell(&j);
	return j.worst;
}
