#include "auto_revoke/directory/ldap_schema.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { DN_SIZE = 512, NEEDS_MAX = 40 };

static bool is(struct bytes b, size_t at, const char *word, size_t n)
{
	return b.n - at >= n && strncasecmp((const char *)b.p + at, word, n) == 0;
}

static size_t blanks(struct bytes b, size_t at)
{
	while (at < b.n && isspace(b.p[at]))
		at++;
	return at;
}

static size_t word_end(struct bytes b, size_t at)
{
	while (at < b.n && !isspace(b.p[at]) && b.p[at] != '(' && b.p[at] != ')' && b.p[at] != '\'')
		at++;
	return at;
}

/* at: behind the word NAME. One name in quotes, or several of them in parentheses. */
static bool named(struct bytes b, size_t at, const char *name, size_t n)
{
	bool list;

	at = blanks(b, at);
	list = at < b.n && b.p[at] == '(';
	at += list;
	do {
		const uint8_t *end;

		at = blanks(b, at);
		if (at >= b.n || b.p[at++] != '\'')
			return false;
		if (is(b, at, name, n) && at + n < b.n && b.p[at + n] == '\'')
			return true;
		end = memchr(b.p + at, '\'', b.n - at);
		if (end == NULL)
			return false;
		at = (size_t)(end - b.p) + 1;
	} while (list);
	return false;
}

bool ldap_schema_defines(struct bytes d, const char *name)
{
	size_t n = strcspn(name, ";"), /* options such as ;lang-en are no part of the name */
		at = blanks(d, 0), end;

	if (n == 0 || at >= d.n || d.p[at] != '(')
		return false;
	at = blanks(d, at + 1);
	end = word_end(d, at);
	if (end - at == n && is(d, at, name, n))
		return true;
	/* NAME comes before anything in quotes that is a text. */
	at = blanks(d, end);
	return is(d, at, "NAME", 4) && named(d, at + 4, name, n);
}

/* ---- asking ---- */

static int take_dn(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	struct bytes v = dir_value(e, "subschemaSubentry");
	char *dn = ctx;

	(void)em;
	if (v.n > 0 && v.n < DN_SIZE) {
		memcpy(dn, v.p, v.n);
		dn[v.n] = '\0';
	}
	return E_OK;
}

struct looking {
	const struct ldap_schema_need *needs;
	size_t n;
	bool attributes, classes; /* the server shows them */
	bool found[NEEDS_MAX];
};

static void look(struct looking *l, const struct dir_attr *a, bool classes)
{
	if (a == NULL || a->n == 0)
		return;
	*(classes ? &l->classes : &l->attributes) = true;
	for (size_t i = 0; i < l->n; i++)
		for (size_t k = 0; l->needs[i].is_class == classes && !l->found[i] && k < a->n; k++)
			l->found[i] = ldap_schema_defines(a->values[k], l->needs[i].name);
}

static int take_schema(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	(void)em;
	look(ctx, dir_attr(e, "attributeTypes"), false);
	look(ctx, dir_attr(e, "objectClasses"), true);
	return E_OK;
}

int ldap_schema_check(struct dirconn *c, const struct ldap_schema_need *needs, size_t n,
		      struct errmsg *em)
{
	static const char *const where[] = {"subschemaSubentry", NULL}, *const what[] = {
										"attributeTypes",
										"objectClasses",
										NULL};
	struct dirconn_search s = {.base = "",
				   .filter = "(objectClass=*)",
				   .attrs = where,
				   .max = 1,
				   .base_only = true};
	struct looking l = {.needs = needs, .n = n < NEEDS_MAX ? n : NEEDS_MAX};
	char dn[DN_SIZE] = "";
	struct errmsg why;
	int rc = dirconn_search(c, &s, take_dn, dn, &why);

	s.base = dn;
	s.attrs = what;
	if (rc == E_OK && dn[0] != '\0')
		rc = dirconn_search(c, &s, take_schema, &l, &why);
	if (rc == E_UNAVAIL)
		return err_set(em, rc, "%s", why.text);
	for (size_t i = 0; rc == E_OK && i < l.n; i++)
		if (!l.found[i] && (needs[i].is_class ? l.classes : l.attributes))
			return err_set(
				em, E_FORMAT,
				"%.80s: its schema has no %s %.60s (ldap.%s): what hangs on it "
				"cannot be told",
				dirconn_uri(c), needs[i].is_class ? "object class" : "attribute",
				needs[i].name, needs[i].key);
	return E_OK;
}
