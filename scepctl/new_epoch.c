#include "scepctl/new_epoch.h"

#include "core/base/text.h"

#include <string.h>

int new_epoch_begin(struct journal *j, const struct history *known, struct store *redis,
		    struct errmsg *em)
{
	struct store_head h = {.epoch = 0};
	struct journal_epoch e = known->epoch;
	struct journal_entry entry;
	struct journal_fact f;
	uint8_t hash[DIGEST_SIZE];
	uint64_t head;
	int rc;

	if (e.epoch == 0)
		memcpy(e.store, known->meta.at.store, sizeof(e.store));
	e.epoch = history_next_epoch(known);
	journal_fact_epoch(&f, &e);
	entry = (struct journal_entry){f.type, f.fields, f.n};
	rc = journal_append(j, &entry, 1, em);
	if (rc != E_OK)
		return rc;
	journal_head(j, &head, hash);
	memcpy(h.store, e.store, sizeof(h.store));
	h.epoch = (int64_t)e.epoch;
	h.head = (int64_t)head;
	text_hex(h.head_hash, hash, DIGEST_SIZE);
	return store_renew(redis, &h, true, em);
}
