#include "rlm_scepauth/metrics.h"

#include "core/base/text.h"
#include "core/ipc/prom.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_REASONS (AUTHZ_INTERNAL + 1)

/* Upper ends of the histogram, microseconds, and as Prometheus wants them. */
static const struct {
	int64_t us;
	const char *seconds;
} steps[] = {
	{250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"}, {2000, "0.002"},
	{5000, "0.005"},  {10000, "0.01"}, {20000, "0.02"}, {50000, "0.05"},
	{100000, "0.1"},  {200000, "0.2"}, {500000, "0.5"}, {1000000, "1"},
};
#define N_STEPS (sizeof(steps) / sizeof(steps[0]))

struct metrics {
	char path[PATH_MAX], folder[PATH_MAX];
	const char *file; /* within path */
	char name[65];
	int every_ms;
	void (*say)(const char *text);
	_Atomic uint64_t verdicts[N_REASONS];
	_Atomic uint64_t took[N_STEPS + 1], took_us;
	_Atomic uint64_t down, timeout, error;
	_Atomic uint64_t shadow[SHADOW_N_RESULTS];
	atomic_bool breaker;
	atomic_bool started;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	pthread_t writer;
	bool has_writer, closing;
	bool failed; /* the writer's own: so it was said */
};

/* --- the file ------------------------------------------------------------------------------------ */

static int64_t get(_Atomic uint64_t *n)
{
	return (int64_t)atomic_load_explicit(n, memory_order_relaxed);
}

/* One line, with a label of its own beside the instance's, or none (NULL). */
static void line(struct metrics *m, struct buf *b, const char *name, const char *label,
		 const char *what, int64_t value)
{
	const char *const labels[] = {"instance", m->name, label, what, NULL};

	prom_line(b, name, labels, value);
}

static void add_latency(struct metrics *m, struct buf *b)
{
	const char *const instance[] = {"instance", m->name, NULL};
	char seconds[32];
	int64_t sum = 0;

	prom_head(b, "scepauth_lookup_seconds", "histogram", "Time of one question to Redis.");
	for (size_t i = 0; i < N_STEPS; i++) {
		sum += get(&m->took[i]);
		line(m, b, "scepauth_lookup_seconds_bucket", "le", steps[i].seconds, sum);
	}
	sum += get(&m->took[N_STEPS]);
	line(m, b, "scepauth_lookup_seconds_bucket", "le", "+Inf", sum);
	(void)snprintf(seconds, sizeof(seconds), "%.6f", (double)get(&m->took_us) / 1e6);
	prom_line_text(b, "scepauth_lookup_seconds_sum", instance, seconds);
	line(m, b, "scepauth_lookup_seconds_count", NULL, NULL, sum);
}

static void add_all(struct metrics *m, struct buf *b)
{
	prom_head(b, "scepauth_verdicts_total", "counter",
		  "Decisions about devices by reason; ok: let in.");
	for (int i = 0; i < N_REASONS; i++)
		line(m, b, "scepauth_verdicts_total", "reason",
		     authz_reason_text((enum authz_reason)i), get(&m->verdicts[i]));
	prom_head(b, "scepauth_backend_errors_total", "counter",
		  "Questions to Redis without a good answer.");
	line(m, b, "scepauth_backend_errors_total", "kind", "down", get(&m->down));
	line(m, b, "scepauth_backend_errors_total", "kind", "deadline", get(&m->timeout));
	line(m, b, "scepauth_backend_errors_total", "kind", "error", get(&m->error));
	prom_head(b, "scepauth_breaker_open", "gauge",
		  "1: everybody is refused without asking Redis.");
	line(m, b, "scepauth_breaker_open", NULL, NULL, atomic_load(&m->breaker));
	add_latency(m, b);
	prom_head(b, "scepauth_shadow_total", "counter",
		  "Connections judged by the version of the group map in shadow too.");
	for (int i = 0; i < SHADOW_N_RESULTS; i++)
		line(m, b, "scepauth_shadow_total", "result",
		     shadow_result_text((enum shadow_result)i), get(&m->shadow[i]));
}

static void write_and_say(struct metrics *m)
{
	char text[sizeof(struct errmsg) + 64];
	struct errmsg em = {""};
	struct buf b;
	int rc;

	buf_init(&b, PROM_MAX);
	add_all(m, &b);
	rc = prom_write(m->folder, m->file, &b, &em);
	buf_free(&b);
	if (rc != E_OK && !m->failed) {
		(void)snprintf(text, sizeof(text), "metrics cannot be written: %s",
			       *em.text != '\0' ? em.text : err_text(rc));
		m->say(text);
	}
	m->failed = rc != E_OK;
}

/* --- the thread ---------------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct metrics *m = arg;
	struct timespec until;

	pthread_mutex_lock(&m->lock);
	while (!m->closing) {
		pthread_mutex_unlock(&m->lock);
		write_and_say(m);
		pthread_mutex_lock(&m->lock);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += m->every_ms / 1000;
		until.tv_nsec += m->every_ms % 1000 * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000L;
		}
		while (!m->closing && pthread_cond_timedwait(&m->wake, &m->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

/* With the first verdict, as the server forks after it has loaded us; its signals are its own business. */
static void start(struct metrics *m)
{
	sigset_t all, before;

	if (atomic_load_explicit(&m->started, memory_order_relaxed) ||
	    atomic_exchange(&m->started, true))
		return;
	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return;
	pthread_mutex_lock(&m->lock);
	m->has_writer = pthread_create(&m->writer, NULL, run, m) == 0;
	pthread_mutex_unlock(&m->lock);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* --- from the workers ---------------------------------------------------------------------------- */

static void add(_Atomic uint64_t *n, uint64_t by)
{
	(void)atomic_fetch_add_explicit(n, by, memory_order_relaxed);
}

void metrics_asked(struct metrics *m, int64_t us, enum authz_reason failure)
{
	size_t i = 0;

	if (!m)
		return;
	while (i < N_STEPS && us > steps[i].us)
		i++;
	add(&m->took[i], 1);
	add(&m->took_us, us > 0 ? (uint64_t)us : 0);
	if (failure == AUTHZ_BACKEND_DOWN)
		add(&m->down, 1);
	else if (failure == AUTHZ_BACKEND_TIMEOUT)
		add(&m->timeout, 1);
	else if (failure == AUTHZ_BACKEND_ERROR)
		add(&m->error, 1);
}

void metrics_verdict(struct metrics *m, enum authz_reason reason)
{
	if (!m)
		return;
	add(&m->verdicts[reason < N_REASONS ? reason : AUTHZ_INTERNAL], 1);
	start(m);
}

void metrics_shadow(struct metrics *m, enum shadow_result r)
{
	if (m && r < SHADOW_N_RESULTS)
		add(&m->shadow[r], 1);
}

void metrics_breaker(struct metrics *m, bool is_open)
{
	if (m)
		atomic_store(&m->breaker, is_open);
}

int64_t metrics_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- life ---------------------------------------------------------------------------------------- */

int metrics_open(const struct metrics_options *o, struct metrics **ret)
{
	struct metrics *m = calloc(1, sizeof(*m));
	const char *slash;

	if (!m)
		return E_NOMEM;
	if (text_copy(m->path, sizeof(m->path), o->path) != E_OK ||
	    text_copy(m->name, sizeof(m->name), o->name) != E_OK) {
		free(m);
		return E_TOOBIG;
	}
	slash = strrchr(m->path, '/');
	m->file = slash ? slash + 1 : m->path;
	(void)snprintf(m->folder, sizeof(m->folder), "%.*s", slash ? (int)(slash - m->path) : 1,
		       slash ? m->path : ".");
	m->every_ms = o->every_ms;
	m->say = o->say;
	if (pthread_mutex_init(&m->lock, NULL)) {
		free(m);
		return E_NOMEM;
	}
	if (pthread_cond_init(&m->wake, NULL)) {
		(void)pthread_mutex_destroy(&m->lock);
		free(m);
		return E_NOMEM;
	}
	*ret = m;
	return E_OK;
}

void metrics_close(struct metrics *m)
{
	bool has;

	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	m->closing = true;
	has = m->has_writer;
	(void)pthread_cond_signal(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (has) {
		(void)pthread_join(m->writer, NULL);
		write_and_say(m);
	}
	(void)pthread_cond_destroy(&m->wake);
	(void)pthread_mutex_destroy(&m->lock);
	free(m);
}
