#include "onboard_portal/flow/text.h"

#include "core/base/text.h"

struct line {
	const char *key;
	const char *sentence;
};

struct text {
	char *copy;
	struct line *lines;
	size_t n;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

/* Splits "key = sentence" in place; 0: nothing on this line, 1: ret is filled, -1: malformed. */
static int split(char *s, struct line *ret)
{
	char *eq;

	if (*s == '\0' || *s == '#')
		return 0;
	eq = strstr(s, " = ");
	if (eq == NULL || eq == s || eq[3] == '\0')
		return -1;
	*eq = '\0';
	if (strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_") != (size_t)(eq - s))
		return -1;
	*ret = (struct line){.key = s, .sentence = eq + 3};
	return 1;
}

static int read_lines(struct text *t, struct errmsg *em)
{
	char *next = t->copy;
	int number = 0, r;

	while (next != NULL) {
		char *s = next;

		number++;
		next = strchr(s, '\n');
		if (next != NULL)
			*next++ = '\0';
		r = split(s, &t->lines[t->n]);
		if (r < 0 || (r == 1 && !text_is_plain(t->lines[t->n].sentence, 1000)))
			return err_set(em, E_FORMAT,
				       "text catalogue line %d: not \"key = sentence\"", number);
		t->n += (size_t)r;
	}
	qsort(t->lines, t->n, sizeof(*t->lines), by_key);
	for (size_t i = 1; i < t->n; i++) {
		if (strcmp(t->lines[i - 1].key, t->lines[i].key) == 0)
			return err_set(em, E_FORMAT, "text catalogue: key %s is there twice",
				       t->lines[i].key);
	}
	return E_OK;
}

int text_load(const char *catalogue, struct text **ret, struct errmsg *em)
{
	struct text *t = calloc(1, sizeof(*t));
	size_t lines = 1;
	int r = E_NOMEM;

	for (const char *p = catalogue; *p != '\0'; p++)
		lines += *p == '\n';
	if (t != NULL) {
		t->copy = strdup(catalogue);
		t->lines = calloc(lines + 1, sizeof(*t->lines));
	}
	if (t != NULL && t->copy != NULL && t->lines != NULL)
		r = read_lines(t, em);
	if (r != E_OK) {
		text_unload(t);
		return r;
	}
	*ret = t;
	return E_OK;
}

void text_unload(struct text *t)
{
	if (t == NULL)
		return;
	free(t->copy);
	free(t->lines);
	free(t);
}

const char *text_find(const struct text *t, const char *key)
{
	struct line want = {.key = key};
	const struct line *found = bsearch(&want, t->lines, t->n, sizeof(want), by_key);

	return found != NULL ? found->sentence : NULL;
}

/* Every {{place}} of a is one of b. */
static bool places_in(const char *a, const char *b)
{
	char place[64];

	for (const char *p = a; (p = strstr(p, "{{")) != NULL; p += 2) {
		const char *end = strstr(p, "}}");

		if (end == NULL || (size_t)(end - p) + 3 > sizeof(place))
			return false;
		snprintf(place, sizeof(place), "%.*s", (int)(end - p + 2), p);
		if (strstr(b, place) == NULL)
			return false;
	}
	return true;
}

int text_fits(const struct text *t, const struct text *own, const struct text *first,
	      struct errmsg *em)
{
	for (size_t i = 0; i < t->n; i++) {
		const char *key = t->lines[i].key, *sentence = t->lines[i].sentence;
		const char *before = text_find(own, key);

		if (before == NULL)
			before = text_find(first, key);
		if (before == NULL)
			return err_set(em, E_FORMAT, "there is no sentence \"%.60s\"", key);
		if (!places_in(sentence, before) || !places_in(before, sentence))
			return err_set(em, E_FORMAT,
				       "%.60s: its {{places}} must be those of \"%.200s\"", key,
				       before);
	}
	return E_OK;
}
