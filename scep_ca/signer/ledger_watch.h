/*
 * Is the ledger the one that this journal belongs to, and does it still know what it has acknowledged?
 * Once a second the ca role tells the ledger how far the journal is, and keeps in the journal's folder
 * (file "acknowledged") what the ledger has taken. A ledger that was emptied, exchanged, or restored from
 * an old copy does not fit that, nor does a ledger fit a journal that was restored from an old copy.
 *
 * Safe for many threads.
 */
#ifndef SCEP_CA_SIGNER_LEDGER_WATCH_H
#define SCEP_CA_SIGNER_LEDGER_WATCH_H

#include "core/audit/journal.h"
#include "core/store/store.h"

struct ledger_watch;

/* path: the journal's folder. Blocks on a file. E_FORMAT: "acknowledged" is damaged, see em. */
int ledger_watch_new(const char *path, struct ledger_watch **ret, struct errmsg *em) MUST_CHECK;
void ledger_watch_free(struct ledger_watch *w);

/* Each record of the journal in turn, before anything else. */
void ledger_watch_see(struct ledger_watch *w, const struct journal_record *r);

/* After the first record of this process. */
void ledger_watch_opened(struct ledger_watch *w, struct journal *j);

/* One beat. E_UNAVAIL with the cure: the ledger does not fit, or is away. A ledger that lost something is
 * marked suspect. Blocks on the ledger, and on the disk when there is something to note. */
int ledger_watch_beat(struct ledger_watch *w, struct journal *j, struct store *ledger,
		      struct errmsg *em) MUST_CHECK;

/* The last beat was fine. */
bool ledger_watch_is_fine(struct ledger_watch *w);

/* E_OK when the last beat was fine; else beats. */
int ledger_watch_check(struct ledger_watch *w, struct journal *j, struct store *ledger,
		       struct errmsg *em) MUST_CHECK;

/* The last beat did not find it to be another store, or another journal's. */
bool ledger_watch_is_ours(struct ledger_watch *w);

/* It fits, but lacks something: marks it suspect. Beats before that, and marks nothing where that says no, since
 * it may be another campus'. */
int ledger_watch_suspect(struct ledger_watch *w, struct journal *j, struct store *ledger,
			 const char *reason, struct errmsg *em) MUST_CHECK;

#endif
