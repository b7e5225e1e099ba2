#include "auto_revoke/directory/ldap_filter.h"

#include "core/base/text.h"

#include <strings.h>

enum { DEPTH_MAX = 16, VALUE_MAX = 256, PIECES_MAX = 16 };

#define RULE_BIT_AND ":1.2.840.113556.1.4.803:"

struct walk {
	const char *at;
	const struct dir_entry *e; /* NULL: check only */
	char (*names)[LDAP_FILTER_NAME_SIZE];
	size_t n_names;
	unsigned depth;
	bool bad;
};

/* A value with its escapes resolved, cut at the asterisks. */
struct pattern {
	char text[VALUE_MAX];
	struct bytes piece[PIECES_MAX];
	size_t n; /* pieces; 1: no asterisk */
};

static bool value_read(struct walk *w, struct pattern *p)
{
	size_t n = 0, from = 0;

	p->n = 0;
	for (;; w->at++) {
		char c = *w->at;
		bool end = c == ')' || c == '\0';

		if (end || c == '*') {
			if (p->n == PIECES_MAX)
				return false;
			p->piece[p->n++] = bytes_of(p->text + from, n - from);
			from = n;
			if (end)
				return c == ')';
			continue;
		}
		if (c == '(' || n + 1 >= sizeof(p->text))
			return false;
		if (c == '\\') {
			char hex[3] = {w->at[1], w->at[1] != '\0' ? w->at[2] : '\0', '\0'};

			if (text_unhex(&c, 1, hex) != E_OK || strlen(hex) != 2)
				return false;
			w->at += 2;
		}
		p->text[n++] = c;
	}
}

static bool find_piece(struct bytes v, size_t from, struct bytes piece, size_t *ret_end)
{
	for (; piece.n <= v.n && from <= v.n - piece.n; from++)
		if (strncasecmp((const char *)v.p + from, (const char *)piece.p, piece.n) == 0) {
			*ret_end = from + piece.n;
			return true;
		}
	return false;
}

static bool like(struct bytes v, const struct pattern *p)
{
	const struct bytes *first = &p->piece[0], *last = &p->piece[p->n - 1];
	size_t at = first->n;

	if (v.n < first->n ||
	    (first->n > 0 && strncasecmp((const char *)v.p, (const char *)first->p, first->n) != 0))
		return false;
	if (p->n == 1)
		return v.n == first->n;
	for (size_t i = 1; i + 1 < p->n; i++)
		if (!find_piece(v, at, p->piece[i], &at))
			return false;
	return v.n >= at + last->n &&
	       (last->n == 0 || strncasecmp((const char *)v.p + v.n - last->n,
					    (const char *)last->p, last->n) == 0);
}

static bool number_of(struct bytes v, int64_t *ret)
{
	char text[24];

	if (v.n == 0 || v.n >= sizeof(text))
		return false;
	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	return strlen(text) == v.n && text_int64(text, ret) == E_OK;
}

static int compare(struct bytes a, struct bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int64_t x, y;
	int c;

	if (number_of(a, &x) && number_of(b, &y))
		return x < y ? -1 : x > y;
	c = n > 0 ? strncasecmp((const char *)a.p, (const char *)b.p, n) : 0;
	return c != 0 ? c : a.n < b.n ? -1 : a.n > b.n;
}

static bool value_matches(struct bytes v, char op, const struct pattern *p)
{
	int64_t have, want;

	switch (op) {
	case '>':
		return compare(v, p->piece[0]) >= 0;
	case '<':
		return compare(v, p->piece[0]) <= 0;
	case '&':
		return number_of(v, &have) && number_of(p->piece[0], &want) &&
		       (have & want) == want;
	default:
		return like(v, p);
	}
}

static void name_keep(struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->n_names; i++)
		if (strcasecmp(w->names[i], name) == 0)
			return;
	if (w->n_names == LDAP_FILTER_ATTRS_MAX)
		w->bad = true;
	else
		(void)snprintf(w->names[w->n_names++], LDAP_FILTER_NAME_SIZE, "%s", name);
}

static bool item(struct walk *w)
{
	size_t n = strcspn(w->at, "=<>:~()");
	char name[LDAP_FILTER_NAME_SIZE], op = '=';
	const struct dir_attr *a;
	struct pattern p;

	if (n == 0 || n >= sizeof(name)) {
		w->bad = true;
		return false;
	}
	memcpy(name, w->at, n);
	name[n] = '\0';
	w->at += n;
	if (strncmp(w->at, RULE_BIT_AND, sizeof(RULE_BIT_AND) - 1) == 0) {
		op = '&';
		w->at += sizeof(RULE_BIT_AND) - 1;
	} else if (*w->at == '<' || *w->at == '>') {
		op = *w->at++;
	}
	if (*w->at++ != '=' || !text_is_name(name, sizeof(name) - 1) || !value_read(w, &p) ||
	    (op != '=' && p.n != 1)) {
		w->bad = true;
		return false;
	}
	if (w->names != NULL)
		name_keep(w, name);
	a = w->e != NULL ? dir_attr(w->e, name) : NULL;
	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (value_matches(a->values[i], op, &p))
			return true;
	return false;
}

static bool filter(struct walk *w);

static bool list(struct walk *w, bool all)
{
	bool result = all;

	for (w->at++; *w->at == '(' && !w->bad;) {
		bool one = filter(w);

		result = all ? result && one : result || one;
	}
	return result;
}

static bool filter(struct walk *w)
{
	bool result;

	if (*w->at != '(' || ++w->depth > DEPTH_MAX) {
		w->bad = true;
		return false;
	}
	w->at++;
	if (*w->at == '&' || *w->at == '|') {
		result = list(w, *w->at == '&');
	} else if (*w->at == '!') {
		w->at++;
		result = !filter(w);
	} else {
		result = item(w);
	}
	if (*w->at != ')')
		w->bad = true;
	else
		w->at++;
	w->depth--;
	return result;
}

int ldap_filter_check(const char *text, char names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE],
		      size_t *ret_n, struct errmsg *em)
{
	struct walk w = {.at = text, .names = names};

	(void)filter(&w);
	if (w.bad || *w.at != '\0')
		return err_set(em, E_CONFIG, "ldap: leaver: not understood from \"%.60s\" on",
			       w.at);
	*ret_n = w.n_names;
	return E_OK;
}

bool ldap_filter_matches(const char *text, const struct dir_entry *e)
{
	struct walk w = {.at = text, .e = e};
	bool yes = filter(&w);

	return yes && !w.bad;
}
