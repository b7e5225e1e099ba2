/* Options of one subcommand: a table instead of getopt, whose state is global. Pure. */
#ifndef SCEPCTL_OPTS_H
#define SCEPCTL_OPTS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { OPTS_LIST_MAX = 32 };

struct opts_list {
	const char *v[OPTS_LIST_MAX];
	size_t n;
};

enum opts_kind { OPT_FLAG, OPT_TEXT, OPT_NUMBER, OPT_LIST };

struct opts_spec {
	const char *name;  /* "--organization"; NULL ends the table */
	const char *alias; /* "-c", or NULL */
	enum opts_kind kind;
	void *dst; /* bool, const char *, long or struct opts_list; keeps its value when not given */
	long min, max; /* of OPT_NUMBER */
};

/*
 * Reads argv[1..]: `--name value`, `--name=value`, flags, and `--` before words that begin with a
 * dash. Words that are no option go to rest[max]. E_FORMAT with a sentence for anything else: an
 * unknown option, a value missing, given twice or out of range, more than max words. argv is borrowed.
 */
int opts_parse(int argc, char **argv, const struct opts_spec *specs, const char **rest, size_t max,
	       size_t *ret_n, struct errmsg *em) MUST_CHECK;

/* The candidate (list ends with NULL) that word most likely meant, or NULL when none is near. */
const char *opts_nearest(const char *word, const char *const *candidates);

#endif
