/*
 * The journal (docs/JOURNAL.md) in the words of issuing one certificate: a serial has an INTENT
 * before it is claimed, and its certificate is ISSUED before the ledger makes it active. What a crash
 * left between the two is settled with the ledger before anything else is issued.
 *
 * Safe for many threads. Everything that says "durable" blocks on the disk.
 */
#ifndef SCEP_CA_SIGNER_LEDGER_JOURNAL_H
#define SCEP_CA_SIGNER_LEDGER_JOURNAL_H

#include "core/audit/journal.h"
#include "core/audit/journal_state.h"
#include "core/model/certrec.h"
#include "core/store/store.h"

struct ledger_journal;

/* Takes the journal in this folder, checks all of it and finds what is unfinished. Reports a torn end
 * that was cut to the log. Errors as journal_open. */
int ledger_journal_open(const char *path, struct ledger_journal **ret,
			struct errmsg *em) MUST_CHECK;
void ledger_journal_close(struct ledger_journal *l);

/* What it writes to; owned by l. */
struct journal *ledger_journal_file(struct ledger_journal *l);

/*
 * Finishes what a crash left: a certificate that was issued is committed again, or aborted when the
 * ledger refuses it; a serial without certificate is aborted. At once E_OK when nothing is left.
 * E_UNAVAIL, E_TIMEOUT: the ledger is away and nothing may be issued until this was done; call again.
 *
 * Every few seconds it also asks the ledger for the certificate that was committed last. E_UNAVAIL,
 * too, when the ledger does not know it: it was emptied or an old state was restored; and when it does not
 * fit this journal (ledger_watch.h).
 */
int ledger_journal_settle(struct ledger_journal *l, struct store *ledger,
			  struct errmsg *em) MUST_CHECK;

/* Every second: tells the ledger how far the journal is. Errors as ledger_watch_beat. */
int ledger_journal_beat(struct ledger_journal *l, struct store *ledger,
			struct errmsg *em) MUST_CHECK;

/* Durable. E_UNAVAIL: not written, whatever the cause, so nothing may be claimed or signed. */
int ledger_journal_intent(struct ledger_journal *l, const struct certrec *c, const char *txn,
			  struct errmsg *em) MUST_CHECK;
int ledger_journal_issued(struct ledger_journal *l, const char *serial, struct bytes der,
			  struct errmsg *em) MUST_CHECK;

/* Not durable before the next of the above: a restart finds the same again. */
void ledger_journal_committed(struct ledger_journal *l, const char *serial, int64_t not_after);
void ledger_journal_aborted(struct ledger_journal *l, const char *serial, const char *reason);

/* Facts about revocations, holds, people, devices. Durable. E_UNAVAIL: nothing was written. */
int ledger_journal_facts(struct ledger_journal *l, const struct journal_entry *e, size_t n,
			 struct errmsg *em) MUST_CHECK;

/* What the journal says, as far as it is on the disk. Locked until _done, which has to come soon: nothing
 * is appended meanwhile, so no other function of this header may be called in between. */
const struct journal_state *ledger_journal_state(struct ledger_journal *l);
void ledger_journal_state_done(struct ledger_journal *l);

/* The journal has this serial or ticket as revoked and Redis has not; "": Redis has all of them. Tells the
 * log when that is news, and marks Redis suspect. While something is lost, nothing settles, so nothing is
 * issued. */
void ledger_journal_lost(struct ledger_journal *l, struct store *ledger, const char *id);
/* Nothing is lost, and the last beat was fine: Redis may be believed where it says more than the journal. */
bool ledger_journal_is_whole(struct ledger_journal *l);
/* See ledger_watch_is_ours. */
bool ledger_journal_is_ours(struct ledger_journal *l);

#endif
