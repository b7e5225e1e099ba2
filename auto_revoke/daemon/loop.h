/* The daemon's rhythm: when to look, when to compare, how long to wait for a store that is away. */
#ifndef AUTO_REVOKE_DAEMON_LOOP_H
#define AUTO_REVOKE_DAEMON_LOOP_H

#include "auto_revoke/daemon/revoker.h"

/* Works until *r->stop. *status_wanted is set by SIGUSR1 and cleared here. */
void loop_run(struct revoker *r, volatile sig_atomic_t *status_wanted);

/* One look, one cycle, the events; returns the exit code. */
int loop_once(struct revoker *r);

#endif
