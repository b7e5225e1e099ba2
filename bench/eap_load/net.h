/*
 * Sockets to one server, and the identifiers on them: each source port has 256, so more requests than that can
 * be outstanding only on several. An identifier is used again as late as possible. Nothing blocks.
 */
#ifndef BENCH_EAP_LOAD_NET_H
#define BENCH_EAP_LOAD_NET_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <poll.h>

enum { NET_IDS = 256, NET_SOCKETS_MAX = 64 };

struct net {
	struct pollfd fds[NET_SOCKETS_MAX];
	size_t n;
	void **owner; /* of each slot: socket * 256 + identifier; NULL when free */
	unsigned *free;
	size_t free_at, n_free;
	int refused; /* how often the system said that nobody listens there */
};

/* host: name or address; source: own address, NULL for the system's choice. May block on name resolution.
 * E_NOTFOUND, E_IO, E_NOMEM. */
int net_open(struct net *net, const char *host, const char *port, const char *source,
	     size_t sockets, struct errmsg *em) MUST_CHECK;
void net_close(struct net *net);

/* A free slot for owner, or -1. */
int net_take(struct net *net, void *owner) MUST_CHECK;
void net_give(struct net *net, int slot);

/* A packet that the system does not take is as one lost on the way. */
void net_send(struct net *net, int slot, struct bytes packet);

/* Next datagram of a socket: its size, 0 for none. */
size_t net_receive(struct net *net, size_t socket, void *data, size_t size);

/* Who waits for this identifier on this socket; NULL: nobody. */
void *net_owner(const struct net *net, size_t socket, uint8_t id);

#endif
