/*
 * Copies into the journal what stands in Redis and is not in it yet: revocations, holds and their end,
 * people, devices. The state decides, never an event's word; what the journal has is not written again.
 * What takes back what the journal has (the end of a hold, another record of a person) counts only when the
 * store is found to fit the journal after it was read.
 *
 * By one thread per struct. Blocks on the store and on the disk.
 */
#ifndef SCEP_CA_SIGNER_COPY_H
#define SCEP_CA_SIGNER_COPY_H

#include "core/store/store_facts.h"
#include "scep_ca/signer/ledger_journal.h"

struct copy;

int copy_new(struct ledger_journal *l, struct copy **ret) MUST_CHECK;
void copy_free(struct copy *c);

/* Before people are copied one by one: E_UNAVAIL, Redis is another journal's, whose people are not ours. */
int copy_check(struct copy *c, struct store *ledger, struct errmsg *em) MUST_CHECK;

/* All that stands, page by page; standing_only: without people and devices. Looks first whether Redis
 * still has what the journal has (ledger_journal_lost) and fits it (ledger_watch.h): while it does not, a hold that is gone does not
 * count as lifted and no person's record is taken, since both may be from an older state. Durable. */
int copy_all(struct copy *c, struct store *ledger, bool standing_only,
	     struct errmsg *em) MUST_CHECK;

/* All that stands of one person. restored_by: whose event says that the hold of this source was lifted
 * (both "" when unknown). Durable. */
int copy_user(struct copy *c, struct store *ledger, const struct store_change *who,
	      struct errmsg *em) MUST_CHECK;

/* How many facts it has written. */
uint64_t copy_count(const struct copy *c);
/* So far nothing shows that Redis has less than the journal; while false, some of what it says is not copied. */
bool copy_is_trusted(const struct copy *c);

/* Before a certificate is issued: makes sure that the journal knows this person and device. At once when
 * it does. E_UNAVAIL, E_TIMEOUT: not, so nothing may be issued. Safe for many threads. */
int copy_before_issue(struct ledger_journal *l, struct store *ledger, const char *user,
		      const char *device, struct errmsg *em) MUST_CHECK;

#endif
