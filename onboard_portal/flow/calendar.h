/* A calendar file (RFC 5545) that reminds of the end of a device's certificate. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_CALENDAR_H
#define ONBOARD_PORTAL_FLOW_CALENDAR_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum { CALENDAR_ALARM_DAYS = 14 };

struct calendar {
	const char *uid;     /* of the event: the same for the same certificate; plain ASCII */
	const char *summary; /* UTF-8, of any origin */
	const char *url;     /* where to get a new one */
	int64_t now, end;    /* unix seconds */
};

/* One event at `end`, with an alarm CALENDAR_ALARM_DAYS before. E_FORMAT: a time that is none. */
int calendar_write(const struct calendar *c, struct buf *out) MUST_CHECK;

#endif
