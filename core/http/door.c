#include "core/http/door.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TAKE_AT_ONCE 64
#define TIDY_MS 100
#define OUT_OF_DESCRIPTORS_MS 100

struct door {
	struct door_host host;
	pthread_t thread;
	int fd, wake;
	atomic_bool closing;
};

/* False when the process is out of descriptors or memory: whoever waits goes on waiting a little. */
static bool take_some(struct door *d)
{
	for (int i = 0; i < TAKE_AT_ONCE && !d->host.full(d->host.ctx); i++) {
		struct sockaddr_storage from = {0};
		socklen_t n = sizeof(from);
		int fd = accept4(d->fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			d->host.take(d->host.ctx, fd, (struct sockaddr *)&from, n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return true;
		else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return false;
		/* Everything else is about that one connection, which is gone: the next. */
	}
	return true;
}

static void *door_thread(void *arg)
{
	struct door *d = arg;
	bool rest = false;

	while (!atomic_load(&d->closing)) {
		bool untidy = d->host.tidy(d->host.ctx);
		struct pollfd fds[2] = {{.fd = d->wake, .events = POLLIN},
					{.fd = d->fd, .events = POLLIN}};
		nfds_t n = rest || d->host.full(d->host.ctx) ? 1 : 2;
		eventfd_t seen;

		if (poll(fds, n, rest ? OUT_OF_DESCRIPTORS_MS : untidy ? TIDY_MS : -1) < 0)
			continue;
		if (fds[0].revents)
			(void)eventfd_read(d->wake, &seen);
		rest = n == 2 && fds[1].revents && !atomic_load(&d->closing) && !take_some(d);
	}
	return NULL;
}

int door_open(int fd, const struct door_host *host, struct door **ret)
{
	struct door *d = calloc(1, sizeof(*d));

	if (!d)
		return E_NOMEM;
	d->host = *host;
	d->fd = fd;
	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*ret = d; /* before the thread, which may give connections to others that wake it */
	if (d->wake < 0 || pthread_create(&d->thread, NULL, door_thread, d)) {
		if (d->wake >= 0)
			close(d->wake);
		free(d);
		*ret = NULL;
		return E_NOMEM;
	}
	return E_OK;
}

void door_wake(struct door *d)
{
	(void)eventfd_write(d->wake, 1);
}

void door_stop(struct door *d)
{
	if (atomic_exchange(&d->closing, true))
		return;
	door_wake(d);
	pthread_join(d->thread, NULL);
}

void door_free(struct door *d)
{
	if (!d)
		return;
	door_stop(d);
	close(d->wake);
	free(d);
}
