/*
 * Times of the week in a time zone: "mon-fri 07:00-19:00,sat 09:00-12:30". Pure: knows no time zone
 * database, a zone is the text of the environment variable TZ (POSIX.1-2017 section 8.3), such as
 * "CET-1CEST,M3.5.0,M10.5.0/3", summer time by rules of month, week and day only.
 */
#ifndef CORE_AUTHZ_WEEK_H
#define CORE_AUTHZ_WEEK_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Seconds that zone is east of Greenwich at `now` (unix). E_FORMAT; *ret is untouched then. */
int week_offset(const char *zone, int64_t now, int64_t *ret) MUST_CHECK;

/*
 * Is `now` within hours? *ret_left: seconds until they end, by the clock of before a change to or from
 * summer time; INT64_MAX when they never do. 0: they are over or have not begun.
 * "22:00-02:00" goes past midnight, "00:00-24:00" is a whole day. zone "" is UTC.
 * E_FORMAT when either cannot be read; *ret_left is untouched then.
 */
int week_left(const char *hours, const char *zone, int64_t now, int64_t *ret_left) MUST_CHECK;

#endif
