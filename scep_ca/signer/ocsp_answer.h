/* The CA role's answers about single certificates. See signer_ocsp() in client.h. */
#ifndef SCEP_CA_SIGNER_OCSP_ANSWER_H
#define SCEP_CA_SIGNER_OCSP_ANSWER_H

#include "core/store/store.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/keys.h"
#include "scep_ca/signer/ledger_journal.h"

/* ledger NULL or away: what the journal has as revoked or held is told, all else is "try later". */
int ca_ocsp(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	    struct bytes question, struct signer_ocsp *ret, struct buf *out,
	    struct errmsg *em) MUST_CHECK;

#endif
