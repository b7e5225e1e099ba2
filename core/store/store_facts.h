/*
 * The store as the ca's journal follows it. Handles, errors and blocking as in store.h; the Functions
 * behind are `facts`, `facts_of`, `unrevoked`, `changed`, `mend` and `certs_live` (docs/REDIS.md).
 */
#ifndef CORE_STORE_STORE_FACTS_H
#define CORE_STORE_STORE_FACTS_H

#include "core/store/store_meta.h"

/* Something that stands in Redis now. All texts borrowed, cut to sane lengths, not trusted. */
enum store_fact_kind {
	STORE_FACT_REVOKED = 'r', /* id: field of `revoked`; extra: "<unix> <actor> <reason>" */
	STORE_FACT_HELD = 'h',    /* id: user; extra: source; fields[0]: record as above */
	STORE_FACT_PERSON =
		'p', /* id: user; extra: "source:login" or ""; fields: name, value ... */
	STORE_FACT_DEVICE = 'd', /* id: device; fields: name, value ... */
};
struct store_fact {
	enum store_fact_kind kind;
	const char *id, *extra;
	const char *const *fields;
	size_t n_fields; /* number of strings */
};
typedef int store_fact_fn(void *ctx, const struct store_fact *f);

enum { STORE_CURSOR_SIZE = 32, STORE_UNREVOKED_MAX = 80 };
#define STORE_CURSOR_BEGIN "1:0"

/* One page of all that stands: holds, then revocations, then (unless standing_only) people with their
 * devices. Begin with STORE_CURSOR_BEGIN, go on until cursor is "0"; a fact may come twice. */
int store_facts(struct store *s, bool standing_only, char cursor[STORE_CURSOR_SIZE],
		store_fact_fn *fn, void *ctx, struct errmsg *em) MUST_CHECK;
/* All that stands of one person, at one moment. */
int store_facts_of(struct store *s, const char *user, store_fact_fn *fn, void *ctx,
		   struct errmsg *em) MUST_CHECK;
/* How many of these (1 to STORE_UNREVOKED_MAX) are not in `revoked`, and the first. */
int store_unrevoked(struct store *s, const char *const *ids, size_t n, size_t *ret_missing,
		    char ret_first[HASH_SIZE], struct errmsg *em) MUST_CHECK;
/* The same for certificates that are not active, known or not. */
int store_inactive(struct store *s, const char *const *serials, size_t n, size_t *ret_missing,
		   char ret_first[HASH_SIZE], struct errmsg *em) MUST_CHECK;

/* Puts a revocation back that Redis lost, in the words of who made it; one that is there stands. As ca. */
int store_revoke_again(struct store *s, const char *id, const char *record,
		       struct errmsg *em) MUST_CHECK;
/* Is this person held by this source? */
int store_is_held(struct store *s, const char *source, const char *user, bool *ret,
		  struct errmsg *em) MUST_CHECK;

/* A row of the journal that Redis lacks (letter and texts as in rebuild, of "r", "h", "c"), as ca. at: store, epoch and a
 * head that this store has acknowledged; where it is not in that state, or suspect, nothing is written: E_STATE,
 * E_BACKEND. E_EXISTS: Redis contradicts the journal. ret_changed: it was lacking. */
int store_mend(struct store *s, const struct store_head *at, const char *const *row, size_t n,
	       bool *ret_changed, struct errmsg *em) MUST_CHECK;

/* Serials of certificates that would let somebody in, page by page from cursor "0" until it is "0" again. */
int store_certs_live(struct store *s, char cursor[STORE_CURSOR_SIZE],
		     int (*fn)(void *ctx, const char *serial), void *ctx,
		     struct errmsg *em) MUST_CHECK;

struct store_change {
	char user[ID_SIZE];
	char restored_by[NAME_SIZE], hold[NAME_SIZE]; /* whose stream says so; "": no restoration */
	bool renewed; /* a certificate was used that takes the place of another: store_supersede */
};
/* Whom the events after `positions` name, and how many fields `revoked` has. Positions are an opaque
 * text that is replaced by the new one; empty: from now on, and nobody is named. */
int store_changed(struct store *s, struct buf *positions, int64_t *ret_revoked,
		  int (*fn)(void *ctx, const struct store_change *c), void *ctx,
		  struct errmsg *em) MUST_CHECK;

#endif
