/* Are leavers being handled? In one line, from what auto_revoke and auto_revoke --disconnect tell Prometheus. Pure. */
#ifndef SCEPCTL_LEAVERS_H
#define SCEPCTL_LEAVERS_H

#include "core/base/buf.h"

#include <stdint.h>

/* As Nagios and Icinga count. */
enum leavers_state { LEAVERS_OK, LEAVERS_WARNING, LEAVERS_CRITICAL, LEAVERS_UNKNOWN };

struct leavers_seen {
	const char *follow; /* auto_revoke.prom; NULL: not there */
	const char *end;    /* disconnect.prom; NULL: not there */
	int64_t now;
	long nas;   /* sections nas of the configuration */
	long sweep; /* seconds between two looks at all sessions */
};

enum { LEAVERS_SILENT_S = 120, LEAVERS_EVENTS_S = 300, LEAVERS_SWEEPS = 5 };

/* Appends one line without its end, trouble first; what a graph wants behind "|". */
enum leavers_state leavers_judge(const struct leavers_seen *x, struct buf *line);

const char *leavers_state_text(enum leavers_state s);

#endif
