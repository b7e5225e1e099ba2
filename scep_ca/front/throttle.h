/*
 * A token bucket per client address that only refused enrolments draw from. It slows down whoever
 * probes the RA key or guesses challenges; who enrols rightly never notices. Fixed memory: when
 * the table is full, the address that misbehaved least is forgotten. Thread-safe; knows no clock.
 */
#ifndef SCEP_CA_FRONT_THROTTLE_H
#define SCEP_CA_FRONT_THROTTLE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	THROTTLE_BURST = 200,     /* refusals at once */
	THROTTLE_PER_SECOND = 20, /* and then this many */
};

struct throttle;

int throttle_new(struct throttle **ret) MUST_CHECK;
void throttle_free(struct throttle *t);

/* May this address try? client: numeric address; an IPv6 address stands for its /64. */
bool throttle_allows(struct throttle *t, const char *client, int64_t mono_ms);

/* Notes one refusal. */
void throttle_refused(struct throttle *t, const char *client, int64_t mono_ms);

#endif
