/*
 * Does the journal have all that others know of it? What Redis says (`meta`), and what the ca role noted beside
 * the journal ("acknowledged"). Filled by who reads the journal; pure but for history_notes.
 */
#ifndef SCEPCTL_HISTORY_H
#define SCEPCTL_HISTORY_H

#include "core/audit/acknowledged.h"
#include "core/audit/journal.h"
#include "core/store/store_meta.h"

struct history {
	struct store_meta meta;     /* of Redis, as it was found before the journal was read */
	struct journal_epoch epoch; /* of the journal; 0: it has met no ledger yet */
	struct acknowledged acked;
	uint64_t head; /* of the journal */
	bool other;    /* the record that Redis knows is another one */
};

/* Reads what is noted in the journal's folder; errors as acknowledged_read. Blocks on the file. */
int history_notes(struct history *h, const char *folder, struct errmsg *em) MUST_CHECK;

/* For each record of the journal, in their order. */
void history_see(struct history *h, const struct journal_record *r);

/* Redis or the note knows something that this journal does not have, or has otherwise. */
bool history_is_older(const struct history *h);
/* As before, by the note alone: for a Redis that knows nothing. */
bool history_is_older_than_noted(const struct history *h);

/* Above every epoch that is known of this store. */
uint64_t history_next_epoch(const struct history *h);

#endif
