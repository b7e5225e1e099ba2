#include "onboard_portal/flow/choice.h"

#include <stdbool.h>

static bool member(const struct user *u, const char *group)
{
	for (size_t i = 0; i < u->n_groups; i++) {
		if (strcmp(u->groups[i], group) == 0)
			return true;
	}
	return false;
}

static const char *existing(const char *name, const char *const *profiles, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(profiles[i], name) == 0)
			return profiles[i];
	}
	return NULL;
}

static const char *profile_of(const struct choice_group *g, const char *const *profiles, size_t n)
{
	const char *found;

	if (g->n_profiles == 0)
		return existing(g->name, profiles, n);
	for (size_t i = 0; i < g->n_profiles; i++) {
		found = existing(g->profiles[i], profiles, n);
		if (found != NULL)
			return found;
	}
	return NULL;
}

int choice_make(const struct user *u, const struct choice_group *groups, size_t n_groups,
		const char *const *profiles, size_t n_profiles, struct choice *ret)
{
	struct choice best = {0};
	const char *profile;

	for (size_t i = 0; i < n_groups; i++) {
		const struct choice_group *g = &groups[i];

		if (!member(u, g->name) ||
		    (best.group != NULL && g->priority <= best.group->priority))
			continue;
		profile = profile_of(g, profiles, n_profiles);
		if (profile != NULL)
			best = (struct choice){.group = g, .profile = profile};
	}
	if (best.group == NULL)
		return E_NOTFOUND;
	*ret = best;
	return E_OK;
}
