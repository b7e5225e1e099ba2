#include "scepctl/opts.h"

#include "core/base/text.h"

#include <stdint.h>

enum { SPECS_MAX = 64, WORD_MAX = 64 };

static const struct opts_spec *find(const struct opts_spec *specs, const char *arg, size_t n)
{
	for (const struct opts_spec *s = specs; s->name; s++) {
		if (strlen(s->name) == n && strncmp(s->name, arg, n) == 0)
			return s;
		if (s->alias && strlen(s->alias) == n && strncmp(s->alias, arg, n) == 0)
			return s;
	}
	return NULL;
}

static int set_number(const struct opts_spec *s, const char *value, struct errmsg *em)
{
	int64_t n;

	if (text_int64(value, &n) != E_OK || n < s->min || n > s->max)
		return err_set(em, E_FORMAT, "%s: '%.40s' is not a number from %ld to %ld", s->name,
			       value, s->min, s->max);
	*(long *)s->dst = (long)n;
	return E_OK;
}

static int set(const struct opts_spec *s, const char *value, bool again, struct errmsg *em)
{
	struct opts_list *list = s->dst;

	if (again && s->kind != OPT_LIST && s->kind != OPT_FLAG)
		return err_set(em, E_FORMAT, "%s is given twice", s->name);
	switch (s->kind) {
	case OPT_FLAG:
		*(bool *)s->dst = true;
		return E_OK;
	case OPT_TEXT:
		*(const char **)s->dst = value;
		return E_OK;
	case OPT_NUMBER:
		return set_number(s, value, em);
	case OPT_LIST:
		if (list->n == OPTS_LIST_MAX)
			return err_set(em, E_FORMAT, "%s is given more than %d times", s->name,
				       OPTS_LIST_MAX);
		list->v[list->n++] = value;
		return E_OK;
	}
	return err_set(em, E_INTERNAL, "%s", s->name);
}

static int unknown(const struct opts_spec *specs, const char *arg, size_t n, struct errmsg *em)
{
	const char *names[SPECS_MAX + 1];
	char word[WORD_MAX];
	const char *near = NULL;
	size_t k = 0;

	for (; specs[k].name && k < SPECS_MAX; k++)
		names[k] = specs[k].name;
	names[k] = NULL;
	if (n < sizeof(word)) {
		memcpy(word, arg, n);
		word[n] = '\0';
		near = opts_nearest(word, names);
	}
	if (near)
		return err_set(em, E_FORMAT, "there is no option %.*s; did you mean %s?", (int)n,
			       arg, near);
	return err_set(em, E_FORMAT, "there is no option %.*s", n > 80 ? 80 : (int)n, arg);
}

int opts_parse(int argc, char **argv, const struct opts_spec *specs, const char **rest, size_t max,
	       size_t *ret_n, struct errmsg *em)
{
	bool seen[SPECS_MAX] = {false}, words_only = false;
	size_t n_rest = 0;

	for (int i = 1; i < argc; i++) {
		const struct opts_spec *s;
		const char *value, *equals;
		size_t n;
		int rc;

		if (words_only || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (n_rest == max)
				return err_set(em, E_FORMAT, "one word too many: '%.80s'", argv[i]);
			rest[n_rest++] = argv[i];
			continue;
		}
		if (strcmp(argv[i], "--") == 0) {
			words_only = true;
			continue;
		}
		equals = argv[i][1] == '-' ? strchr(argv[i], '=') : NULL;
		n = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
		s = find(specs, argv[i], n);
		if (!s)
			return unknown(specs, argv[i], n, em);
		value = equals ? equals + 1 : NULL;
		if (s->kind == OPT_FLAG && value)
			return err_set(em, E_FORMAT, "%s takes no value", s->name);
		if (s->kind != OPT_FLAG && !value && i + 1 == argc)
			return err_set(em, E_FORMAT, "%s needs a value", s->name);
		if (s->kind != OPT_FLAG && !value)
			value = argv[++i];
		rc = set(s, value, seen[s - specs], em);
		if (rc != E_OK)
			return rc;
		seen[s - specs] = true;
	}
	*ret_n = n_rest;
	return E_OK;
}

/* Damerau-Levenshtein distance with neighbours swapped as one step; words of up to WORD_MAX - 1. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

const char *opts_nearest(const char *word, const char *const *candidates)
{
	const char *near = NULL;
	size_t least = strlen(word) > 5 ? 3 : 2;

	if (strlen(word) >= WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t d;

		if (strlen(*candidates) >= WORD_MAX)
			continue;
		if (strlen(word) >= 3 && strncmp(word, *candidates, strlen(word)) == 0)
			return *candidates;
		d = distance(word, *candidates);
		if (d <= least && (!near || d < least)) {
			near = *candidates;
			least = d;
		}
	}
	return near;
}
