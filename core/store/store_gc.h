/* Removing from Redis what is of no more use (docs/REDIS.md). For the user gc. */
#ifndef CORE_STORE_STORE_GC_H
#define CORE_STORE_STORE_GC_H

#include "core/store/store_facts.h"

#define STORE_GC_BEGIN "1:0"

struct store_gone {
	int64_t certs;       /* records of certificates, with their place in indexes */
	int64_t revocations; /* of those, and of tickets that nobody can use any more */
	int64_t devices;
	int64_t entries; /* of indexes: tickets, sessions, stories of enrolment */
	int64_t events;
};

/* One page, which takes some milliseconds: *cursor begins as STORE_GC_BEGIN and is "0" after the last. What
 * ended `keep` seconds ago or earlier goes (at least 8 days; E_FORMAT). dry: is only counted, but for
 * events. Adds to *gone. */
int store_gc(struct store *s, int64_t keep, bool dry, char cursor[STORE_CURSOR_SIZE],
	     struct store_gone *gone, struct errmsg *em) MUST_CHECK;

#endif
