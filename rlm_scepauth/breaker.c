#include "rlm_scepauth/breaker.h"

void breaker_init(struct breaker *b, int64_t hold_ms)
{
	atomic_init(&b->open_until, 0);
	b->hold_ms = hold_ms;
}

bool breaker_allow(struct breaker *b, int64_t now)
{
	int64_t until = atomic_load(&b->open_until);

	if (until == 0)
		return true;
	if (now < until)
		return false;
	/* The one who moves the date is the probe; the others see the new date and keep waiting. */
	return atomic_compare_exchange_strong(&b->open_until, &until, now + b->hold_ms + 1);
}

bool breaker_report(struct breaker *b, int64_t now, bool good)
{
	/* Never 0, which means closed, not even with a hold of 0 at time 0. */
	int64_t until = good ? 0 : now + b->hold_ms + 1;
	int64_t before = atomic_exchange(&b->open_until, until);

	return (before == 0) != good;
}
