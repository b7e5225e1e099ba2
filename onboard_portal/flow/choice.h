/* Which profile a person's next certificate comes from, by their groups. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_CHOICE_H
#define ONBOARD_PORTAL_FLOW_CHOICE_H

#include "core/base/err.h"
#include "core/model/user.h"

struct choice_group {
	const char *name;
	long priority;
	long device_limit;
	const char *const *profiles; /* empty: the profile named like the group */
	size_t n_profiles;
};

struct choice {
	const struct choice_group *group;
	const char *profile;
};

/*
 * The person's group of highest priority (the first in the list among equals) that has a profile
 * which exists; `profiles` are the existing ones. E_NOTFOUND when there is none: the person may
 * not have a certificate.
 */
int choice_make(const struct user *u, const struct choice_group *groups, size_t n_groups,
		const char *const *profiles, size_t n_profiles, struct choice *ret) MUST_CHECK;

#endif
