/*
 * Ends sessions that are no longer good: woken by events, by the state, once a minute for all. The verdict is
 * core/authz's, the same as at a connection. Single threaded.
 */
#ifndef AUTO_REVOKE_DISCONNECT_WATCH_H
#define AUTO_REVOKE_DISCONNECT_WATCH_H

#include "auto_revoke/disconnect/nas_table.h"
#include "core/store/store.h"

#include <signal.h>

struct watch_options {
	struct store *store; /* as user disconnect; borrowed, as all here */
	const struct nas_table *table;
	const char *reader; /* who we are among the readers of the events */
	int64_t give_up_ms; /* after the first send of a request */
	int64_t sweep_ms;   /* between two looks at all sessions */
	long policy_rate; /* a minute: sessions that only a change of groups ends or moves; 0: no limit */
	const volatile sig_atomic_t *stop;
	const char *metrics; /* folder; NULL: none are written */
};

/* Works until *stop, through all troubles of the store. */
int watch_run(const struct watch_options *o, struct errmsg *em) MUST_CHECK;

#endif
