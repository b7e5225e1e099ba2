/*
 * Putting back what the CA's journal has, as installer (docs/REDIS.md, Function `rebuild`). Works on a
 * store that is not set up yet, and changes nothing that is newer. Errors and blocking as in store.h.
 */
#ifndef CORE_STORE_STORE_REBUILD_H
#define CORE_STORE_STORE_REBUILD_H

#include "core/store/store.h"

struct store_emptiness {
	bool functions; /* the library is loaded; without it nothing else is known */
	bool set_up;    /* `meta` is complete */
	int64_t keys;   /* besides what scepctl install puts there, and events */
};

int store_look_empty(struct store *s, struct store_emptiness *ret, struct errmsg *em) MUST_CHECK;

enum { STORE_ROWS_MAX = 512 * 1024 }; /* bytes of one call */

/* Adds one text of a row; what rows there are, and of which texts, says the Function. */
void store_row_text(struct buf *rows, const char *text);
void store_row_int(struct buf *rows, int64_t v);

/* dry_run: only looks. ret_changed: rows that were not there, or not yet in this state. E_EXISTS: the store
 * contradicts the journal, see em; the rows before that are done. */
int store_rebuild(struct store *s, struct bytes rows, bool dry_run, int64_t *ret_changed,
		  struct errmsg *em) MUST_CHECK;

/* May this Redis user write events:<name> and is no installer: then it was registered as an actor. */
int store_acl_is_actor(struct store *s, const char *name, bool *ret, struct errmsg *em) MUST_CHECK;

#endif
