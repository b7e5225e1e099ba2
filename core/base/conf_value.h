/* Rows of the schema and what is a good value for one. Pure; private to conf.c. */
#ifndef CORE_BASE_CONF_VALUE_H
#define CORE_BASE_CONF_VALUE_H

#include "core/base/conf_schema.h"
#include "core/base/err.h"

#include <stddef.h>

#define CONF_TEXT_MAX 1024 /* bytes of one value */

bool conf_is_top(const char *section);

/* The row, or NULL. */
const struct conf_key *conf_find_key(const char *section, const char *key);

/* True for the first row of its section: one step per section in a walk over the schema. */
bool conf_begins_section(const struct conf_key *k);

/* "scep.max-body", "profile.staff.lifetime" or "organization". */
void conf_key_name(char *dst, size_t size, const struct conf_key *k, const char *title);

/* E_CONFIG with the reason in why, or E_OK with *ret_num set when k is an INT or a BOOL. */
int conf_check_value(const struct conf_key *k, const char *text, long *ret_num, char *why,
		     size_t size) MUST_CHECK;

/* How many characters must be put in, taken out or changed to make b of a. */
size_t conf_name_distance(const char *a, const char *b);

#endif
