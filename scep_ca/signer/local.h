/* The signer of client.h with both roles in this very process. */
#ifndef SCEP_CA_SIGNER_LOCAL_H
#define SCEP_CA_SIGNER_LOCAL_H

#include "core/base/conf.h"
#include "scep_ca/signer/client.h"

/* Loads the keys of all profiles and checks that they fit their certificates (E_CONFIG or E_DENIED
 * with file and cure in em). max_handles: how many threads will issue at once. Blocks on files. */
int signer_open_local(const struct conf *c, unsigned max_handles, struct signer **ret,
		      struct errmsg *em) MUST_CHECK;
/* Takes the journal and settles what a crash left, as far as the ledger is there. Nothing is issued
 * before. Errors as ledger_journal_open. Blocks on files and the store. */
int signer_start(struct signer *s, const struct conf *c, struct errmsg *em) MUST_CHECK;
void signer_close(struct signer *s);

#endif
