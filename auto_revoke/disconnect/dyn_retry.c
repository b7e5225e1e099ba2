#include "auto_revoke/disconnect/dyn_retry.h"

/* RAND of the RFC: from -0.1 to +0.1 of the wait. */
static int64_t spread_of(int64_t ms, uint32_t spread)
{
	return ms * ((int64_t)(spread % 2001) - 1000) / 10000;
}

void dyn_retry_begin(struct dyn_retry *r, int64_t now, uint32_t spread)
{
	r->since = now;
	r->wait = DYN_RETRY_FIRST_MS + spread_of(DYN_RETRY_FIRST_MS, spread);
	r->next = now + r->wait;
	r->sends = 1;
}

int dyn_retry_again(struct dyn_retry *r, int64_t now, int64_t give_up_ms, uint32_t spread)
{
	if (r->sends >= DYN_RETRY_SENDS || now - r->since >= give_up_ms)
		return 0;
	r->wait = 2 * r->wait + spread_of(r->wait, spread);
	if (r->wait > DYN_RETRY_LONGEST_MS)
		r->wait = DYN_RETRY_LONGEST_MS + spread_of(DYN_RETRY_LONGEST_MS, spread);
	r->next = now + r->wait;
	r->sends++;
	return 1;
}

int64_t dyn_retry_due(const struct dyn_retry *r, int64_t give_up_ms)
{
	int64_t end = r->since + give_up_ms;

	return r->next < end ? r->next : end;
}
