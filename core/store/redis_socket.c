#include "core/store/redis_socket.h"

#include "core/base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};
	int64_t left;
	int n;

	for (;;) {
		left = deadline - clock_mono_ms();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return E_OK; /* errors and hang-up show in the next call */
		if (n == 0 && left == 0)
			return E_TIMEOUT;
		if (n < 0 && errno != EINTR)
			return E_UNAVAIL;
	}
}

static int try_connect(int family, const struct sockaddr *sa, socklen_t len, int64_t deadline,
		       int *ret_fd)
{
	int fd, rc = E_OK, error = 0;
	socklen_t size = sizeof(error);

	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return E_UNAVAIL;
	if (connect(fd, sa, len) != 0) {
		if (errno != EINPROGRESS)
			rc = E_UNAVAIL;
		else
			rc = wait_for(fd, POLLOUT, deadline);
		if (rc == E_OK &&
		    (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0))
			rc = E_UNAVAIL;
	}
	if (rc != E_OK) {
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return E_OK;
}

int redis_socket_unix(const char *path, int64_t deadline, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (n >= sizeof(sa.sun_path))
		return E_UNAVAIL;
	memcpy(sa.sun_path, path, n + 1);
	return try_connect(AF_UNIX, (const struct sockaddr *)&sa, sizeof(sa), deadline, ret_fd);
}

int redis_socket_tcp(const char *host, int port, int64_t deadline, int *ret_fd)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL, *a;
	int rc = E_UNAVAIL, one = 1;
	char service[16];

	(void)snprintf(service, sizeof(service), "%d", port);
	hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(host, service, &hints, &list) != 0) {
		hints.ai_flags = AI_NUMERICSERV;
		if (getaddrinfo(host, service, &hints, &list) != 0)
			return E_UNAVAIL;
	}
	for (a = list; a != NULL; a = a->ai_next) {
		rc = try_connect(a->ai_family, a->ai_addr, a->ai_addrlen, deadline, ret_fd);
		if (rc == E_OK) {
			/* Both only tune; a refusal does no harm. */
			(void)setsockopt(*ret_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			(void)setsockopt(*ret_fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
			break;
		}
	}
	freeaddrinfo(list);
	return rc;
}

int redis_socket_send(int fd, const void *p, size_t n, int64_t deadline)
{
	const uint8_t *at = p;
	ssize_t done;
	int rc;

	while (n > 0) {
		done = send(fd, at, n, MSG_NOSIGNAL);
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		} else if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			rc = wait_for(fd, POLLOUT, deadline);
			if (rc != E_OK)
				return rc;
		} else if (done == 0 || errno != EINTR) {
			return E_UNAVAIL;
		}
	}
	return E_OK;
}

int redis_socket_recv(int fd, void *p, size_t size, int64_t deadline, size_t *ret_n)
{
	ssize_t got;
	int rc;

	for (;;) {
		rc = wait_for(fd, POLLIN, deadline);
		if (rc != E_OK)
			return rc;
		got = recv(fd, p, size, 0);
		if (got > 0) {
			*ret_n = (size_t)got;
			return E_OK;
		}
		if (got == 0 || (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
			return E_UNAVAIL;
	}
}

bool redis_socket_is_stale(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}
