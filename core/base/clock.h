/* Time, settable by tests. Wall time is UTC seconds since 1970; durations use monotonic ms. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_now(void);
int64_t clock_mono_ms(void);

/* Tests only: freezes clock_now() at t; 0 returns to the real clock. */
void clock_fix(int64_t t);

/* "2026-11-22T20:44:39Z"; dst needs at least 21 bytes. */
void clock_iso(char *dst, size_t size, int64_t t);

#endif
