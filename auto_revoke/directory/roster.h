/*
 * Everybody that one read of a source listed, kept small (some 100 bytes each) and sorted by login.
 * Memory only, at most ROSTER_MAX people.
 */
#ifndef AUTO_REVOKE_DIRECTORY_ROSTER_H
#define AUTO_REVOKE_DIRECTORY_ROSTER_H

#include "auto_revoke/directory/directory.h"
#include "core/base/buf.h"

enum { ROSTER_MAX = 2000000 };

struct roster_entry {
	uint32_t login, id, groups, name, email; /* places in the text; groups as "a,b", sorted */
	uint32_t line;
	uint8_t status; /* enum person_status */
	uint8_t has;    /* enum person_has */
	bool fresh;     /* not as in the read before, see roster_compare */
	int64_t leave_at;
};

struct roster {
	struct roster_entry *entries;
	size_t n, cap;
	uint32_t *by_id; /* indexes of entries, sorted by id; NULL: the source knows no ids */
	bool partial;    /* see struct directory */
	struct buf text;
};

void roster_init(struct roster *r);
void roster_free(struct roster *r);

/* A directory_emit: ctx is the roster. */
int roster_add(void *ctx, const struct person *p, struct errmsg *em) MUST_CHECK;

/* After the last add: sorts. E_FORMAT when a login is there twice or nobody is. */
int roster_finish(struct roster *r, struct errmsg *em) MUST_CHECK;

/* NULL when the login is not listed. Needs roster_finish. */
const struct roster_entry *roster_find(const struct roster *r, const char *login);

/* The entry of a person of the store: by id where the source knows ids, so that somebody with a login
 * name that was another's before is not taken for that other; else by login. */
const struct roster_entry *roster_person(const struct roster *r, const char *login, const char *id);

/* Marks what is not as `before` had it, and what is marked there. */
void roster_compare(struct roster *r, const struct roster *before);

const char *roster_text(const struct roster *r, uint32_t place);

#endif
