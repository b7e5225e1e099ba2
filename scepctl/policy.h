/* From the groups of scepauth.conf to the group records in Redis. */
#ifndef SCEPCTL_POLICY_H
#define SCEPCTL_POLICY_H

#include "core/base/conf.h"
#include "core/model/group.h"
#include "core/store/store.h"

enum { POLICY_GROUPS_MAX = 256 };

struct policy_changes {
	char loaded[POLICY_GROUPS_MAX][NAME_SIZE];
	size_t n_loaded;
	char removed[POLICY_GROUPS_MAX][NAME_SIZE]; /* in Redis, but no longer in the file */
	size_t n_removed;
};

/* The record of one group: reads the issuing certificates of its profiles. E_CONFIG. */
int policy_group(const struct conf *conf, const char *name, struct group *ret,
		 struct errmsg *em) MUST_CHECK;

/* All groups of a file, judged. The caller frees *ret. E_CONFIG. */
int policy_read(const struct conf *conf, struct group **ret, size_t *ret_n,
		struct errmsg *em) MUST_CHECK;

/* Judges all groups first, then writes them, then removes those that vanished. */
int policy_load(struct store *s, const struct conf *conf, struct policy_changes *ret,
		struct errmsg *em) MUST_CHECK;

/* Prints groups; returns an exit code. */
int policy_print(const struct group *groups, size_t n, bool json);

/* Prints what was done; returns an exit code. */
int policy_report(const struct policy_changes *c, bool json);

#endif
