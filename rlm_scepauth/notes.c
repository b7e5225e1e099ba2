#include "rlm_scepauth/notes.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/store_session.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_MS 500

struct notes {
	struct notes_options o;
	struct store *store;
	struct shadow *shadow; /* the thread's own */
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	bool started, ending;
	struct note *ring;
	unsigned first, n;
	uint64_t lost;
	bool away; /* the thread's own: the last try failed */
};

/* --- the queue; all with the lock held ----------------------------------------------------------- */

static struct note *at(const struct notes *n, unsigned i)
{
	unsigned k = n->first + i;

	return &n->ring[k < n->o.max ? k : k - n->o.max];
}

static void remove_at(struct notes *n, unsigned i)
{
	for (; i > 0; i--)
		*at(n, i) = *at(n, i - 1);
	n->first = n->first + 1 < n->o.max ? n->first + 1 : 0;
	n->n--;
}

/* A session that was never noted cannot be ended, so these go last. */
static void make_room(struct notes *n)
{
	unsigned i = 0;

	while (i < n->n && i < 64 && at(n, i)->kind == NOTE_ACCEPT)
		i++;
	remove_at(n, i < n->n && i < 64 ? i : 0);
	n->lost++;
}

static void put_back(struct notes *n, const struct note *note)
{
	if (n->n == n->o.max) {
		n->lost++;
		return;
	}
	n->first = (n->first ? n->first : n->o.max) - 1;
	n->n++;
	*at(n, 0) = *note;
}

/* --- the thread ---------------------------------------------------------------------------------- */

static int tell(struct notes *n, const struct note *note, struct errmsg *em)
{
	const struct nas_session *x = &note->session;
	char bad[REASON_SIZE] = "";
	bool known;
	int rc = E_INTERNAL;

	switch (note->kind) {
	case NOTE_ACCEPT:
		rc = store_session_open(n->store, x, note->seconds, bad, em);
		if (rc == E_OK && bad[0])
			n->o.unwanted(n->o.ctx, x->serial, x->token, bad);
		break;
	case NOTE_REJECT:
		rc = store_session_refused(n->store, x->serial, note->reason, x->mac,
					   x->nas_id[0] ? x->nas_id : x->nas, x->policy, em);
		break;
	case NOTE_UPDATE:
		rc = store_session_update(n->store, x, note->seconds, &known, em);
		break;
	case NOTE_STOP:
		rc = store_session_close(n->store, x->token, &known, em);
		break;
	}
	return rc;
}

/* True: the ledger has it, or will never take it. */
static bool dealt_with(struct notes *n, const struct note *note)
{
	struct errmsg em = {""};
	int rc = tell(n, note, &em);
	bool away = err_is_away(rc) || rc == E_IO;

	if (away != n->away || (rc != E_OK && !away))
		n->o.news(n->o.ctx, rc != E_OK, em.text);
	n->away = away;
	return !away;
}

/* busy: so many wait that the ledger hears of them late as it is. */
static void look_again(struct notes *n, const struct note *note, bool busy)
{
	int64_t policy = 0;

	if (note->kind != NOTE_ACCEPT && note->kind != NOTE_REJECT)
		return;
	if (note->session.policy[0] && text_int64(note->session.policy, &policy) != E_OK)
		return;
	shadow_judge(n->shadow, n->store, &note->asked, note->kind == NOTE_ACCEPT, policy, busy);
}

static void wait_for(struct notes *n, int64_t ms)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (!n->ending && pthread_cond_timedwait(&n->more, &n->lock, &until) == 0)
		;
}

static void *run(void *arg)
{
	struct notes *n = arg;
	struct note note;

	pthread_mutex_lock(&n->lock);
	for (;;) {
		bool done, busy, last;

		while (!n->n && !n->ending)
			pthread_cond_wait(&n->more, &n->lock);
		if (!n->n)
			break;
		note = *at(n, 0);
		remove_at(n, 0);
		busy = n->n > n->o.max / 2;
		last = n->n == 0;
		pthread_mutex_unlock(&n->lock);
		done = dealt_with(n, &note);
		if (done)
			look_again(n, &note, busy);
		if (done && last)
			shadow_flush(n->shadow, n->store);
		pthread_mutex_lock(&n->lock);
		if (done)
			continue;
		put_back(n, &note);
		if (n->ending)
			break;
		wait_for(n, RETRY_MS);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

/* --- from the workers ---------------------------------------------------------------------------- */

/* The server's signals are its own business. */
static bool start_thread(struct notes *n)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return false;
	rc = pthread_create(&n->thread, NULL, run, n);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc == 0;
}

uint64_t notes_add(struct notes *n, const struct note *note)
{
	uint64_t tell = 0;

	pthread_mutex_lock(&n->lock);
	if (!n->started)
		n->started = start_thread(n);
	if (n->n == n->o.max) {
		make_room(n);
		tell = n->lost & (n->lost - 1) ? 0 : n->lost;
	}
	n->n++;
	*at(n, n->n - 1) = *note;
	pthread_cond_signal(&n->more);
	pthread_mutex_unlock(&n->lock);
	return tell;
}

/* --- life ---------------------------------------------------------------------------------------- */

static int init_locks(struct notes *n)
{
	pthread_condattr_t a;
	int rc = pthread_condattr_init(&a);

	if (rc)
		return rc;
	rc = pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(&n->more, &a);
	(void)pthread_condattr_destroy(&a);
	if (rc)
		return rc;
	return pthread_mutex_init(&n->lock, NULL);
}

int notes_open(const struct notes_options *o, struct notes **ret)
{
	const struct store_options so = {
		.socket = o->socket,
		.host = o->host,
		.port = o->port,
		.user = o->user,
		.password = o->password,
		.servers = o->servers,
		.sentinel_name = o->sentinel_name,
		.sentinel_user = o->sentinel_user,
		.sentinel_password = o->sentinel_password,
		.deadline_ms = o->deadline_ms,
	};
	struct notes *n = calloc(1, sizeof(*n));
	int rc = E_NOMEM;

	if (!n)
		return E_NOMEM;
	n->o = *o;
	n->ring = calloc(o->max, sizeof(*n->ring));
	if (n->ring)
		rc = store_open(&so, &n->store);
	if (rc == E_OK)
		rc = shadow_open(o->shadowed, o->ctx, &n->shadow);
	if (rc == E_OK && init_locks(n))
		rc = E_NOMEM;
	if (rc != E_OK) {
		store_close(n->store);
		shadow_close(n->shadow);
		free(n->ring);
		free(n);
		return rc;
	}
	*ret = n;
	return E_OK;
}

static bool is_empty(struct notes *n)
{
	bool empty;

	pthread_mutex_lock(&n->lock);
	empty = n->n == 0;
	pthread_mutex_unlock(&n->lock);
	return empty;
}

void notes_close(struct notes *n, int64_t grace_ms)
{
	static const struct timespec pause = {.tv_nsec = 5000000};
	int64_t until = clock_mono_ms() + grace_ms;

	if (!n)
		return;
	while (n->started && !is_empty(n) && clock_mono_ms() < until)
		(void)nanosleep(&pause, NULL);
	pthread_mutex_lock(&n->lock);
	n->ending = true;
	n->n = 0;
	pthread_cond_signal(&n->more);
	pthread_mutex_unlock(&n->lock);
	if (n->started)
		pthread_join(n->thread, NULL);
	pthread_cond_destroy(&n->more);
	pthread_mutex_destroy(&n->lock);
	store_close(n->store);
	shadow_close(n->shadow);
	free(n->ring);
	free(n);
}
