/* When a request that was not answered goes out again, and when it is given up (RFC 5080 section 2.2.1). Pure. */
#ifndef AUTO_REVOKE_DISCONNECT_DYN_RETRY_H
#define AUTO_REVOKE_DISCONNECT_DYN_RETRY_H

#include <stdint.h>

/* IRT, MRT, MRC of the RFC; its MRD (30 s) is the site's to choose. Times in milliseconds. */
enum { DYN_RETRY_FIRST_MS = 2000, DYN_RETRY_LONGEST_MS = 16000, DYN_RETRY_SENDS = 5 };

struct dyn_retry {
	int64_t since, next, wait; /* since: the first send */
	int sends;
};

/* The first send at `now`. spread: anything; the wait differs by up to a tenth with it. */
void dyn_retry_begin(struct dyn_retry *r, int64_t now, uint32_t spread);

/* At r->next: 1 to send once more (r->next moved on), 0 to give up. give_up_ms: after the first send. */
int dyn_retry_again(struct dyn_retry *r, int64_t now, int64_t give_up_ms, uint32_t spread);

/* When to look again: the next send or the end, whichever is earlier. */
int64_t dyn_retry_due(const struct dyn_retry *r, int64_t give_up_ms);

#endif
