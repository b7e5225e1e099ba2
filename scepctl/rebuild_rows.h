/*
 * What a journal says, as rows of the Function `rebuild` (docs/REDIS.md): what keeps people out first,
 * then people and devices, certificates last. Memory is bounded whatever the journal's size.
 */
#ifndef SCEPCTL_REBUILD_ROWS_H
#define SCEPCTL_REBUILD_ROWS_H

#include "core/audit/journal_state.h"
#include "core/store/store_rebuild.h"

enum rebuild_kind {
	REBUILD_REVOKED,
	REBUILD_HELD,
	REBUILD_PERSON,
	REBUILD_DEVICE,
	REBUILD_CERT,
	REBUILD_KINDS,
};

#define REBUILD_BIT(kind) (1u << (kind))
#define REBUILD_ALL (REBUILD_BIT(REBUILD_KINDS) - 1)

/* n rows of one kind; valid during the call. Other than E_OK ends it. */
typedef int rebuild_send_fn(void *ctx, enum rebuild_kind kind, const struct store_rows *rows,
			    size_t n, struct errmsg *em);

/* kinds: REBUILD_BIT of each that is wanted. */
int rebuild_rows(const struct journal_state *s, unsigned kinds, rebuild_send_fn *send, void *ctx,
		 struct errmsg *em) MUST_CHECK;

/* How many rows there will be of a kind. */
size_t rebuild_total(const struct journal_state *s, enum rebuild_kind kind);

#endif
