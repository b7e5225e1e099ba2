/*
 * Access points that take Disconnect- and CoA-Requests (RFC 5176) and behave as told; shares no code with
 * what it tests but the digests. One line on standard output per packet:
 *
 *   CODE ID first|again|changed good|bad TYPE=VALUE ...
 *
 * again: the same bytes as before; changed: the same Identifier while the one before has no answer, with other bytes; good:
 * authenticator, Message-Authenticator and Event-Timestamp are in order (else there is no answer). At the end (SIGTERM), of
 * each port:
 *
 *   port P packets N requests R again A changed C bad B most M
 *
 * M: as many requests waited for their answer at once.
 *
 *   nas_double PORT[-LAST] SECRET BEHAVIOUR...     one access point on each of these ports
 *     ack          yes to all               nak=N      no to all, with Error-Cause N (0: without)
 *     coa-nak=N    no to CoA-Request only   silent     no answer
 *     forge        answers made with another secret
 *     drop=N       the first N packets of each request are lost on the way here
 *     delay=MS     before each answer; others are taken meanwhile
 *     quiet        no lines but those at the end
 */
#include "core/base/clock.h"
#include "core/base/digest.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 4096, MD5 = 16, PORTS_MAX = 64, PENDING_MAX = 256 * PORTS_MAX };

struct behaviour {
	const char *secret;
	long nak, coa_nak, drop, delay; /* nak: -1 none */
	int silent, forge, quiet;
};

struct seen {
	uint8_t bytes[MAX];
	size_t n;
	long times;
	int waits; /* for its answer */
	uint8_t answer[64];
	size_t n_answer;
	struct sockaddr_in from;
};

struct port {
	uint16_t number;
	int fd;
	struct seen table[256];
	long packets, requests, again, changed, bad, waiting, most;
};

/* Answers that are due later: all wait equally long, so the first in is the first out. */
struct pending {
	struct port *port;
	struct seen *request;
	int64_t due;
};

static struct port ports[PORTS_MAX];
static size_t n_ports;
static struct pending pending[PENDING_MAX];
static size_t first_pending, n_pending;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int md5(const uint8_t *p, size_t n, const char *secret, uint8_t out[MD5])
{
	const struct bytes parts[] = {bytes_of(p, n), bytes_str(secret)};

	return digest_md5_parts(parts, 2, out);
}

/* Of a request: everything with zeroes where the authenticator stands. */
static int is_good(const uint8_t *p, size_t n, const char *secret)
{
	uint8_t copy[MAX], want[MD5];
	int mac = 0, stamp = 0;

	memcpy(copy, p, n);
	memset(copy + 4, 0, MD5);
	if (md5(copy, n, secret, want) || memcmp(want, p + 4, MD5) != 0)
		return 0;
	for (size_t at = 20; at + 2 <= n; at += p[at + 1]) {
		if (p[at + 1] < 2 || at + p[at + 1] > n)
			return 0;
		if (p[at] == 80 && p[at + 1] == 18) {
			memset(copy + at + 2, 0, MD5);
			if (digest_hmac_md5(bytes_str(secret), bytes_of(copy, n), want))
				return 0;
			mac = memcmp(want, p + at + 2, MD5) == 0;
		}
		if (p[at] == 55 && p[at + 1] == 6) {
			uint32_t t;

			memcpy(&t, p + at + 2, 4);
			stamp = labs((long)ntohl(t) - (long)time(NULL)) < 300;
		}
	}
	return mac && stamp;
}

static void show(const uint8_t *p, size_t n, const char *seen, int good)
{
	printf("%d %d %s %s", p[0], p[1], seen, good ? "good" : "bad");
	for (size_t at = 20; at + 2 <= n && p[at + 1] >= 2 && at + p[at + 1] <= n;
	     at += p[at + 1]) {
		printf(" %d=", p[at]);
		for (size_t i = 2; i < p[at + 1]; i++)
			if (p[at + i] > ' ' && p[at + i] < 127)
				putchar(p[at + i]);
			else
				printf("%%%02x", p[at + i]);
	}
	putchar('\n');
	(void)fflush(stdout);
}

static void answer_make(const struct behaviour *b, const uint8_t *q, struct seen *s)
{
	long nak = q[0] == 43 && b->coa_nak >= 0 ? b->coa_nak : b->nak;
	uint8_t *a = s->answer;
	uint8_t digest[MD5];
	size_t n = 20;

	a[0] = (uint8_t)(q[0] + (nak >= 0 ? 2 : 1));
	a[1] = q[1];
	memcpy(a + 4, q + 4, MD5);
	if (nak > 0) {
		const uint8_t cause[6] = {101, 6, 0, 0, (uint8_t)(nak >> 8), (uint8_t)nak};

		memcpy(a + n, cause, sizeof(cause));
		n += sizeof(cause);
	}
	a[2] = 0;
	a[3] = (uint8_t)n;
	if (md5(a, n, b->forge ? "not the secret" : b->secret, digest))
		exit(2);
	memcpy(a + 4, digest, MD5);
	s->n_answer = n;
}

static void answer_send(struct port *p, struct seen *s)
{
	(void)sendto(p->fd, s->answer, s->n_answer, 0, (const struct sockaddr *)&s->from,
		     sizeof(s->from));
	p->waiting -= s->waits;
	s->waits = 0;
}

static void answer_later(struct port *p, struct seen *s, long delay)
{
	if (n_pending == PENDING_MAX)
		return;
	pending[(first_pending + n_pending++) % PENDING_MAX] =
		(struct pending){p, s, clock_mono_ms() + delay};
}

static void packet(const struct behaviour *b, struct port *port, const uint8_t *p, size_t n,
		   const struct sockaddr_in *from)
{
	struct seen *s = &port->table[p[1]];
	int again = s->n == n && memcmp(s->bytes, p, n) == 0, good = is_good(p, n, b->secret);
	int changed = !again && s->waits;

	port->packets++;
	port->again += again;
	port->changed += changed;
	port->bad += !good;
	if (!again) {
		memcpy(s->bytes, p, n);
		s->n = n;
		s->times = 0;
		s->n_answer = 0;
		port->requests++;
		port->waiting += !s->waits;
		s->waits = 1;
		if (port->waiting > port->most)
			port->most = port->waiting;
	}
	s->times++;
	s->from = *from;
	if (!b->quiet)
		show(p, n, again ? "again" : changed ? "changed" : "first", good);
	if (!good || b->silent || s->times <= b->drop)
		return;
	/* A request that was answered gets the same answer again, and is not carried out twice. */
	if (s->n_answer > 0) {
		if (!s->waits)
			answer_send(port, s);
		return;
	}
	answer_make(b, p, s);
	if (b->delay > 0)
		answer_later(port, s, b->delay);
	else
		answer_send(port, s);
}

static int behaviour_read(int argc, char **argv, struct behaviour *b)
{
	for (int i = 3; i < argc; i++) {
		const char *v = strchr(argv[i], '=');
		long n = v ? strtol(v + 1, NULL, 10) : 0;

		if (strcmp(argv[i], "silent") == 0)
			b->silent = 1;
		else if (strcmp(argv[i], "forge") == 0)
			b->forge = 1;
		else if (strcmp(argv[i], "quiet") == 0)
			b->quiet = 1;
		else if (strncmp(argv[i], "nak=", 4) == 0)
			b->nak = n;
		else if (strncmp(argv[i], "coa-nak=", 8) == 0)
			b->coa_nak = n;
		else if (strncmp(argv[i], "drop=", 5) == 0)
			b->drop = n;
		else if (strncmp(argv[i], "delay=", 6) == 0)
			b->delay = n;
		else if (strcmp(argv[i], "ack") != 0)
			return -1;
	}
	return 0;
}

static int port_open(struct port *p, uint16_t number)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(number),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int room = 4 << 20;

	p->number = number;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0)
		return -1;
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return bind(p->fd, (const struct sockaddr *)&at, sizeof(at));
}

static int ports_open(const char *text)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;

	if (*end == '-')
		last = strtoul(end + 1, &end, 10);
	if (*end != '\0' || first == 0 || last > 65535 || last < first || last - first >= PORTS_MAX)
		return -1;
	for (; first <= last; first++)
		if (port_open(&ports[n_ports++], (uint16_t)first))
			return -1;
	return 0;
}

static void port_read(const struct behaviour *b, struct port *p)
{
	static uint8_t in[MAX];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t n;

	while ((n = recvfrom(p->fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size)) >= 0) {
		if (n >= 20 && ((size_t)in[2] << 8 | in[3]) == (size_t)n)
			packet(b, p, in, (size_t)n, &from);
		size = sizeof(from);
	}
}

/* -> milliseconds until the next one, -1: there is none. */
static int pending_send(void)
{
	while (n_pending > 0) {
		struct pending *x = &pending[first_pending];
		int64_t left = x->due - clock_mono_ms();

		if (left > 0)
			return (int)left;
		if (x->request->waits && x->request->n_answer > 0)
			answer_send(x->port, x->request);
		first_pending = (first_pending + 1) % PENDING_MAX;
		n_pending--;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct behaviour b = {.secret = argc > 2 ? argv[2] : "", .nak = -1, .coa_nak = -1};
	struct sigaction sa = {.sa_handler = on_signal};
	struct pollfd fds[PORTS_MAX];

	if (argc < 4 || behaviour_read(argc, argv, &b)) {
		fprintf(stderr,
			"usage: nas_double PORT[-LAST] SECRET BEHAVIOUR... (see the source)\n");
		return 2;
	}
	if (ports_open(argv[1])) {
		perror("nas_double");
		return 1;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	printf("ready\n");
	(void)fflush(stdout);
	while (!stop) {
		for (size_t i = 0; i < n_ports; i++)
			fds[i] = (struct pollfd){.fd = ports[i].fd, .events = POLLIN};
		if (poll(fds, n_ports, pending_send()) <= 0)
			continue;
		for (size_t i = 0; i < n_ports; i++)
			if (fds[i].revents != 0)
				port_read(&b, &ports[i]);
	}
	for (size_t i = 0; i < n_ports; i++)
		printf("port %d packets %ld requests %ld again %ld changed %ld bad %ld most %ld\n",
		       ports[i].number, ports[i].packets, ports[i].requests, ports[i].again,
		       ports[i].changed, ports[i].bad, ports[i].most);
	return 0;
}
