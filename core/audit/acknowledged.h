/*
 * How far of the journal the store has acknowledged: the file "acknowledged" in the journal's folder,
 * written by the ca role after each beat that fits. A store that knows less than that was emptied or restored
 * from an old copy, a journal that is shorter likewise. Blocks on the file.
 */
#ifndef CORE_AUDIT_ACKNOWLEDGED_H
#define CORE_AUDIT_ACKNOWLEDGED_H

#include "core/audit/journal_fact.h"

struct acknowledged {
	struct journal_epoch at; /* epoch 0: nothing yet */
	uint64_t head;
};

/* folder: the journal's. Where there is no such file, nothing was acknowledged: E_OK. E_FORMAT: it is damaged, with
 * the cure in em; E_TOOBIG, E_IO. */
int acknowledged_read(const char *folder, struct acknowledged *ret, struct errmsg *em) MUST_CHECK;
/* E_TOOBIG, E_IO. */
int acknowledged_write(const char *folder, const struct acknowledged *a,
		       struct errmsg *em) MUST_CHECK;

/* The head that this epoch of this store has acknowledged; 0 for any other. */
uint64_t acknowledged_by(const struct acknowledged *a, const struct journal_epoch *e);

#endif
