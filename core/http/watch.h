/*
 * What libmicrohttpd does not do: a total deadline per request (its timeout is an idle timeout, so one
 * byte a second kept a connection for ever), and a limit per client (an IPv4 address or an IPv6 /64).
 * A thread shuts down sockets that are over age; the library then sees their end and closes them.
 */
#ifndef CORE_HTTP_WATCH_H
#define CORE_HTTP_WATCH_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct watch;
struct watch_peer; /* one connection */

/* max_per_address 0: no limit. Starts the thread. */
int watch_start(unsigned deadline_ms, unsigned max_per_address, struct watch **ret) MUST_CHECK;

/* Ends the thread and frees. All peers must have been closed. */
void watch_stop(struct watch *w);

/* A new connection; its first request must have arrived within the deadline. NULL, with the socket shut
 * down, when its client has too many already. watch_close must come before fd is closed. */
struct watch_peer *watch_open(struct watch *w, int fd, const struct sockaddr *client);
void watch_close(struct watch *w, struct watch_peer *p);

/* A request line has arrived. On a connection kept alive the deadline starts here. */
void watch_begin(struct watch *w, struct watch_peer *p);

/* The request is whole: no deadline until watch_sending. False when the connection has been cut: its
 * request, which may still come out of the socket's buffer, must not be served. */
bool watch_busy(struct watch *w, struct watch_peer *p);

/* A reply of n bytes is queued; slower than 16 KB/s on top of the deadline is cut. */
void watch_sending(struct watch *w, struct watch_peer *p, size_t n);

/* The request is over, well or not. */
void watch_done(struct watch *w, struct watch_peer *p);

/* After the last connection was taken: waits until no request is under way, ms milliseconds at most, and
 * up to a second for the first request of connections that have not had one. */
void watch_drain(struct watch *w, unsigned ms);

#endif
