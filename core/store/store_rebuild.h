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

/* Texts of rows, in the form that the Function reads (msgpack). What rows there are, and of which texts, it says. */
struct store_rows {
	struct buf b;
	uint32_t n; /* texts */
};
void store_rows_begin(struct store_rows *r); /* and again, to begin anew */
void store_rows_free(struct store_rows *r);
void store_rows_text(struct store_rows *r, const char *text);
void store_rows_int(struct store_rows *r, int64_t v);
int store_rows_error(const struct store_rows *r) MUST_CHECK; /* E_TOOBIG, E_NOMEM */

/* dry_run: only looks. ret_changed: rows that were not there, or not yet in this state. E_EXISTS: the store
 * contradicts the journal, see em; the rows before that are done. */
int store_rebuild(struct store *s, const struct store_rows *rows, bool dry_run,
		  int64_t *ret_changed, struct errmsg *em) MUST_CHECK;

/* May this Redis user write events:<name> and is no installer: then it was registered as an actor. */
int store_acl_is_actor(struct store *s, const char *name, bool *ret, struct errmsg *em) MUST_CHECK;

#endif
