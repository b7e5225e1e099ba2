/* The parts of fault_crash (crash_main.c): processes that share one small page. */
#ifndef TESTS_FAULT_CRASH_H
#define TESTS_FAULT_CRASH_H

#include "core/base/conf.h"
#include "core/store/store.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What the process between the ca role and Redis does when a call passes it. */
enum proxy_act {
	PROXY_NONE,
	PROXY_CUT_BEFORE,   /* the call never arrives */
	PROXY_CUT_AFTER,    /* it is done, its answer is lost */
	PROXY_KILL_CA,      /* it is done, the ca role dies before it reads the answer */
	PROXY_KILL_REDIS,   /* Redis dies with the call in its hands */
	PROXY_KILL_REDIS_2, /* it is done, then Redis dies before the answer */
	PROXY_ERROR,        /* Redis' answer is one of its own errors, nothing was done */
	PROXY_LATE,         /* the answer takes a while */
	PROXY_ACTS,
};

/* Between the driver, the clients, the proxy, and the shim below Redis. */
struct page {
	atomic_int ca, redis; /* pids; 0: down */
	atomic_int act;       /* enum proxy_act; taken back when it was done once */
	atomic_int when;      /* index into proxy_calls */
	atomic_int closing;   /* the clients finish what they have begun and end */
	atomic_ulong enrolled, refused, lost, revoked; /* what clients saw */
	/* by shim.so: the append-only file, and how much of it is on the disk for sure */
	atomic_ulong aof_ino, aof_synced;
	atomic_int aof_fails; /* errno for the shim to answer with, 0: none */
};

extern const char *const proxy_calls[];
enum { PROXY_CALLS = 3 };

struct random {
	uint64_t state;
};

static inline unsigned random_below(struct random *r, unsigned n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (unsigned)((r->state >> 20) % n);
}

struct world {
	char dir[PATH_MAX];   /* of the instance */
	char redis[PATH_MAX]; /* the socket of the real Redis */
	const char *history;  /* file, appended */
	struct conf *conf;
	struct page *page;
	uint64_t seed;
	unsigned threads; /* clients at once */
};

/* These run in processes of their own and do not return. */
void clients_run(const struct world *w) __attribute__((noreturn));
void proxy_run(const struct world *w) __attribute__((noreturn));

/* A handle past the proxy; NULL when it cannot be had. */
struct store *world_store(const struct world *w, const char *user);

#endif
