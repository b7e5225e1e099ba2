#include "core/http/listen.h"
#include "core/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#define LISTEN_BACKLOG 512

/* Splits "host:port"; the host of an IPv6 address stands in brackets. */
static int where_split(const char *where, char *host, size_t size, unsigned *ret_port)
{
	const char *colon = strrchr(where, ':');
	int64_t port;
	size_t n;

	if (!colon || text_int64(colon + 1, &port) || port < 0 || port > 65535)
		return E_FORMAT;
	n = (size_t)(colon - where);
	if (where[0] == '[') {
		if (n < 3 || where[n - 1] != ']')
			return E_FORMAT;
		where++;
		n -= 2;
	} else if (memchr(where, ':', n)) {
		return E_FORMAT;
	}
	if (n == 0 || n >= size)
		return E_FORMAT;
	memcpy(host, where, n);
	host[n] = '\0';
	*ret_port = (unsigned)port;
	return E_OK;
}

static int where_address(const char *where, struct sockaddr_storage *ret, socklen_t *ret_len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	char host[64];
	unsigned port;

	if (where_split(where, host, sizeof(host), &port))
		return E_FORMAT;
	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_port = htons((uint16_t)port);
		memcpy(ret, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return E_OK;
	}
	if (strcmp(host, "*") == 0)
		v6.sin6_addr = in6addr_any;
	else if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return E_FORMAT;
	v6.sin6_port = htons((uint16_t)port);
	memcpy(ret, &v6, sizeof(v6));
	*ret_len = sizeof(v6);
	return E_OK;
}

static int listen_fail(const char *where, int err, struct errmsg *em)
{
	const char *port = strrchr(where, ':');
	int n = (int)(port - where);

	switch (err) {
	case EADDRINUSE:
		return err_set(em, E_IO,
			       "port %s on %.*s is in use by another program: stop that program, "
			       "or choose "
			       "another port with the listen key of the configuration",
			       port + 1, n, where);
	case EACCES:
		return err_set(em, E_IO,
			       "port %s on %.*s is reserved: start as root, give the program "
			       "CAP_NET_BIND_SERVICE, or choose a port above 1023",
			       port + 1, n, where);
	case EADDRNOTAVAIL:
		return err_set(em, E_IO, "%.*s is not an address of this machine", n, where);
	default:
		return err_set(em, E_IO, "cannot listen on %s: %s", where, strerror(err));
	}
}

static unsigned socket_port(int fd)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof(ss);
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;
	if (ss.ss_family == AF_INET) {
		memcpy(&v4, &ss, sizeof(v4));
		return ntohs(v4.sin_port);
	}
	memcpy(&v6, &ss, sizeof(v6));
	return ntohs(v6.sin6_port);
}

int listen_open(const char *where, int *ret_fd, unsigned *ret_port, struct errmsg *em)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd = -1, on = 1, off = 0;

	if (where_address(where, &ss, &len))
		return err_set(em, E_CONFIG,
			       "\"%.80s\" is not an address and port such as 127.0.0.1:8080, "
			       "[::1]:8080 or *:8080",
			       where);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return listen_fail(where, errno, em);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (ss.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off))) ||
	    bind(fd, (struct sockaddr *)&ss, len) || listen(fd, LISTEN_BACKLOG)) {
		int err = errno;

		close(fd);
		return listen_fail(where, err, em);
	}
	*ret_fd = fd;
	*ret_port = socket_port(fd);
	return E_OK;
}

int listen_share(int fd, int *ret_fd, unsigned *ret_port, struct errmsg *em)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return err_set(em, E_IO, "the listening socket cannot be shared: %s",
			       strerror(errno));
	*ret_fd = copy;
	*ret_port = socket_port(copy);
	return E_OK;
}

void listen_address(const struct sockaddr *sa, char *dst, size_t size)
{
	const char *text = NULL;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (sa && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		text = inet_ntop(AF_INET, &v4.sin_addr, dst, (socklen_t)size);
	} else if (sa && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			text = inet_ntop(AF_INET, v6.sin6_addr.s6_addr + 12, dst, (socklen_t)size);
		else
			text = inet_ntop(AF_INET6, &v6.sin6_addr, dst, (socklen_t)size);
	}
	if (!text)
		snprintf(dst, size, "unknown");
}
