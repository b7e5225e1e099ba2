/*
 * Starts the processes of the roles and keeps them alive. This process holds no key, reads nothing
 * from the network and ends nobody but its own children.
 */
#ifndef SCEP_CA_SUPERVISE_H
#define SCEP_CA_SUPERVISE_H

#include "core/base/err.h"

#include <stdbool.h>

struct supervise_child {
	const char *name; /* for the log */
	/* Runs in the new process and returns its exit code. ready: it writes one byte when it serves,
	 * and closes it; -1: nobody asks. */
	int (*run)(void *ctx, int ready);
	void *ctx;
	bool alone; /* two of it must never run at once: at a reload the old ends before the new starts */
};

enum { SUPERVISE_MAX = 130 };

struct supervise_options {
	const struct supervise_child *children;
	unsigned n;
	const char *ready; /* for the log, when all serve; may be NULL */
	/* With SIGHUP, before anybody is replaced: E_OK to go on. It logs. NULL: SIGHUP is ignored. */
	int (*reload)(void *ctx);
	void *ctx;
};

/*
 * Starts one after the other, each when the one before is ready. One that ends before that: all end,
 * and its exit code is returned. Later the dead are started again, at once and then ever slower, until
 * SIGTERM or SIGINT: then all end, the last started first. SIGHUP replaces them one by one: the new is
 * ready before the old is told to end, so that nobody is missing meanwhile; when a new one does not get
 * ready, the rest stays as it is. Must be called before any thread starts.
 */
int supervise(const struct supervise_options *o);

#endif
