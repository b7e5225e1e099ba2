/*
 * The ca role's thread that keeps the journal current with Redis: a few times a second it asks whose
 * events are new and copies what stands of those people (copy.h), every minute it compares all
 * revocations and holds, at its start and every hour people and devices too. A certificate whose successor was used
 * it ends first. It keeps no position
 * anywhere: the comparison at its start finds what it missed. While Redis is away it waits.
 */
#ifndef SCEP_CA_SIGNER_FOLLOW_H
#define SCEP_CA_SIGNER_FOLLOW_H

#include "scep_ca/signer/ledger_journal.h"

struct follow;

/* Starts the thread; journal and pool outlive it. E_NOMEM, E_IO. */
int follow_start(struct ledger_journal *l, struct store_pool *pool, struct follow **ret) MUST_CHECK;
void follow_stop(struct follow *f); /* waits for what is under way; NULL is fine */

#endif
