/*
 * Keeps a dead backend from holding every worker thread for a deadline each: after a failure all
 * calls are refused for a while, then one caller at a time may probe. Lock-free, any thread.
 */
#ifndef RLM_SCEPAUTH_BREAKER_H
#define RLM_SCEPAUTH_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct breaker {
	_Atomic int64_t open_until; /* monotonic ms; 0: closed */
	int64_t hold_ms;
};

void breaker_init(struct breaker *b, int64_t hold_ms);

/* True when the caller may ask the backend; it calls breaker_report after it did. now is monotonic ms. */
bool breaker_allow(struct breaker *b, int64_t now);

/* Returns true when this changed the state: closed to open, or open to closed. */
bool breaker_report(struct breaker *b, int64_t now, bool good);

#endif
