#include "core/model/user.h"

#include "core/base/text.h"

#include <stdbool.h>
#include <string.h>

static bool group_seen(char groups[][NAME_SIZE], size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(groups[i], name) == 0)
			return true;
	return false;
}

bool user_left(int64_t leave_at, int64_t now)
{
	return leave_at != 0 && leave_at <= now;
}

int user_groups_parse(struct user *u, const char *list)
{
	char groups[USER_GROUPS_MAX][NAME_SIZE];
	char name[NAME_SIZE];
	size_t n = 0, len;

	memset(groups, 0, sizeof(groups));
	while (*list != '\0') {
		len = strcspn(list, ",");
		if (len >= sizeof(name))
			return E_FORMAT;
		memcpy(name, list, len);
		name[len] = '\0';
		if (!text_is_name(name, sizeof(name) - 1))
			return E_FORMAT;
		if (!group_seen(groups, n, name)) {
			if (n == USER_GROUPS_MAX)
				return E_TOOBIG;
			memcpy(groups[n++], name, len + 1);
		}
		list += len;
		if (*list == ',' && *++list == '\0')
			return E_FORMAT;
	}
	memcpy(u->groups, groups, sizeof(groups));
	u->n_groups = n;
	return E_OK;
}

int user_groups_text(const struct user *u, char *dst, size_t size)
{
	size_t i, len, at = 0;

	if (size == 0 || u->n_groups > USER_GROUPS_MAX)
		return E_TOOBIG;
	for (i = 0; i < u->n_groups; i++)
		at += strnlen(u->groups[i], NAME_SIZE) + (i > 0);
	if (at >= size)
		return E_TOOBIG;
	for (at = 0, i = 0; i < u->n_groups; i++) {
		if (i > 0)
			dst[at++] = ',';
		len = strnlen(u->groups[i], NAME_SIZE);
		memcpy(dst + at, u->groups[i], len);
		at += len;
	}
	dst[at] = '\0';
	return E_OK;
}
