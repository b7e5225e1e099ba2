/* One entry of a directory as plain data, borrowed from whoever read it. Pure. */
#ifndef CORE_LDAP_DIRENTRY_H
#define CORE_LDAP_DIRENTRY_H

#include "core/base/bytes.h"

#include <stdbool.h>

struct dir_attr {
	const char *name;
	const struct bytes *values;
	size_t n;
};

struct dir_entry {
	const char *dn;
	const struct dir_attr *attrs;
	size_t n;
};

/* NULL when the entry has no such attribute. Names compare without case. */
const struct dir_attr *dir_attr(const struct dir_entry *e, const char *name);

/* The first value; n 0 when there is none. */
struct bytes dir_value(const struct dir_entry *e, const char *name);

/* True when one of the values is this text, without case. */
bool dir_has(const struct dir_entry *e, const char *name, const char *value);

#endif
