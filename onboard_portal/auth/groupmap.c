#include "onboard_portal/auth/groupmap.h"

#include "core/base/text.h"

#include <stdlib.h>

bool groupmap_is_ours(const struct conf *c, const char *name)
{
	const char *const *titles;
	size_t n = conf_titles(c, "group", &titles);

	for (size_t i = 0; i < n; i++)
		if (strcmp(titles[i], name) == 0)
			return true;
	return false;
}

int groupmap_put(struct user *u, const char *name, struct errmsg *em)
{
	for (size_t i = 0; i < u->n_groups; i++)
		if (strcmp(u->groups[i], name) == 0)
			return E_OK;
	if (u->n_groups == USER_GROUPS_MAX)
		return err_set(em, E_FORMAT, "somebody is in more than %d groups", USER_GROUPS_MAX);
	return text_copy(u->groups[u->n_groups++], NAME_SIZE, name);
}

int groupmap_add(const struct conf *c, const char *key, const char *value, struct user *u,
		 struct errmsg *em)
{
	const char *const *titles, *const *values;
	size_t n = conf_titles(c, "group", &titles);
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < n; i++) {
		size_t k = conf_list(c, "group", titles[i], key, &values);
		bool same = k == 0 && strcmp(titles[i], value) == 0;

		for (size_t j = 0; !same && j < k; j++)
			same = strcmp(values[j], value) == 0;
		if (same)
			r = groupmap_put(u, titles[i], em);
	}
	return r;
}

static int order(const void *a, const void *b)
{
	return strcmp(a, b);
}

void groupmap_sort(struct user *u)
{
	qsort(u->groups, u->n_groups, sizeof(u->groups[0]), order);
}
