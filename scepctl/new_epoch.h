/* The end of each repair of Redis: a new epoch, in the journal and in Redis (docs/REDIS.md, "Is it whole?"). */
#ifndef SCEPCTL_NEW_EPOCH_H
#define SCEPCTL_NEW_EPOCH_H

#include "core/audit/journal.h"
#include "core/audit/journal_fact.h"
#include "core/store/store_meta.h"

/*
 * Begins an epoch above that of the journal (epoch 0: it has met no ledger yet) and that of Redis (found),
 * for the store that the journal knows. First in the journal: interrupted between the two, Redis stays
 * refused. Blocks on disk and Redis; errors of both.
 */
int new_epoch_begin(struct journal *j, const struct journal_epoch *of_journal,
		    const struct store_meta *found, struct store *redis,
		    struct errmsg *em) MUST_CHECK;

#endif
