#include "core/ldap/direntry.h"

#include <strings.h>

const struct dir_attr *dir_attr(const struct dir_entry *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcasecmp(e->attrs[i].name, name) == 0)
			return &e->attrs[i];
	return NULL;
}

struct bytes dir_value(const struct dir_entry *e, const char *name)
{
	const struct dir_attr *a = dir_attr(e, name);

	return a != NULL && a->n > 0 ? a->values[0] : bytes_of(NULL, 0);
}

bool dir_has(const struct dir_entry *e, const char *name, const char *value)
{
	const struct dir_attr *a = dir_attr(e, name);
	size_t n = strlen(value);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (a->values[i].n == n && strncasecmp((const char *)a->values[i].p, value, n) == 0)
			return true;
	return false;
}
