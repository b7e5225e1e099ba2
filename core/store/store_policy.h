/*
 * Versions of the group map: loaded whole, then brought in force at once, and back. As store.h in all else. The
 * Functions behind are policy_new, policy_group, policy_seal, policy_activate, policy_rollback, policies and
 * policy_show (docs/REDIS.md). Only the installer may change anything.
 */
#ifndef CORE_STORE_STORE_POLICY_H
#define CORE_STORE_STORE_POLICY_H

#include "core/model/group.h"
#include "core/store/store.h"

enum { STORE_NOTE_SIZE = 141, STORE_POLICIES_MAX = 64 };

struct store_policy {
	int64_t version, time; /* unix seconds */
	char by[NAME_SIZE];
	int64_t groups; /* 0: loading it was never finished */
	char note[STORE_NOTE_SIZE];
};

struct store_policies {
	int64_t active, before, shadow; /* 0: none */
	struct store_policy list[STORE_POLICIES_MAX];
	size_t n;
};

/* Stores a version; what is in force stays. After a failure nothing can be activated of it. */
int store_policy_put(struct store *s, const struct group *groups, size_t n, const char *note,
		     int64_t *ret_version, struct errmsg *em) MUST_CHECK;
/* Brings a version in force, all of it in one step. E_NOTFOUND, E_STATE: not complete, or damaged. */
int store_policy_activate(struct store *s, int64_t version, struct errmsg *em) MUST_CHECK;
/* Back to what was in force before. E_NOTFOUND: there was nothing. */
int store_policy_rollback(struct store *s, int64_t *ret_version, struct errmsg *em) MUST_CHECK;
int store_policies(struct store *s, struct store_policies *ret, struct errmsg *em) MUST_CHECK;
/* The groups of a version. The caller frees *ret. */
int store_policy_groups(struct store *s, int64_t version, struct group **ret, size_t *ret_n,
			struct errmsg *em) MUST_CHECK;

#endif
