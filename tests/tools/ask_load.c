/*
 * Asks the ledger about certificates, as a RADIUS server does, at a steady rate until SIGTERM; then prints
 *
 *   asked N failed F ms p50 A p99 B most C
 *
 * Counted from when each was due, so that a wait holds up those behind it as it would hold up devices.
 *
 *   ask_load CONF EVERY_MS < serials, one a line
 */
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_conf.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { SERIALS_MAX = 10000, ASKED_MAX = 1000000 };

static char serials[SERIALS_MAX][SERIAL_SIZE];
static size_t n_serials, n_asked, n_failed;
static double took[ASKED_MAX];
static volatile sig_atomic_t stop;

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

static void ask(struct store *s, double every)
{
	double due = now_ms();

	for (size_t i = 0; !stop && n_asked < ASKED_MAX; i++) {
		struct errmsg em = {""};
		struct facts f;

		sleep_until(due);
		if (store_authorize(s, serials[i % n_serials], &f, &em) != E_OK || !f.have_cert)
			n_failed++;
		took[n_asked++] = now_ms() - due;
		due += every;
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct errmsg em = {""};
	struct conf *c = NULL;
	struct store *s = NULL;

	log_init("ask_load", LOG_LEVEL_INFO);
	if (argc != 3 || strtod(argv[2], NULL) <= 0) {
		fprintf(stderr, "usage: ask_load CONF EVERY_MS < serials\n");
		return 2;
	}
	while (n_serials < SERIALS_MAX && scanf("%40s", serials[n_serials]) == 1)
		n_serials++;
	if (n_serials == 0 || conf_load(argv[1], &c, &em) != E_OK ||
	    store_conf_open(c, "radius", &s, &em) != E_OK) {
		log_error("%s", em.text[0] != '\0' ? em.text : "no serials");
		return 1;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	printf("ready\n");
	(void)fflush(stdout);
	ask(s, strtod(argv[2], NULL));
	qsort(took, n_asked, sizeof(*took), compare);
	if (n_asked > 0)
		printf("asked %zu failed %zu ms p50 %.1f p99 %.1f most %.1f\n", n_asked, n_failed,
		       took[n_asked / 2], took[n_asked * 99 / 100], took[n_asked - 1]);
	store_close(s);
	conf_free(c);
	return 0;
}
