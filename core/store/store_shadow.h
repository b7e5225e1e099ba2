/*
 * A version of the group map in shadow: beside the one in force it judges what connects, and all that comes of it is a
 * report. As store.h in all else; behind are policy_shadow, shadow_facts, shadow_note and shadow_report (docs/REDIS.md).
 */
#ifndef CORE_STORE_STORE_SHADOW_H
#define CORE_STORE_STORE_SHADOW_H

#include "core/model/facts.h"
#include "core/store/store.h"

enum { STORE_SHADOW_TEXT_SIZE = 201 };

/* As the installer. Sets the version that runs in shadow and begins its report anew; 0: none. E_NOTFOUND; E_STATE: it is
 * in force, not complete, or damaged. */
int store_shadow_set(struct store *s, int64_t version, struct errmsg *em) MUST_CHECK;

struct store_shadow_facts {
	int64_t version;                      /* 0: none runs in shadow, and the rest is not set */
	struct facts facts;                   /* as of store_authorize */
	struct group groups[USER_GROUPS_MAX]; /* the person's groups in that version */
	size_t n_groups;
	char broken[REASON_SIZE]; /* "" or why nobody can be judged by that version */
};
int store_shadow_facts(struct store *s, const char *serial, struct store_shadow_facts *ret,
		       struct errmsg *em) MUST_CHECK;

enum { STORE_SHADOW_CHANGES_MAX = 16 };

struct store_shadow_change {
	char serial[SERIAL_SIZE];
	const char *kind;                                               /* authz_change_text */
	char now[STORE_SHADOW_TEXT_SIZE], then[STORE_SHADOW_TEXT_SIZE]; /* authz_describe */
};
struct store_shadow_note {
	int64_t version, judged, broken; /* connections since the last note */
	struct store_shadow_change changes[STORE_SHADOW_CHANGES_MAX]; /* those that differ */
	size_t n;
};
/* As radius. Does nothing when that version is not in shadow any more. */
int store_shadow_note(struct store *s, const struct store_shadow_note *note,
		      struct errmsg *em) MUST_CHECK;

/* Connections of one certificate that differ. */
struct store_shadow_row {
	char serial[SERIAL_SIZE], user[ID_SIZE], login[LOGIN_SIZE];
	char kind[16]; /* of the last of them, as now and then */
	int64_t count, first, last;
	char now[STORE_SHADOW_TEXT_SIZE], then[STORE_SHADOW_TEXT_SIZE];
};
struct store_shadow_report {
	int64_t version; /* in shadow; 0: none */
	int64_t about;   /* the report is about this one: the last that was; 0: there was none */
	int64_t since, last; /* unix seconds; last 0: nothing was judged yet */
	int64_t judged, refused, let_in, moved, session; /* connections */
	int64_t broken;   /* could not be judged, as the version is damaged */
	int64_t listed;   /* certificates */
	int64_t unlisted; /* connections that differ, of certificates beyond those that are kept */
	struct store_shadow_row *rows; /* newest first */
	size_t n;
};
/* Release with free(ret->rows). */
int store_shadow_report(struct store *s, struct store_shadow_report *ret,
			struct errmsg *em) MUST_CHECK;

#endif
