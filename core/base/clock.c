#include "core/base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t fixed; /* test hook, see clock_fix */

int64_t clock_now(void)
{
	int64_t t = atomic_load(&fixed);

	return t ? t : (int64_t)time(NULL);
}

int64_t clock_mono_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts))
		return 0; /* cannot fail on Linux for this clock */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void clock_fix(int64_t t)
{
	atomic_store(&fixed, t);
}

void clock_iso(char *dst, size_t size, int64_t t)
{
	time_t tt = (time_t)t;
	struct tm tm;

	if (!size)
		return;
	if (!gmtime_r(&tt, &tm) || strftime(dst, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		dst[0] = '\0';
}
