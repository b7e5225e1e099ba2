/*
 * Signs checkpoints of the journal (docs/JOURNAL.md) with a key of its own, so that who holds the
 * issuing keys and the journal still cannot rewrite what was noted elsewhere.
 */
#ifndef SCEP_CA_SIGNER_NOTARY_H
#define SCEP_CA_SIGNER_NOTARY_H

#include "core/audit/journal.h"
#include "core/base/conf.h"

struct notary;

/* Loads the key. E_CONFIG, E_DENIED, E_NOTFOUND with file and cure in em. Blocks on files. */
int notary_new(const struct conf *c, struct notary **ret, struct errmsg *em) MUST_CHECK;
void notary_free(struct notary *n); /* wipes the key */

/* Makes a checkpoint when one is due (`now`: when the journal has grown) and tells log and audit trail.
 * By one thread. Blocks on the disk. */
void notary_tick(struct notary *n, struct journal *j, bool now);

#endif
