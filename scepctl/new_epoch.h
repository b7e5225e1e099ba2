/* The end of each repair of Redis: a new epoch, in the journal and in Redis (docs/REDIS.md, "Is it whole?"). */
#ifndef SCEPCTL_NEW_EPOCH_H
#define SCEPCTL_NEW_EPOCH_H

#include "scepctl/history.h"

/*
 * Begins an epoch above all that are known, for the store that the journal knows. First in the journal:
 * interrupted between the two, Redis stays refused. Blocks on disk and Redis; errors of both.
 */
int new_epoch_begin(struct journal *j, const struct history *known, struct store *redis,
		    struct errmsg *em) MUST_CHECK;

#endif
