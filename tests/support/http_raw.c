#include "tests/support/http_raw.h"
#include "core/base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

char raw_reply[RAW_REPLY_MAX];

int raw_dial(unsigned port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0) {
		perror("cannot connect");
		exit(1);
	}
	return fd;
}

void raw_put(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t w = send(fd, at, n, MSG_NOSIGNAL);

		if (w <= 0)
			return;
		at += w;
		n -= (size_t)w;
	}
}

void raw_puts(int fd, const char *s)
{
	raw_put(fd, s, strlen(s));
}

size_t raw_take(int fd, char *dst, size_t size, int ms, bool *closed)
{
	int64_t until = clock_mono_ms() + ms;
	size_t n = 0;

	*closed = false;
	while (n < size - 1) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = until - clock_mono_ms();
		ssize_t got;

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			break;
		got = recv(fd, dst + n, size - 1 - n, 0);
		if (got <= 0) {
			*closed = true;
			break;
		}
		n += (size_t)got;
	}
	dst[n] = '\0';
	return n;
}

const char *raw_ask_n(unsigned port, const void *p, size_t n)
{
	bool closed;
	int fd = raw_dial(port);

	raw_put(fd, p, n);
	raw_take(fd, raw_reply, sizeof(raw_reply), 3000, &closed);
	close(fd);
	return raw_reply;
}

const char *raw_ask(unsigned port, const char *text)
{
	return raw_ask_n(port, text, strlen(text));
}
