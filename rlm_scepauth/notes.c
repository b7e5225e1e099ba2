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
/* So long more notes are waited for: told together, they cost the server and Redis (with appendfsync always) a
 * fraction. */
#define GATHER_NS 50000000

struct notes {
	struct notes_options o;
	struct store *store;
	struct shadow *shadow; /* the thread's own */
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	bool started, ending;
	bool busy; /* a batch is on its way */
	struct note *ring;
	unsigned first, n;
	uint64_t lost;
	/* The thread's own */
	bool away; /* the last try failed */
	struct note batch[SESSION_CALLS_MAX];
	struct session_call calls[SESSION_CALLS_MAX];
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

static void fill(struct session_call *x, const struct note *note)
{
	static const enum session_verb verbs[] = {
		[NOTE_ACCEPT] = SESSION_OPEN,
		[NOTE_REJECT] = SESSION_REFUSED,
		[NOTE_UPDATE] = SESSION_UPDATE,
		[NOTE_STOP] = SESSION_CLOSE,
	};

	memset(x, 0, sizeof(*x));
	x->verb = verbs[note->kind];
	x->session = &note->session;
	x->seconds = note->seconds;
	x->reason = note->reason;
}

/* True: the ledger has it, or will never take it. */
static bool dealt_with(struct notes *n, const struct session_call *x)
{
	bool away = err_is_away(x->rc) || x->rc == E_IO;

	if (away != n->away || (x->rc != E_OK && !away))
		n->o.news(n->o.ctx, x->rc != E_OK, x->em.text);
	n->away = away;
	if (x->rc == E_OK && x->bad[0])
		n->o.unwanted(n->o.ctx, x->session->serial, x->session->token, x->bad);
	return !away;
}

/* How many of the batch, from the first on, are dealt with. The rest must be told in their order. */
static unsigned tell(struct notes *n, unsigned count)
{
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++)
		fill(&n->calls[i], &n->batch[i]);
	store_session_tell(n->store, n->calls, count);
	while (done < count && dealt_with(n, &n->calls[done]))
		done++;
	return done;
}

static void look_again(struct notes *n, const struct note *note, bool hurry)
{
	int64_t policy = 0;

	if (note->kind != NOTE_ACCEPT && note->kind != NOTE_REJECT)
		return;
	if (note->session.policy[0] && text_int64(note->session.policy, &policy) != E_OK)
		return;
	shadow_judge(n->shadow, n->store, &note->asked,
		     note->kind == NOTE_ACCEPT ? note->session.vlan : NULL, policy, hurry);
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

static void gather(struct notes *n)
{
	static const struct timespec pause = {.tv_nsec = GATHER_NS};

	if (n->n >= SESSION_CALLS_MAX || n->ending)
		return;
	pthread_mutex_unlock(&n->lock);
	(void)nanosleep(&pause, NULL);
	pthread_mutex_lock(&n->lock);
}

static unsigned take(struct notes *n)
{
	unsigned count = 0;

	while (count < SESSION_CALLS_MAX && n->n) {
		n->batch[count++] = *at(n, 0);
		remove_at(n, 0);
	}
	return count;
}

static void *run(void *arg)
{
	struct notes *n = arg;

	pthread_mutex_lock(&n->lock);
	for (;;) {
		unsigned count, done;
		bool hurry, last;

		while (!n->n && !n->ending)
			pthread_cond_wait(&n->more, &n->lock);
		gather(n);
		count = take(n);
		if (!count)
			break;
		hurry = n->n > n->o.max / 2;
		last = n->n == 0;
		n->busy = true;
		pthread_mutex_unlock(&n->lock);
		done = tell(n, count);
		for (unsigned i = 0; i < done; i++)
			look_again(n, &n->batch[i], hurry);
		if (last && done == count)
			shadow_flush(n->shadow, n->store);
		pthread_mutex_lock(&n->lock);
		n->busy = false;
		if (done == count)
			continue;
		while (count > done)
			put_back(n, &n->batch[--count]);
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
		.tls = o->tls,
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
	empty = n->n == 0 && !n->busy;
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
