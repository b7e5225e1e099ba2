/* Counting: a histogram of durations with percentiles, and outcomes with their reasons. Pure, fixed size. */
#ifndef BENCH_EAP_LOAD_STATS_H
#define BENCH_EAP_LOAD_STATS_H

#include <stddef.h>
#include <stdint.h>

enum {
	HIST_SUB = 128, /* steps per power of two: a percentile is at most 0.8 % too high */
	HIST_OCTAVES = 34,
	REASONS_MAX = 24,
	REASON_SIZE = 112
};

/* Microseconds, up to some hours; what is longer counts as the longest. */
struct hist {
	uint64_t count[HIST_OCTAVES * HIST_SUB];
	uint64_t n, sum, min, max;
};

void hist_add(struct hist *h, uint64_t us);

/* The value that `percent` of all are not above; 0 when there is none. */
uint64_t hist_percentile(const struct hist *h, double percent);
uint64_t hist_mean(const struct hist *h);

enum outcome {
	OUTCOME_ACCEPT,
	OUTCOME_REJECT,    /* Access-Reject; the reason is its Reply-Message */
	OUTCOME_TIMEOUT,   /* no believable answer to the last try */
	OUTCOME_TLS_ALERT, /* either side broke the handshake off; the reason is the alert */
	OUTCOME_PROTOCOL,  /* the server's answer breaks RADIUS, EAP or EAP-TLS rules */
	OUTCOMES
};

const char *outcome_text(enum outcome o);

struct reason {
	enum outcome outcome;
	uint64_t n;
	char text[REASON_SIZE];
};

struct tally {
	uint64_t n[OUTCOMES];
	struct reason reasons[REASONS_MAX]; /* the last one collects what is too many */
	size_t n_reasons;
};

/* `reason` may be "". Control characters are shown as '?'. */
void tally_add(struct tally *t, enum outcome o, const char *reason);
uint64_t tally_total(const struct tally *t);

#endif
