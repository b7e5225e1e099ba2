/* Lists of pairs that Redis hands out in pages: holds and logins. A page may repeat a pair, so all are
 * gathered and sorted first; each is then told once. */
#include "core/store/store_call.h"

/* Far beyond any site; keeps a broken server from filling the memory. */
#define PAIRS_MAX 2000000

struct pair {
	char *name, *value; /* one allocation, at name */
};

struct pairs {
	struct pair *p;
	size_t n, cap;
};

static void pairs_free(struct pairs *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		free(v->p[i].name);
	free(v->p);
}

static int pairs_add(struct pairs *v, struct bytes name, struct bytes value)
{
	struct pair *grown;
	char *text;

	if (v->n == PAIRS_MAX)
		return E_TOOBIG;
	if (v->n == v->cap) {
		grown = realloc(v->p, (v->cap * 2 + 64) * sizeof(*grown));
		if (grown == NULL)
			return E_NOMEM;
		v->p = grown;
		v->cap = v->cap * 2 + 64;
	}
	text = malloc(name.n + value.n + 2);
	if (text == NULL)
		return E_NOMEM;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	memcpy(text + name.n + 1, value.p, value.n);
	text[name.n + 1 + value.n] = '\0';
	v->p[v->n].name = text;
	v->p[v->n++].value = text + name.n + 1;
	return E_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* One page: cursor, then name and value in turn. */
static int page(struct store *s, const char *function, const char *source, char cursor[24],
		struct pairs *v, struct errmsg *em)
{
	const struct reply *list;
	struct bytes name, value;
	struct reply *r = NULL;
	struct call c;
	size_t i;
	int rc;

	call_init_ro(&c, function);
	call_str(&c, source);
	call_str(&c, cursor);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	list = reply_at(r, 1);
	if (reply_count(r) != 2 || reply_text(r, 0, cursor, 24) ||
	    reply_kind(list) != REPLY_ARRAY || reply_count(list) % 2 != 0)
		rc = call_bad_reply(em);
	for (i = 0; rc == E_OK && i + 1 < reply_count(list); i += 2) {
		name = reply_bytes(reply_at(list, i));
		value = reply_bytes(reply_at(list, i + 1));
		if (name.p == NULL || value.p == NULL)
			rc = call_bad_reply(em);
		else
			rc = pairs_add(v, name, value);
	}
	reply_free(r);
	return rc;
}

static int list(struct store *s, const char *function, const char *source,
		int (*fn)(void *ctx, const char *name, const char *value), void *ctx,
		struct errmsg *em)
{
	struct pairs v = {0};
	char cursor[24] = "0";
	size_t i;
	int rc;

	do {
		rc = page(s, function, source, cursor, &v, em);
	} while (rc == E_OK && strcmp(cursor, "0") != 0);
	if (rc == E_OK && v.n > 0)
		qsort(v.p, v.n, sizeof(*v.p), by_name);
	for (i = 0; rc == E_OK && i < v.n; i++)
		if (i == 0 || strcmp(v.p[i].name, v.p[i - 1].name) != 0)
			rc = fn(ctx, v.p[i].name, v.p[i].value);
	pairs_free(&v);
	return rc;
}

int store_holds(struct store *s, const char *source,
		int (*fn)(void *ctx, const char *user, const char *value), void *ctx,
		struct errmsg *em)
{
	return list(s, "holds", source, fn, ctx, em);
}

int store_logins(struct store *s, const char *source,
		 int (*fn)(void *ctx, const char *login, const char *user), void *ctx,
		 struct errmsg *em)
{
	return list(s, "logins", source, fn, ctx, em);
}
