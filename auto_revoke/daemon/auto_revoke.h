/* The program auto_revoke as a function, so that tests can link it. See auto_revoke(8). */
#ifndef AUTO_REVOKE_DAEMON_AUTO_REVOKE_H
#define AUTO_REVOKE_DAEMON_AUTO_REVOKE_H

/* Runs until SIGTERM or, with --once and the like, until done. Returns the exit code. */
int auto_revoke_run(int argc, char **argv);

#endif
