/*
 * Asks the ledger about certificates, as a RADIUS server does, at a steady rate until SIGTERM; then prints
 *
 *   asked N failed F ms p50 A p99 B most C
 *
 * By sixteen threads in turn, each with its own connection, as those of a server. Counted from when each was due.
 *
 *   ask_load CONF EVERY_MS < serials, one a line
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_conf.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { SERIALS_MAX = 10000, THREADS = 16, ASKED_MAX = 50000 };

static char serials[SERIALS_MAX][SERIAL_SIZE];
static size_t n_serials;
static double every;
static double took[THREADS * ASKED_MAX];
static volatile sig_atomic_t stop;

struct asker {
	pthread_t thread;
	struct store *store;
	double begin;
	size_t number, n_asked, n_failed;
	double took[ASKED_MAX];
};

static struct asker askers[THREADS];

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static double now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void sleep_until(double due)
{
	double left = due - now_ms();
	struct timespec t = {.tv_sec = (time_t)(left / 1e3)};

	if (left <= 0)
		return;
	t.tv_nsec = (long)((left - (double)t.tv_sec * 1e3) * 1e6);
	(void)nanosleep(&t, NULL);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void *ask(void *ctx)
{
	struct asker *a = ctx;
	double due = a->begin + (double)a->number * every;

	for (size_t i = a->number; !stop && a->n_asked < ASKED_MAX; i += THREADS) {
		struct errmsg em = {""};
		struct facts f;

		sleep_until(due);
		if (store_authorize(a->store, serials[i % n_serials], &f, &em) != E_OK ||
		    !f.have_cert)
			a->n_failed++;
		a->took[a->n_asked++] = now_ms() - due;
		due += THREADS * every;
	}
	return NULL;
}

static void tell(void)
{
	size_t n = 0, failed = 0;

	for (size_t i = 0; i < THREADS; i++) {
		memcpy(took + n, askers[i].took, askers[i].n_asked * sizeof(*took));
		n += askers[i].n_asked;
		failed += askers[i].n_failed;
	}
	qsort(took, n, sizeof(*took), compare);
	if (n > 0)
		printf("asked %zu failed %zu ms p50 %.1f p99 %.1f most %.1f\n", n, failed,
		       took[n / 2], took[n * 99 / 100], took[n - 1]);
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct errmsg em = {""};
	struct conf *c = NULL;

	log_init("ask_load", LOG_LEVEL_INFO);
	every = argc == 3 ? strtod(argv[2], NULL) : 0;
	if (every <= 0) {
		fprintf(stderr, "usage: ask_load CONF EVERY_MS < serials\n");
		return 2;
	}
	while (n_serials < SERIALS_MAX && scanf("%32s", serials[n_serials]) == 1)
		n_serials++;
	if (n_serials == 0 || conf_load(argv[1], &c, &em) != E_OK) {
		log_error("%s", em.text[0] != '\0' ? em.text : "no serials");
		return 1;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	for (size_t i = 0; i < THREADS; i++) {
		struct asker *a = &askers[i];

		*a = (struct asker){.begin = now_ms(), .number = i};
		if (store_conf_open(c, "radius", &a->store, &em) != E_OK ||
		    store_ping(a->store, &em) != E_OK ||
		    pthread_create(&a->thread, NULL, ask, a) != 0) {
			log_error("%s", em.text[0] != '\0' ? em.text : "no thread");
			return 1;
		}
	}
	printf("ready\n");
	(void)fflush(stdout);
	for (size_t i = 0; i < THREADS; i++) {
		(void)pthread_join(askers[i].thread, NULL);
		store_close(askers[i].store);
	}
	tell();
	conf_free(c);
	return 0;
}
