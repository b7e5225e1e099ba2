/* The second role of auto_revoke, a process of its own: ends live sessions. Holds the secrets of the access points. */
#ifndef AUTO_REVOKE_DAEMON_DISCONNECT_H
#define AUTO_REVOKE_DAEMON_DISCONNECT_H

#include "core/base/args.h"

#include <signal.h>

/* Runs until *stop. Returns the exit code. */
int disconnect_run(const struct args *args, const volatile sig_atomic_t *stop);

#endif
