#include "rlm_scepauth/follow.h"

#include "core/base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define SAVE_MS 1000

struct follow {
	struct known *known;
	bool (*read)(void *ctx, const char *serial, uint64_t turn);
	void *ctx;
	atomic_bool started;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	pthread_t thread;
	bool running, closing;
};

static bool is_closing(struct follow *f)
{
	bool closing;

	pthread_mutex_lock(&f->lock);
	closing = f->closing;
	pthread_mutex_unlock(&f->lock);
	return closing;
}

static void read_all(struct follow *f)
{
	int64_t saved = clock_mono_ms();
	char serial[SERIAL_SIZE];
	uint64_t turn = 0;

	/* Twice the size of the table ends it where the clock does not go on. */
	for (int i = 0; i < 2 * KNOWN_MAX && !is_closing(f); i++) {
		if (!known_next(f->known, clock_now(), FOLLOW_EVERY_S, serial, &turn) ||
		    !f->read(f->ctx, serial, turn))
			return;
		/* Where Redis is slow: who was taken out must not wait for all the others. */
		if (clock_mono_ms() - saved >= SAVE_MS) {
			known_save(f->known, clock_now());
			saved = clock_mono_ms();
		}
	}
}

static void *run(void *arg)
{
	struct follow *f = arg;

	while (!is_closing(f)) {
		struct timespec until;

		read_all(f);
		known_save(f->known, clock_now());
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&f->lock);
		if (!f->closing)
			(void)pthread_cond_timedwait(&f->wake, &f->lock, &until);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

int follow_open(struct known *k, bool (*read)(void *ctx, const char *serial, uint64_t turn),
		void *ctx, struct follow **ret)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return E_NOMEM;
	f->known = k;
	f->read = read;
	f->ctx = ctx;
	atomic_init(&f->started, false);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	*ret = f;
	return E_OK;
}

void follow_start(struct follow *f)
{
	sigset_t all, before;

	if (atomic_exchange(&f->started, true))
		return;
	/* The server's signals are its own business. */
	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return;
	pthread_mutex_lock(&f->lock);
	f->running = !f->closing && pthread_create(&f->thread, NULL, run, f) == 0;
	pthread_mutex_unlock(&f->lock);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void follow_close(struct follow *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->closing = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	if (f->running)
		pthread_join(f->thread, NULL);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
