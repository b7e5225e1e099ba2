/* The page that waits with a person until a device is on the network, and says where it stands. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_PROOF_H
#define ONBOARD_PORTAL_FLOW_PAGE_PROOF_H

#include "onboard_portal/flow/page.h"

enum { PROOF_TRIES = 60, PROOF_SECONDS = 5 };

struct page_proof {
	struct page_device row;
	int64_t accept, reject; /* unix seconds of the last, 0: never */
	const char *when;       /* of what came last, as people write it here */
	const char *reason;     /* word why it was refused */
	const char *nas, *vlan; /* where it was let in; of hostile origin */
	int64_t now;
	unsigned tries; /* how often the page has looked by itself */
};

/* True when the page should look again by itself after PROOF_SECONDS: something is still to come. */
bool page_proof_waits(const struct page_proof *p);
int page_proof(const struct page_base *b, const struct page_proof *p, struct buf *out) MUST_CHECK;

#endif
