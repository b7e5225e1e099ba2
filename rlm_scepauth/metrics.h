/*
 * Counters of one instance, as a text file in Prometheus' format, for node_exporter's textfile collector. A thread
 * of its own replaces the file every few seconds; who counts never waits. Knows no type of the server's.
 */
#ifndef RLM_SCEPAUTH_METRICS_H
#define RLM_SCEPAUTH_METRICS_H

#include "core/authz/authz.h"
#include "core/base/err.h"
#include "rlm_scepauth/shadow.h"

struct metrics;

struct metrics_options {
	const char *path; /* copied */
	const char *name; /* of the instance, the label of each line; copied */
	int every_ms;     /* between two writes of the file */
	void (*say)(
		const char
			*text); /* the file cannot be written; any thread, once until it can be */
};

/* Writes no file yet and starts no thread: that is done with the first verdict. E_NOMEM, E_TOOBIG. */
int metrics_open(const struct metrics_options *o, struct metrics **ret) MUST_CHECK;

/* What Redis was asked and answered: how long it took, and the reason when that is one of the three of the backend,
 * else AUTHZ_OK. Any thread. m may be NULL, here and below. */
void metrics_asked(struct metrics *m, int64_t microseconds, enum authz_reason failure);
void metrics_verdict(struct metrics *m, enum authz_reason reason);
/* Whether everybody is refused without asking. */
void metrics_breaker(struct metrics *m, bool is_open);

void metrics_shadow(struct metrics *m, enum shadow_result r);

/* Writes the file a last time. */
void metrics_close(struct metrics *m);

/* Monotonic. */
int64_t metrics_now_us(void);

#endif
