#include "scep_ca/signer/rate.h"

#include <pthread.h>
#include <stdlib.h>

#define MINUTE_MS 60000

struct rate {
	pthread_mutex_t lock;
	int64_t per_minute;
	int64_t level; /* in parts of which one costs MINUTE_MS: whole numbers, nothing is rounded away */
	int64_t at_ms;
};

int rate_new(long per_minute, struct rate **ret)
{
	struct rate *r = calloc(1, sizeof(*r));

	if (!r)
		return E_NOMEM;
	pthread_mutex_init(&r->lock, NULL);
	r->per_minute = per_minute;
	r->level = r->per_minute * MINUTE_MS;
	*ret = r;
	return E_OK;
}

void rate_free(struct rate *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool rate_take(struct rate *r, int64_t now_ms)
{
	int64_t full;
	bool ok;

	if (!r || r->per_minute == 0)
		return true;
	full = r->per_minute * MINUTE_MS;
	pthread_mutex_lock(&r->lock);
	if (now_ms > r->at_ms) {
		int64_t passed = now_ms - r->at_ms;

		r->at_ms = now_ms;
		if (passed >= MINUTE_MS || r->level + passed * r->per_minute > full)
			r->level = full;
		else
			r->level += passed * r->per_minute;
	}
	ok = r->level >= MINUTE_MS;
	if (ok)
		r->level -= MINUTE_MS;
	pthread_mutex_unlock(&r->lock);
	return ok;
}
