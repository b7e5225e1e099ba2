#include "auto_revoke/directory/roster.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 1 << 30 };

void roster_init(struct roster *r)
{
	*r = (struct roster){.entries = NULL};
	buf_init(&r->text, TEXT_MAX_BYTES);
	buf_addc(&r->text, '\0'); /* place 0 is the empty text */
}

void roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	free(r->entries);
	free(r->by_id);
	buf_free(&r->text);
	*r = (struct roster){.entries = NULL};
}

static uint32_t keep(struct roster *r, const char *s)
{
	size_t at = r->text.n;

	if (s[0] == '\0')
		return 0;
	buf_add(&r->text, s, strlen(s) + 1);
	return (uint32_t)at;
}

static uint32_t keep_groups(struct roster *r, const struct person *p)
{
	size_t at = r->text.n;

	if (p->n_groups == 0)
		return 0;
	for (size_t i = 0; i < p->n_groups; i++) {
		if (i > 0)
			buf_addc(&r->text, ',');
		buf_adds(&r->text, p->groups[i]);
	}
	buf_addc(&r->text, '\0');
	return (uint32_t)at;
}

static int grow(struct roster *r, struct errmsg *em)
{
	size_t cap = r->cap == 0 ? 256 : r->cap * 2;
	struct roster_entry *e;

	if (r->n >= ROSTER_MAX)
		return err_set(em, E_TOOBIG, "more than %d people", ROSTER_MAX);
	if (r->n < r->cap)
		return E_OK;
	e = reallocarray(r->entries, cap, sizeof(*e));
	if (e == NULL)
		return err_set(em, E_NOMEM, "out of memory after %zu people", r->n);
	r->entries = e;
	r->cap = cap;
	return E_OK;
}

int roster_add(void *ctx, const struct person *p, struct errmsg *em)
{
	struct roster *r = ctx;
	struct roster_entry e = {.line = p->line,
				 .status = (uint8_t)p->status,
				 .has = (uint8_t)p->has,
				 .leave_at = p->leave_at};
	int rc = grow(r, em);

	if (rc != E_OK)
		return rc;
	e.login = keep(r, p->login);
	e.id = keep(r, p->id);
	e.groups = keep_groups(r, p);
	e.name = keep(r, p->name);
	e.email = keep(r, p->email);
	rc = buf_error(&r->text);
	if (rc != E_OK)
		return err_set(em, rc, "the list of people takes too much memory");
	r->entries[r->n++] = e;
	return E_OK;
}

static int by_login(const void *a, const void *b, void *ctx)
{
	const struct roster_entry *x = a, *y = b;

	return strcmp(roster_text(ctx, x->login), roster_text(ctx, y->login));
}

static int by_id(const void *a, const void *b, void *ctx)
{
	const struct roster *r = ctx;

	return strcmp(roster_text(r, r->entries[*(const uint32_t *)a].id),
		      roster_text(r, r->entries[*(const uint32_t *)b].id));
}

static int index_ids(struct roster *r, struct errmsg *em)
{
	size_t with = 0;

	for (size_t i = 0; i < r->n; i++)
		with += r->entries[i].id != 0;
	if (with == 0)
		return E_OK;
	if (with != r->n)
		return err_set(em, E_FORMAT, "some people have an id, others have none");
	r->by_id = calloc(r->n, sizeof(*r->by_id));
	if (r->by_id == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < r->n; i++)
		r->by_id[i] = (uint32_t)i;
	qsort_r(r->by_id, r->n, sizeof(*r->by_id), by_id, r);
	return E_OK;
}

int roster_finish(struct roster *r, struct errmsg *em)
{
	if (r->n == 0)
		return err_set(em, E_FORMAT, "nobody is listed");
	qsort_r(r->entries, r->n, sizeof(*r->entries), by_login, r);
	for (size_t i = 1; i < r->n; i++) {
		const struct roster_entry *a = &r->entries[i - 1], *b = &r->entries[i];

		if (strcmp(roster_text(r, a->login), roster_text(r, b->login)) == 0)
			return err_set(em, E_FORMAT, "line %u: %s is listed twice, also in line %u",
				       a->line > b->line ? a->line : b->line,
				       roster_text(r, a->login),
				       a->line > b->line ? b->line : a->line);
	}
	return index_ids(r, em);
}

const struct roster_entry *roster_find(const struct roster *r, const char *login)
{
	size_t lo = 0, hi = r->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(login, roster_text(r, r->entries[mid].login));

		if (c == 0)
			return &r->entries[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct roster_entry *roster_person(const struct roster *r, const char *login, const char *id)
{
	size_t lo = 0, hi = r->n;

	if (r->by_id == NULL)
		return roster_find(r, login);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct roster_entry *e = &r->entries[r->by_id[mid]];
		int c = strcmp(id, roster_text(r, e->id));

		if (c == 0)
			return e;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static bool same(const struct roster *a, const struct roster_entry *x, const struct roster *b,
		 const struct roster_entry *y)
{
	return x->status == y->status && x->has == y->has && x->leave_at == y->leave_at &&
	       strcmp(roster_text(a, x->id), roster_text(b, y->id)) == 0 &&
	       strcmp(roster_text(a, x->groups), roster_text(b, y->groups)) == 0 &&
	       strcmp(roster_text(a, x->name), roster_text(b, y->name)) == 0 &&
	       strcmp(roster_text(a, x->email), roster_text(b, y->email)) == 0;
}

void roster_compare(struct roster *r, const struct roster *before)
{
	for (size_t i = 0; i < r->n; i++) {
		struct roster_entry *e = &r->entries[i];
		const struct roster_entry *old = roster_find(before, roster_text(r, e->login));

		e->fresh = old == NULL || old->fresh || !same(r, e, before, old);
	}
}

const char *roster_text(const struct roster *r, uint32_t place)
{
	return buf_str(&r->text) + place;
}
