/* The CA role's revocation lists. See signer_crl() in client.h. */
#ifndef SCEP_CA_SIGNER_CRL_MAKE_H
#define SCEP_CA_SIGNER_CRL_MAKE_H

#include "core/store/store.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/keys.h"
#include "scep_ca/signer/ledger_journal.h"

/* ledger NULL or away: from the journal alone. */
int ca_crl(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	   const char *profile, const char *known, struct signer_crl *ret, struct buf *out,
	   struct errmsg *em) MUST_CHECK;

#endif
