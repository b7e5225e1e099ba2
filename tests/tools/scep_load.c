/*
 * scep_load: enrols as fast as scep_ca answers, for bench/enrol.sh.
 *
 *   scep_load PORT PROFILE RA.pem THREADS SECONDS <challenges
 *
 * Makes one request for each challenge line before the clock starts, each with a key of its own, since each is
 * another person's. Then THREADS
 * connections to 127.0.0.1:PORT post them until they are used up or SECONDS are over. Every reply must
 * be a SUCCESS with a certificate; else exit 1. Prints name=value lines.
 */
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "tests/support/http_raw.h"
#include "tests/support/scep_msg.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { REQUESTS_MAX = 10000, THREADS_MAX = 64, REPLY_MAX = 16384, PRIMES_MAX = 150 };

struct job {
	struct scep_client client;
	struct buf request, reply;
	int64_t took_ms;
};

static struct job jobs[REQUESTS_MAX + THREADS_MAX]; /* the last ones stay empty */
static size_t n_jobs;
static atomic_size_t next_job, n_done;
static atomic_bool broken;
static unsigned port;
static const char *profile;
static int64_t until;

/* The i-th pair of primes, which are made as they are needed. */
static bool make_client(size_t i, struct scep_client *c)
{
	static BIGNUM *primes[PRIMES_MAX];
	size_t q = 1;

	for (; i >= q; q++)
		i -= q;
	for (size_t k = 0; k <= q && q < PRIMES_MAX; k++)
		if (!primes[k] && (!(primes[k] = BN_new()) ||
				   !BN_generate_prime_ex(primes[k], 1024, 0, NULL, NULL, NULL)))
			return false;
	return q < PRIMES_MAX && scep_client_of_primes(c, primes[i], primes[q]);
}

static bool make_job(X509 *ra, const char *challenge)
{
	struct job *j = &jobs[n_jobs];
	struct scep_msg m = {.recipient = ra, .challenge = challenge};
	char txn[32];

	snprintf(txn, sizeof(txn), "LOAD%zu", n_jobs);
	m.txn = txn;
	buf_init(&j->request, REPLY_MAX);
	buf_init(&j->reply, REPLY_MAX);
	return make_client(n_jobs++, &j->client) && scep_msg_build(&j->client, &m, &j->request);
}

static bool make_jobs(X509 *ra)
{
	char line[128];

	while (n_jobs < REQUESTS_MAX && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && !make_job(ra, line))
			return false;
	}
	return n_jobs > 0;
}

/* One reply with Content-Length from a connection that stays open. */
static bool take_reply(int fd, struct buf *out)
{
	char text[REPLY_MAX];
	size_t n = 0, head = 0, body = 0;

	while (n < sizeof(text) - 1) {
		ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);
		char *end, *length;

		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		if (!head && (end = strstr(text, "\r\n\r\n"))) {
			head = (size_t)(end - text) + 4;
			length = strcasestr(text, "\r\nContent-Length:");
			if (!length || length > end || strncmp(text, "HTTP/1.1 200", 12) != 0)
				return false;
			body = strtoul(length + 17, NULL, 10);
		}
		if (head && n >= head + body) {
			buf_add(out, text + head, body);
			return buf_error(out) == E_OK;
		}
	}
	return false;
}

static void *work(void *arg)
{
	int fd = raw_dial(port);
	struct buf out;

	(void)arg;
	buf_init(&out, 2 * REPLY_MAX);
	while (!broken) {
		size_t at = atomic_fetch_add(&next_job, 1);
		struct job *j = &jobs[at];
		int64_t from = clock_mono_ms();

		if (at >= n_jobs || from >= until)
			break;
		/* In one go: in two, Nagle and delayed acknowledgement would cost 40 ms. */
		buf_reset(&out);
		buf_addf(&out,
			 "POST /scep/%s?operation=PKIOperation HTTP/1.1\r\nHost: bench\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 profile, j->request.n);
		buf_add_bytes(&out, buf_bytes(&j->request));
		raw_put(fd, out.p, out.n);
		if (!take_reply(fd, &j->reply))
			broken = true;
		else
			atomic_fetch_add(&n_done, 1);
		j->took_ms = clock_mono_ms() - from;
	}
	close(fd);
	buf_free(&out);
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool replies_good(X509 *ra)
{
	for (size_t i = 0; i < n_jobs; i++) {
		struct scep_reply r = {0};
		bool ok;

		if (jobs[i].reply.n == 0)
			continue;
		ok = scep_reply_read(buf_bytes(&jobs[i].reply), &jobs[i].client, ra, &r) &&
		     r.status == 0 && r.certs == 1;
		scep_reply_free(&r);
		if (!ok)
			return false;
	}
	return true;
}

static void report(unsigned threads, int64_t ms)
{
	static int64_t took[REQUESTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < n_jobs; i++) {
		if (jobs[i].reply.n > 0)
			took[n++] = jobs[i].took_ms;
	}
	qsort(took, n, sizeof(took[0]), by_number);
	printf("threads=%u\nenrolments=%zu\nmilliseconds=%lld\nper_second=%.1f\n", threads, n,
	       (long long)ms, (double)n * 1000.0 / (double)(ms ? ms : 1));
	printf("median_ms=%lld\np99_ms=%lld\n", (long long)took[n / 2],
	       (long long)took[n * 99 / 100]);
}

static int run(X509 *ra, unsigned threads, int64_t seconds)
{
	pthread_t ids[THREADS_MAX];
	int64_t from = clock_mono_ms();

	until = from + seconds * 1000;
	for (unsigned i = 0; i < threads; i++) {
		if (pthread_create(&ids[i], NULL, work, NULL) != 0)
			return 1;
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	from = clock_mono_ms() - from;
	if (broken || n_done == 0 || !replies_good(ra)) {
		fputs("scep_load: a request was not answered with a certificate\n", stderr);
		return 1;
	}
	report(threads, from);
	return 0;
}

int main(int argc, char **argv)
{
	struct errmsg em = {""};
	unsigned threads = argc == 6 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
	X509 *ra = NULL;
	int code = 1;

	if (threads < 1 || threads > THREADS_MAX) {
		fputs("usage: scep_load PORT PROFILE RA.pem THREADS SECONDS <challenges\n", stderr);
		return 2;
	}
	port = (unsigned)strtoul(argv[1], NULL, 10);
	profile = argv[2];
	if (cert_load(argv[3], &ra, &em) != E_OK || !make_jobs(ra))
		fprintf(stderr, "scep_load: no requests: %s\n", em.text);
	else
		code = run(ra, threads, strtol(argv[5], NULL, 10));
	for (size_t i = 0; i < n_jobs; i++) {
		buf_free(&jobs[i].request);
		buf_free(&jobs[i].reply);
		scep_client_free(&jobs[i].client);
	}
	X509_free(ra);
	return code;
}
