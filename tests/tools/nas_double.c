/*
 * An access point that takes Disconnect- and CoA-Requests (RFC 5176) and behaves as told; shares no code with
 * what it tests but the digests. One line on standard output per packet:
 *
 *   CODE ID first|again|changed good|bad TYPE=VALUE ...
 *
 * again: the same bytes as before; changed: the same Identifier soon after, with other bytes; good: authenticator,
 * Message-Authenticator and Event-Timestamp are in order (else there is no answer).
 *
 *   nas_double PORT SECRET BEHAVIOUR...
 *     ack          yes to all               nak=N      no to all, with Error-Cause N (0: without)
 *     coa-nak=N    no to CoA-Request only   silent     no answer
 *     forge        answers made with another secret
 *     drop=N       the first N packets of each request are lost on the way here
 *     delay=MS     before each answer       quiet      no lines but the count at the end (SIGTERM)
 */
#include "core/base/clock.h"
#include "core/base/digest.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX = 4096, MD5 = 16 };

struct behaviour {
	const char *secret;
	long nak, coa_nak, drop, delay; /* nak: -1 none */
	int silent, forge, quiet;
};

struct seen {
	uint8_t bytes[MAX];
	size_t n;
	long times;
	uint8_t answer[64];
	size_t n_answer;
};

static struct seen table[256];
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

static void packet(const struct behaviour *b, int fd, const uint8_t *p, size_t n,
		   const struct sockaddr_in *from)
{
	struct seen *s = &table[p[1]];
	int again = s->n == n && memcmp(s->bytes, p, n) == 0, good = is_good(p, n, b->secret);
	int changed = !again && s->n > 0 && s->times > 0 && s->n_answer == 0;

	if (!again) {
		memcpy(s->bytes, p, n);
		s->n = n;
		s->times = 0;
		s->n_answer = 0;
	}
	s->times++;
	if (!b->quiet)
		show(p, n, again ? "again" : changed ? "changed" : "first", good);
	if (!good || b->silent || s->times <= b->drop)
		return;
	/* A request that was answered gets the same answer again, and is not carried out twice. */
	if (s->n_answer == 0)
		answer_make(b, p, s);
	if (b->delay > 0)
		(void)usleep((useconds_t)(b->delay * 1000));
	(void)sendto(fd, s->answer, s->n_answer, 0, (const struct sockaddr *)from, sizeof(*from));
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

int main(int argc, char **argv)
{
	struct behaviour b = {.secret = argc > 2 ? argv[2] : "", .nak = -1, .coa_nak = -1};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			   from;
	struct sigaction sa = {.sa_handler = on_signal};
	static uint8_t in[MAX];
	long count = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), room = 4 << 20;

	if (argc < 4 || behaviour_read(argc, argv, &b)) {
		fprintf(stderr, "usage: nas_double PORT SECRET BEHAVIOUR... (see the source)\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at))) {
		perror("nas_double");
		return 1;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	printf("ready\n");
	(void)fflush(stdout);
	while (!stop) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &size);

		if (n >= 20 && ((size_t)in[2] << 8 | in[3]) == (size_t)n) {
			packet(&b, fd, in, (size_t)n, &from);
			count++;
		}
	}
	printf("packets %ld\n", count);
	return 0;
}
