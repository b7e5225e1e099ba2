/*
 * The mass-change brake: a broken export must not throw a campus off the network. Pure.
 *
 * A cycle waits for a person when it would take access from more than `count` people; or from at
 * least BRAKE_PERCENT_FROM people who are more than `percent` of those it knows (below that
 * number the percentage says nothing: one of two people is half of them); or when the source lists
 * fewer than half as many people as in its last good read.
 *
 * People who lost access through our holds within BRAKE_WINDOW_S count as well (a released list does
 * not): a directory that empties in slices is as broken as one that empties at once.
 */
#ifndef AUTO_REVOKE_RULES_BRAKE_H
#define AUTO_REVOKE_RULES_BRAKE_H

#include "auto_revoke/rules/plan.h"

enum { BRAKE_PERCENT_FROM = 5, BRAKE_WINDOW_S = 86400 };

struct brake_limits {
	long percent;
	long count;
};

enum brake_why { BRAKE_NO, BRAKE_COUNT, BRAKE_PERCENT, BRAKE_SHRUNK };

/* known, affected, recent: of the plan. listed: people in this read; before: in the last good one, 0: none. */
enum brake_why brake_decide(const struct brake_limits *l, size_t known, size_t affected,
			    size_t recent, size_t listed, size_t before);

/* A stable word for events: "count", "percent", "shrunk"; "" for BRAKE_NO. */
const char *brake_why_text(enum brake_why why);

/* True when every line of `plan` is one of `approved` (both: lines as plan_text writes them). */
bool brake_covers(const char *approved, const char *plan);

#endif
