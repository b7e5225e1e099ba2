/* Looking on: the events of all writers for anybody who may read them. As store.h in all else. */
#ifndef CORE_STORE_STORE_TAIL_H
#define CORE_STORE_STORE_TAIL_H

#include "core/base/buf.h"
#include "core/store/store.h"

enum { EVENTS_TAIL_MAX = 1000 };

/*
 * Calls fn for up to max (1 to EVENTS_TAIL_MAX) events after *positions, in the order of their ids, and moves
 * *positions on when fn returned 0 for all of them; else it stays and fn's code is returned. positions is a text of this
 * function, "" at the beginning: then everything from since_ms on (Redis' clock, milliseconds since 1970).
 * Nothing is written to Redis, so that any number may look on.
 */
int store_events_tail(struct store *s, struct buf *positions, int64_t since_ms, unsigned max,
		      int (*fn)(void *ctx, const struct store_event *e), void *ctx, size_t *ret_n,
		      struct errmsg *em) MUST_CHECK;

/* Calls fn for each writer of whom this reader missed events: those between what it has dealt with last and the
 * first that is there. To be asked before reading on. */
int store_events_gaps(struct store *s, const char *reader,
		      void (*fn)(void *ctx, const char *writer, const char *after,
				 const char *before),
		      void *ctx, struct errmsg *em) MUST_CHECK;
/* An event of the one who follows the directory, told already, for who looks on. n strings: name, value ... */
int store_leavers_note(struct store *s, const char *word, const char *const *fields, size_t n,
		       struct errmsg *em) MUST_CHECK;

#endif
