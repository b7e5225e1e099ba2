/* Which of our groups a group somewhere else stands for, by a list in the group sections. */
#ifndef ONBOARD_PORTAL_AUTH_GROUPMAP_H
#define ONBOARD_PORTAL_AUTH_GROUPMAP_H

#include "core/base/conf.h"
#include "core/model/user.h"

bool groupmap_is_ours(const struct conf *c, const char *name);

/* Puts u into our group `name` unless it is there already. E_FORMAT: into too many. */
int groupmap_put(struct user *u, const char *name, struct errmsg *em) MUST_CHECK;

/* Puts u into all of our groups that the list `key` of their sections has this value in, or that have an
 * empty list and this name. Exactly as written. */
int groupmap_add(const struct conf *c, const char *key, const char *value, struct user *u,
		 struct errmsg *em) MUST_CHECK;

/* By name, as the store keeps them. */
void groupmap_sort(struct user *u);

#endif
