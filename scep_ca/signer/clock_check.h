/* The clock against the journal: dates of certificates rest on the one, the other knows what time it was. */
#ifndef SCEP_CA_SIGNER_CLOCK_CHECK_H
#define SCEP_CA_SIGNER_CLOCK_CHECK_H

#include "scep_ca/signer/ledger_journal.h"

/* E_UNAVAIL while `now` (unix seconds) stands before the journal's newest record, by more than what a
 * correction may take, or before 2020: nothing may be issued. Goes on by itself. When that begins, the
 * event clock_behind is written. Safe for many threads. */
int clock_check(struct ledger_journal *l, int64_t now, struct errmsg *em) MUST_CHECK;

#endif
