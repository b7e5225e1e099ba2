#include "scepctl/history.h"

#include "core/base/text.h"

#include <string.h>

int history_notes(struct history *h, const char *folder, struct errmsg *em)
{
	return acknowledged_read(folder, &h->acked, em);
}

void history_see(struct history *h, const struct journal_record *r)
{
	char hash[HASH_SIZE];

	h->head = r->seq;
	if (r->type == JOURNAL_EPOCH) {
		journal_get_text(r, "store", h->epoch.store, sizeof(h->epoch.store));
		h->epoch.epoch = (uint64_t)journal_get_int(r, "epoch");
	}
	if (h->meta.set_up && r->seq == (uint64_t)h->meta.at.head) {
		text_hex(hash, r->hash, DIGEST_SIZE);
		h->other = strcmp(hash, h->meta.at.head_hash) != 0;
	}
}

bool history_is_older_than_noted(const struct history *h)
{
	if (acknowledged_by(&h->acked, &h->epoch) > h->head)
		return true;
	return h->acked.at.epoch > h->epoch.epoch &&
	       (h->epoch.epoch == 0 || strcmp(h->acked.at.store, h->epoch.store) == 0);
}

bool history_is_older(const struct history *h)
{
	const struct store_head *at = &h->meta.at;

	if (history_is_older_than_noted(h))
		return true;
	if (!h->meta.set_up || at->head == 0)
		return false;
	return (uint64_t)at->head > h->head || h->other || (uint64_t)at->epoch > h->epoch.epoch;
}

uint64_t history_next_epoch(const struct history *h)
{
	const char *store = h->epoch.epoch != 0 ? h->epoch.store : h->meta.at.store;
	uint64_t most = h->epoch.epoch;

	if (h->meta.at.epoch > 0 && (uint64_t)h->meta.at.epoch > most)
		most = (uint64_t)h->meta.at.epoch;
	if (h->acked.at.epoch > most && strcmp(h->acked.at.store, store) == 0)
		most = h->acked.at.epoch;
	return most + 1;
}
