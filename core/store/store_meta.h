/*
 * What the store says of itself (docs/REDIS.md, "Is it whole?"): which store it is, in which epoch, and
 * how far the CA's journal was when it was last heard. One round trip each; errors as in store.h.
 */
#ifndef CORE_STORE_STORE_META_H
#define CORE_STORE_STORE_META_H

#include "core/store/store.h"

/* Which store, and a record of the journal: its sequence and hash. */
struct store_head {
	char store[STORE_ID_SIZE];
	int64_t epoch; /* from 1 */
	int64_t head;
	char head_hash[HASH_SIZE];
};

struct store_meta {
	struct store_head at; /* empty where it is not set up */
	int64_t beat;         /* unix seconds; 0: never */
	bool set_up;          /* all of it is there */
	bool ready;           /* and nobody has found anything missing since */
};

int store_meta_get(struct store *s, struct store_meta *ret, struct errmsg *em) MUST_CHECK;

enum store_said {
	STORE_FITS,      /* and is written */
	STORE_LOST,      /* nothing is there, or half of it */
	STORE_FOREIGN,   /* another store */
	STORE_OLD_EPOCH, /* of before a repair that the journal knows */
	STORE_NEW_EPOCH, /* of after a repair that the journal does not know */
	STORE_BEHIND,    /* knows less than it has acknowledged */
	STORE_BEYOND,    /* knows a record that the journal does not have, or has otherwise */
	STORE_SUSPECT,   /* fits, but was found to lack something */
};

/* The ca role: writes head and time when all fits; least: the head that this store has acknowledged
 * before. ret: what stood there before this call. */
int store_beat(struct store *s, const struct store_head *mine, int64_t least,
	       enum store_said *ret_said, struct store_meta *ret, struct errmsg *em) MUST_CHECK;
/* Nobody gets in any more and nothing is issued until it is renewed. */
int store_suspect(struct store *s, const char *reason, struct errmsg *em) MUST_CHECK;
/* After a repair, by scepctl. E_STATE: the epoch is lower than the store's. */
int store_renew(struct store *s, const struct store_head *h, bool ready,
		struct errmsg *em) MUST_CHECK;

#endif
