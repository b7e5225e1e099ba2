/*
 * The CA role's duty, and the only door to a certificate: steps 4 to 8 of an enrolment. See
 * signer_issue() in client.h. It trusts nobody's word but the portal's MAC and the RA role's seal.
 */
#ifndef SCEP_CA_SIGNER_ISSUE_H
#define SCEP_CA_SIGNER_ISSUE_H

#include "core/store/store.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/keys.h"
#include "scep_ca/signer/ledger_journal.h"

int ca_issue(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	     int64_t replay_window, const struct grant *g, struct signer_issued *ret,
	     struct buf *out, struct errmsg *em) MUST_CHECK;

#endif
