#include "core/http/watch.h"
#include "core/base/clock.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define SLOWEST_BYTES_PER_MS 16
#define TICK_MAX_MS 250
/* Who connects sends its request at once; who connects while the listener is given up may be taken a
 * little later. */
#define FRESH_MS 1000
#define LATE_MS 50
#define DRAIN_TICK_MS 20

struct watch_peer {
	struct watch_peer *next, *prev;
	int fd;
	uint8_t key[16]; /* whom the limit counts: see peer_key */
	int64_t expires; /* monotonic ms; INT64_MAX while a handler runs */
	bool in_request;
	bool served; /* at least one request is done */
	bool cut;
};

struct watch {
	pthread_mutex_t lock;
	pthread_cond_t wake; /* for the thread and for watch_drain */
	pthread_t thread;
	unsigned deadline_ms;
	unsigned max_per_address;
	struct watch_peer *first;
	size_t n_in_request;
	bool stopping;
};

/* An IPv6 client owns a whole /64: counting single addresses would not count it. */
static void peer_key(const struct sockaddr *sa, uint8_t key[16])
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(key, 0, 16);
	if (sa && sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		memcpy(key + 12, &v4.sin_addr, 4);
	} else if (sa && sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			memcpy(key + 12, v6.sin6_addr.s6_addr + 12, 4);
		else
			memcpy(key, v6.sin6_addr.s6_addr, 8);
	}
}

static struct timespec after_ms(int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += (time_t)(ms / 1000);
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static void *watch_thread(void *arg)
{
	struct watch *w = arg;
	unsigned tick = w->deadline_ms / 8;

	tick = tick > TICK_MAX_MS ? TICK_MAX_MS : tick ? tick : 1;
	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		int64_t now = clock_mono_ms();
		struct timespec ts = after_ms(tick);

		/* Under the lock a peer's descriptor is open and its own: watch_close takes it too. */
		for (struct watch_peer *p = w->first; p; p = p->next) {
			if (!p->cut && p->expires <= now) {
				p->cut = true;
				shutdown(p->fd, SHUT_RDWR);
			}
		}
		if (w->first)
			pthread_cond_timedwait(&w->wake, &w->lock, &ts);
		else
			pthread_cond_wait(&w->wake, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int watch_start(unsigned deadline_ms, unsigned max_per_address, struct watch **ret)
{
	struct watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (!w)
		return E_NOMEM;
	w->deadline_ms = deadline_ms;
	w->max_per_address = max_per_address;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&w->thread, NULL, watch_thread, w)) {
		pthread_cond_destroy(&w->wake);
		pthread_mutex_destroy(&w->lock);
		free(w);
		return E_NOMEM;
	}
	*ret = w;
	return E_OK;
}

void watch_stop(struct watch *w)
{
	struct watch_peer *p, *next;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	for (p = w->first; p; p = next) {
		next = p->next;
		free(p);
	}
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct watch_peer *watch_open(struct watch *w, int fd, const struct sockaddr *client)
{
	struct watch_peer *p = calloc(1, sizeof(*p));
	unsigned same = 0;

	if (!p) {
		shutdown(fd, SHUT_RDWR);
		return NULL;
	}
	p->fd = fd;
	peer_key(client, p->key);
	pthread_mutex_lock(&w->lock);
	for (const struct watch_peer *o = w->first; o; o = o->next)
		same += memcmp(o->key, p->key, sizeof(p->key)) == 0;
	if (w->max_per_address && same >= w->max_per_address) {
		pthread_mutex_unlock(&w->lock);
		shutdown(fd, SHUT_RDWR);
		free(p);
		return NULL;
	}
	p->expires = clock_mono_ms() + w->deadline_ms;
	p->next = w->first;
	if (p->next)
		p->next->prev = p;
	else
		pthread_cond_broadcast(&w->wake); /* the thread sleeps while there is nobody */
	w->first = p;
	pthread_mutex_unlock(&w->lock);
	return p;
}

/* With the lock held. */
static void request_over(struct watch *w, struct watch_peer *p)
{
	if (!p->in_request)
		return;
	p->in_request = false;
	if (--w->n_in_request == 0)
		pthread_cond_broadcast(&w->wake);
}

void watch_close(struct watch *w, struct watch_peer *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&w->lock);
	request_over(w, p);
	if (p->prev)
		p->prev->next = p->next;
	else
		w->first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	pthread_mutex_unlock(&w->lock);
	free(p);
}

void watch_begin(struct watch *w, struct watch_peer *p)
{
	pthread_mutex_lock(&w->lock);
	if (!p->in_request) {
		p->in_request = true;
		w->n_in_request++;
	}
	if (p->served)
		p->expires = clock_mono_ms() + w->deadline_ms;
	pthread_mutex_unlock(&w->lock);
}

bool watch_busy(struct watch *w, struct watch_peer *p)
{
	bool ok;

	pthread_mutex_lock(&w->lock);
	ok = !p->cut;
	p->expires = INT64_MAX;
	pthread_mutex_unlock(&w->lock);
	return ok;
}

void watch_sending(struct watch *w, struct watch_peer *p, size_t n)
{
	pthread_mutex_lock(&w->lock);
	p->expires = clock_mono_ms() + w->deadline_ms + (int64_t)(n / SLOWEST_BYTES_PER_MS);
	pthread_mutex_unlock(&w->lock);
}

void watch_done(struct watch *w, struct watch_peer *p)
{
	pthread_mutex_lock(&w->lock);
	request_over(w, p);
	p->served = true;
	p->expires = clock_mono_ms() + w->deadline_ms;
	pthread_mutex_unlock(&w->lock);
}

/* With the lock held. A connection that has not had its first request. */
static bool has_fresh(const struct watch *w)
{
	for (const struct watch_peer *p = w->first; p; p = p->next) {
		if (!p->served && !p->in_request && !p->cut)
			return true;
	}
	return false;
}

void watch_drain(struct watch *w, unsigned ms)
{
	int64_t now = clock_mono_ms(), until = now + ms, late = now + LATE_MS,
		fresh = now + FRESH_MS;

	pthread_mutex_lock(&w->lock);
	while (now < until && (w->n_in_request || now < late || (now < fresh && has_fresh(w)))) {
		struct timespec tick = after_ms(DRAIN_TICK_MS);

		(void)pthread_cond_timedwait(&w->wake, &w->lock, &tick);
		now = clock_mono_ms();
	}
	pthread_mutex_unlock(&w->lock);
}
