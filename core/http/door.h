/*
 * A thread that takes connections from a listening socket and hands them on. libmicrohttpd's own way of
 * giving a socket up while its threads accept from it may abort the process, so it gets no socket at all.
 */
#ifndef CORE_HTTP_DOOR_H
#define CORE_HTTP_DOOR_H

#include "core/base/err.h"

#include <stdbool.h>
#include <sys/socket.h>

struct door_host {
	void *ctx;
	/* All of these run on the door's thread. */
	bool (*full)(void *ctx); /* while true, who comes waits in the kernel until door_wake */
	void (*take)(void *ctx, int fd, const struct sockaddr *from,
		     socklen_t n); /* fd is its own */
	bool (*tidy)(void *ctx);   /* after each round; true: again soon, even when nobody comes */
};

struct door;

/* fd, not blocking, stays the caller's. Starts the thread. */
int door_open(int fd, const struct door_host *host, struct door **ret) MUST_CHECK;

/* There is room again, or something to tidy. From any thread. */
void door_wake(struct door *d);

/* Ends the thread: after this nothing is taken, and door_wake does nothing. */
void door_stop(struct door *d);

/* Once nobody can call door_wake any more; stops it first. NULL is fine. */
void door_free(struct door *d);

#endif
