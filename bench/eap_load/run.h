/*
 * The loop: starts sessions in a closed loop or at a rate, carries their packets, repeats what is not answered,
 * counts. One thread, one poll.
 */
#ifndef BENCH_EAP_LOAD_RUN_H
#define BENCH_EAP_LOAD_RUN_H

#include "bench/eap_load/identity.h"
#include "bench/eap_load/radius.h"
#include "bench/eap_load/stats.h"

#include <signal.h>

struct run_settings {
	const char *host, *port, *source; /* source may be NULL */
	struct bytes secret;
	struct identities *ids; /* taken in turn */
	SSL_CTX *ctx;
	size_t concurrency, sockets, fragment;
	double rate;          /* sessions begun per second; 0: closed loop */
	uint64_t count;       /* sessions; 0: no limit */
	uint64_t duration_us; /* of starting sessions, warm-up not counted; 0: no limit */
	uint64_t warmup_us;   /* nothing that ends before is counted */
	uint64_t timeout_us;  /* for one try */
	unsigned tries;
	uint32_t mtu; /* Framed-MTU; 0: not sent */
	const char *nas_id, *called;
	bool progress;               /* a line on standard error, twice a second */
	volatile sig_atomic_t *stop; /* not 0: begin no more and end */
};

struct run_result {
	struct tally tally;
	struct hist accepts;     /* from the start that was due to the accept */
	struct hist round_trips; /* of single requests, those repeated left out */
	uint64_t begun, requests, repeated;
	uint64_t ignored[RADIUS_FLAWS]; /* answers not believed, by flaw */
	uint64_t strays;                /* answers nobody waited for, late ones too */
	uint64_t resumed, tls12, tls13, keys_seen;
	uint64_t elapsed_us; /* of counting */
	uint64_t window_us,
		window_accepts; /* while sessions were still begun: what accepts per second is of */
	uint64_t cpu_us;        /* of this process */
	size_t most;            /* sessions at once */
	int refused;            /* "port unreachable" */
};

/* Blocks until all is done. E_* when it cannot run at all; what servers do is in the result. */
int run(const struct run_settings *s, struct run_result *ret, struct errmsg *em) MUST_CHECK;

#endif
