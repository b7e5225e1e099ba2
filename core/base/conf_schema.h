/* What scepauth.conf may hold; the rows are in conf_schema.c. */
#ifndef CORE_BASE_CONF_SCHEMA_H
#define CORE_BASE_CONF_SCHEMA_H

#include <stdbool.h>

enum conf_type { CONF_STR, CONF_PATH, CONF_KEY, CONF_INT, CONF_BOOL, CONF_LIST };

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): the order in which rows are read */
struct conf_key {
	const char *section; /* "" for the top level */
	bool titled;         /* the section is repeated with a title: group "staff" { } */
	const char *key;
	enum conf_type type;
	const char *def; /* default in the file's spelling; NULL: required in its section */
	long min, max;   /* of integers */
	const char *help;
};

extern const struct conf_key conf_schema[]; /* ends with key == NULL */

#endif
