/* What another version of the group map would change for the certificates that are about. */
#ifndef SCEPCTL_POLICY_DIFF_H
#define SCEPCTL_POLICY_DIFF_H

#include "core/model/group.h"
#include "core/store/store.h"

/* Judges every live certificate by the groups in force and by these, and prints whom it would refuse, let in or move;
 * *ret_code is an exit code. Rules of place, time and name count for neither: nobody connects here. */
int policy_diff(struct store *s, const struct group *groups, size_t n, bool json, int *ret_code,
		struct errmsg *em) MUST_CHECK;

#endif
