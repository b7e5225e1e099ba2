/* What the journal knows of revoked and held certificates: CRL and OCSP rest on it while Redis is away, and
 * hold on to it when Redis has lost something. Pure. */
#ifndef SCEP_CA_SIGNER_JOURNAL_LIST_H
#define SCEP_CA_SIGNER_JOURNAL_LIST_H

#include "core/audit/journal_state.h"
#include "core/model/revocation.h"

/* Appends to list, which has room for max, those certificates of the issuer that have not expired and are
 * revoked or aborted, or with `holds` whose person is held or has left. E_TOOBIG. */
int journal_list(const struct journal_state *s, const char *issuer, int64_t now, bool holds,
		 struct revocation *list, size_t *n, size_t max) MUST_CHECK;

/* STANDING_REVOKED, or STANDING_UNKNOWN: nothing speaks against it here, which does not make it good. */
void journal_standing(const struct journal_state *s, const char *serial, int64_t now, bool holds,
		      struct standing *ret);

#endif
