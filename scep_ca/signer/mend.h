/*
 * Puts back into Redis, row by row and as ca, what the journal has and Redis lacks: revocations, holds,
 * certificates that were active. Only while Redis fits the journal and is not suspect; it never lifts a hold,
 * takes back a revocation or lets in whom Redis has put out. Each is the event ledger_mended.
 *
 * What an older state of Redis lacks is not mended here: that is a person's to repair (docs/RESTORE.md).
 *
 * Blocks on the store.
 */
#ifndef SCEP_CA_SIGNER_MEND_H
#define SCEP_CA_SIGNER_MEND_H

#include "core/store/store_meta.h"
#include "scep_ca/signer/ledger_journal.h"

enum { MEND_MAX = 200 }; /* of a round: more than that is no accident */

struct mend {
	struct ledger_journal *l;
	struct store *ledger;
	struct store_head at;
	bool may; /* Redis fits the journal: else nothing is done */
	size_t n; /* put back in this round */
};

/* Beats. */
void mend_begin(struct mend *m, struct ledger_journal *l, struct store *ledger);

/* Those of these that Redis lacks. E_OK also where it may not, or Redis contradicts the journal: whoever asks again
 * finds what is left. E_UNAVAIL, E_TIMEOUT. */
int mend_revocations(struct mend *m, const char *const *ids, size_t n,
		     struct errmsg *em) MUST_CHECK;
int mend_certs(struct mend *m, const char *const *serials, size_t n, struct errmsg *em) MUST_CHECK;
/* All holds of the journal; only where something else was lost: one that alone is gone was lifted.
 * ret_missing: those that it did not put back. */
int mend_holds(struct mend *m, uint64_t *ret_missing, struct errmsg *em) MUST_CHECK;

#endif
