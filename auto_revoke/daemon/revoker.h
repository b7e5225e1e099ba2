/*
 * One instance at work: the source, the store, and what is remembered between looks. Single
 * threaded. The parts: source.c reads the directory and raises alarms about it, cycle.c turns it
 * into holds and removals, follow.c passes the event streams on to the audit trail, report.c tells
 * Prometheus.
 */
#ifndef AUTO_REVOKE_DAEMON_REVOKER_H
#define AUTO_REVOKE_DAEMON_REVOKER_H

#include "auto_revoke/daemon/runfile.h"
#include "auto_revoke/directory/roster.h"
#include "auto_revoke/rules/brake.h"
#include "core/audit/audit.h"
#include "core/store/store.h"

#include <limits.h>
#include <signal.h>

enum {
	FULL_COMPARE_S = 600, /* everybody's groups and names are compared at least this often */
	MISSING_LOOKS = 3,    /* looks at a missing export before it is an alarm */
	ALARM_AGAIN_S = 3600, /* the same alarm is raised again after this time */
	DIRTY_MAX = 64,
};

/* Remembers what was said last, so that a lasting trouble is told once (and again each hour). */
struct alarm {
	char text[320];
	int64_t since_ms;
	bool raised;
};

struct revoker {
	/* set up once */
	struct directory source;
	struct store *store;
	char run_dir[PATH_MAX];
	const char *file, *identity, *hold; /* identity source, name of our hold */
	struct brake_limits limits;
	long interval;
	int64_t silent_after; /* seconds; 0: never */
	int64_t started_at;   /* unix seconds */
	bool dry_run;
	const volatile sig_atomic_t *stop;

	/* the last good read; have_roster false: there is none to act on */
	struct roster roster;
	struct directory_mark mark;
	bool have_roster;
	uint64_t reads; /* good ones */
	struct alarm source_alarm, silence_alarm, store_alarm, event_alarm, cycle_alarm,
		brake_alarm;
	long missing;         /* looks at which the export was not there */
	int64_t unsettled_ms; /* since when it keeps changing; 0: it does not */

	/* why to compare again */
	bool due;   /* the roster is new, or the last compare did not get through */
	bool woken; /* somebody else changed a person */
	char dirty[DIRTY_MAX][ID_SIZE];
	size_t n_dirty;
	int64_t full_ms; /* last full compare; 0: never */

	/* for the status line */
	int64_t last_read, last_cycle; /* unix seconds, 0: never */
	uint64_t events, applied;
	bool braked;

	/* for the metrics: report.c */
	const char *metrics; /* folder; NULL: none are written */
	int64_t good_at;     /* the source was found good; unix seconds, as the next */
	int64_t drained_at;  /* every event there was had been passed on */
	uint64_t steps[PLAN_OPS], failed;
	size_t braked_people;
	int64_t reported_ms;
	struct alarm report_alarm, gap_alarm;
};

/* True when this text is to be told now. "" resets; the return value is then whether it had been raised. */
bool alarm_raise(struct alarm *a, const char *text);
bool alarm_clear(struct alarm *a);

/*
 * Looks at the directory. E_OK: r->roster is whole and current. E_STATE: it is being written, look
 * again soon. Anything else: nobody may be touched; the alarm has been raised.
 */
int source_look(struct revoker *r, struct errmsg *em) MUST_CHECK;

/*
 * Compares the roster with the store and applies what follows. E_OK: done (or nothing to do);
 * E_DENIED: the brake holds it back; E_UNAVAIL, E_TIMEOUT: the store is away; E_STATE: stopped on
 * request; E_IO: a run file could not be written, nothing was applied.
 */
int cycle_run(struct revoker *r, struct errmsg *em) MUST_CHECK;

/* Passes on what the streams hold by now. *ret_n: events read. E_IO: the audit line did not leave. */
int follow_run(struct revoker *r, size_t *ret_n, struct errmsg *em) MUST_CHECK;

/* When the source last gave a sign of life, unix seconds; 0: not yet. Of a file: when it was written. */
int64_t source_heard(const struct revoker *r);
/* Raises the alarm about a source that says nothing, and tells when it speaks again. Cheap. */
void source_listen(struct revoker *r);

/* Writes the file for Prometheus if that was not done in the last seconds, or `now`. */
void report_write(struct revoker *r, bool now);

/* auto_revoke's own event; a line that cannot leave is logged. With r, scepctl watch shows it too while Redis answers. */
void revoker_event(const char *event, const struct revoker *r, const struct audit_field *fields,
		   size_t n);

#endif
