/*
 * Does Redis still have what the journal has, and the journal what Redis has? Asked at the start, when Redis comes
 * back and every few minutes, all revocations and certificates, in small parts, out of the way of issuing. While Redis
 * fits the journal otherwise, what it lacks is put back, MEND_MAX a pass (mend.h); for what is left an alarm names the command.
 * Certificates that only Redis has as good are told, and nothing is done to them.
 *
 * A pass is by one thread. Blocks on the store.
 */
#ifndef SCEP_CA_SIGNER_COMPARE_H
#define SCEP_CA_SIGNER_COMPARE_H

#include "scep_ca/signer/ledger_journal.h"

struct compare;

struct compare_found {
	uint64_t revocations;  /* in the journal, not in Redis, also now; of what has not expired */
	uint64_t certificates; /* active in the journal, not in Redis */
	uint64_t holds; /* counted only where something else is missing: else it was lifted */
	char first[HASH_SIZE]; /* serial or ticket of the first; "" */
	uint64_t mended;       /* put back, of all three */
	uint64_t unknown; /* let somebody in, and are unknown to the journal or given up there */
	char first_unknown[HASH_SIZE]; /* "" */
};

/* One pass. stop: an eventfd that ends it (E_STATE), with a pause between two questions; -1: neither.
 * E_UNAVAIL, E_TIMEOUT, E_BACKEND: the store is away or not set up. */
int compare_pass(struct ledger_journal *l, struct store *ledger, int stop,
		 struct compare_found *ret, struct errmsg *em) MUST_CHECK;

/* A thread that does this every `every_s` seconds and tells log and audit trail what is new. */
int compare_start(struct ledger_journal *l, struct store_pool *pool, int64_t every_s,
		  struct compare **ret) MUST_CHECK;
/* The next one at once: Redis was away, or another state of it. NULL: nothing. Any thread. */
void compare_soon(struct compare *c);
void compare_stop(struct compare *c); /* NULL: nothing */

#endif
