#include "bench/eap_load/net.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE_BUFFER = 4 * 1024 * 1024 };

static int open_socket(const struct addrinfo *to, const struct addrinfo *from, struct errmsg *em)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
	    size = RECEIVE_BUFFER;

	if (fd < 0)
		return err_set(em, E_IO, "no socket: %m");
	/* A smaller one than wished for only costs retransmissions under load. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (from && bind(fd, from->ai_addr, from->ai_addrlen) != 0)
		err_set(em, E_IO, "cannot send from this address: %m");
	else if (connect(fd, to->ai_addr, to->ai_addrlen) != 0)
		err_set(em, E_IO, "the server cannot be reached from here: %m");
	else
		return fd;
	close(fd);
	return E_IO;
}

static int look_up(const char *host, const char *port, int family, struct addrinfo **ret,
		   struct errmsg *em)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_family = family};
	int rc = getaddrinfo(host, port, &hints, ret);

	if (rc == 0 && *ret)
		return E_OK;
	err_set(em, E_NOTFOUND, "%s: %s", host, gai_strerror(rc));
	return E_NOTFOUND;
}

int net_open(struct net *net, const char *host, const char *port, const char *source,
	     size_t sockets, struct errmsg *em)
{
	struct addrinfo *to = NULL, *from = NULL;
	int rc, fd;

	*net = (struct net){.owner = calloc(sockets * NET_IDS, sizeof(void *)),
			    .free = calloc(sockets * NET_IDS, sizeof(unsigned))};
	if (!net->owner || !net->free) {
		net_close(net);
		return err_set(em, E_NOMEM, "out of memory");
	}
	rc = look_up(host, port, AF_UNSPEC, &to, em);
	if (rc == E_OK && source)
		rc = look_up(source, NULL, to->ai_family, &from, em);
	while (rc == E_OK && net->n < sockets) {
		fd = open_socket(to, from, em);
		if (fd < 0) {
			rc = fd;
			break;
		}
		net->fds[net->n++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
	/* All sockets take turns, so that the server sees as many ports as there are. */
	for (size_t i = 0; rc == E_OK && i < sockets * NET_IDS; i++)
		net->free[net->n_free++] = (unsigned)(i % sockets * NET_IDS + i / sockets);
	if (to)
		freeaddrinfo(to);
	if (from)
		freeaddrinfo(from);
	if (rc != E_OK)
		net_close(net);
	return rc;
}

void net_close(struct net *net)
{
	for (size_t i = 0; i < net->n; i++)
		close(net->fds[i].fd);
	free(net->owner);
	free(net->free);
	*net = (struct net){0};
}

int net_take(struct net *net, void *owner)
{
	unsigned slot;

	if (net->n_free == 0)
		return -1;
	slot = net->free[net->free_at];
	net->free_at = (net->free_at + 1) % (net->n * NET_IDS);
	net->n_free--;
	net->owner[slot] = owner;
	return (int)slot;
}

void net_give(struct net *net, int slot)
{
	net->owner[slot] = NULL;
	net->free[(net->free_at + net->n_free) % (net->n * NET_IDS)] = (unsigned)slot;
	net->n_free++;
}

void net_send(struct net *net, int slot, struct bytes packet)
{
	if (send(net->fds[slot / NET_IDS].fd, packet.p, packet.n, MSG_DONTWAIT) < 0 &&
	    errno == ECONNREFUSED)
		net->refused++;
}

size_t net_receive(struct net *net, size_t socket, void *data, size_t size)
{
	ssize_t n = recv(net->fds[socket].fd, data, size, MSG_DONTWAIT);

	if (n < 0 && errno == ECONNREFUSED)
		net->refused++;
	return n > 0 ? (size_t)n : 0;
}

void *net_owner(const struct net *net, size_t socket, uint8_t id)
{
	return net->owner[socket * NET_IDS + id];
}
