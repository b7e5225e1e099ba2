/*
 * How fast sessions may end that only a change of groups ends: a slip in the policy must not put a campus off
 * the network faster than somebody can notice. Pure; a token bucket that holds the allowance of a minute.
 */
#ifndef AUTO_REVOKE_RULES_PACE_H
#define AUTO_REVOKE_RULES_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pace {
	long a_minute; /* 0: no limit */
	int64_t left;
	int64_t at; /* milliseconds, of a clock that does not go back */
	size_t over;
};

/* Full at the beginning. */
void pace_begin(struct pace *p, long a_minute, int64_t now);

/* May one more end now? A no is counted in p->over. */
bool pace_take(struct pace *p, int64_t now);

#endif
