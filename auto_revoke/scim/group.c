#include "auto_revoke/scim/group.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void scim_members_free(struct scim_members *m)
{
	free(m->v);
	*m = (struct scim_members){.v = NULL};
}

int scim_members_copy(const struct scim_members *m, struct scim_members *ret)
{
	struct scim_members c = {.n = m->n, .cap = m->n};

	if (m->n > 0) {
		c.v = calloc(m->n, sizeof(*c.v));
		if (c.v == NULL)
			return E_NOMEM;
		memcpy(c.v, m->v, m->n * sizeof(*c.v));
	}
	*ret = c;
	return E_OK;
}

/* The first place whose number is not below. */
static size_t place(const struct scim_members *m, uint32_t number)
{
	size_t lo = 0, hi = m->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (m->v[mid] < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool scim_members_have(const struct scim_members *m, uint32_t number)
{
	size_t at = place(m, number);

	return at < m->n && m->v[at] == number;
}

int scim_members_add(struct scim_members *m, uint32_t number)
{
	size_t at = place(m, number);

	if (at < m->n && m->v[at] == number)
		return E_OK;
	if (m->n >= SCIM_MEMBERS_MAX)
		return E_TOOBIG;
	if (m->n == m->cap) {
		size_t cap = m->cap == 0 ? 16 : m->cap * 2;
		uint32_t *grown = reallocarray(m->v, cap, sizeof(*grown));

		if (grown == NULL)
			return E_NOMEM;
		m->v = grown;
		m->cap = cap;
	}
	memmove(m->v + at + 1, m->v + at, (m->n - at) * sizeof(*m->v));
	m->v[at] = number;
	m->n++;
	return E_OK;
}

void scim_members_drop(struct scim_members *m, uint32_t number)
{
	size_t at = place(m, number);

	if (at == m->n || m->v[at] != number)
		return;
	m->n--;
	memmove(m->v + at, m->v + at + 1, (m->n - at) * sizeof(*m->v));
}

void scim_group_free(struct scim_group *g)
{
	if (g == NULL)
		return;
	free(g->display);
	free(g->external);
	scim_members_free(&g->members);
	*g = (struct scim_group){.display = NULL};
}

int scim_group_copy(const struct scim_group *g, struct scim_group *ret)
{
	struct scim_group c = *g;
	int rc;

	c.members = (struct scim_members){.v = NULL};
	c.display = g->display != NULL ? strdup(g->display) : NULL;
	c.external = g->external != NULL ? strdup(g->external) : NULL;
	rc = scim_members_copy(&g->members, &c.members);
	if ((g->display != NULL && c.display == NULL) ||
	    (g->external != NULL && c.external == NULL))
		rc = E_NOMEM;
	if (rc != E_OK)
		scim_group_free(&c);
	else
		*ret = c;
	return rc;
}

static int no_memory(struct scim_error *e)
{
	(void)scim_fail(e, 500, "", "out of memory");
	return E_NOMEM;
}

static int put_text(char **dst, const char *name, const struct json_node *v, struct scim_error *e)
{
	const char *text = NULL;
	char *kept = NULL;
	int rc = scim_scalar(v, name, &text, e);

	if (rc == E_OK && text[0] != '\0') {
		rc = scim_text_check(name, text, e);
		if (rc == E_OK && (kept = strdup(text)) == NULL)
			return no_memory(e);
	}
	if (rc != E_OK)
		return rc;
	free(*dst);
	*dst = kept;
	return E_OK;
}

static int add_one(struct scim_group *g, const char *id, const struct scim_people *people,
		   struct scim_error *e)
{
	uint32_t number = 0;
	int rc;

	if (!people->number(people->ctx, id, &number))
		return scim_fail(e, 400, "invalidValue", "member %.40s is no user here", id);
	rc = scim_members_add(&g->members, number);
	if (rc == E_TOOBIG)
		return scim_fail(e, 413, "tooMany", "more than %d members", SCIM_MEMBERS_MAX);
	return rc == E_OK ? E_OK : no_memory(e);
}

/* Whoever is not there need not be taken out. */
static void drop_one(struct scim_group *g, const char *id, const struct scim_people *people)
{
	uint32_t number = 0;

	if (people->number(people->ctx, id, &number))
		scim_members_drop(&g->members, number);
}

/* The ids in v: [{"value": id}, ...], one such object, or ids alone. */
static int each_member(struct scim_group *g, const struct json_node *v, bool drop,
		       const struct scim_people *people, struct scim_error *e)
{
	bool many = json_kind(v) == JSON_IS_ARRAY;
	size_t n = many ? json_node_count(v) : json_kind(v) == JSON_IS_NULL ? 0 : 1;
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < n; i++) {
		const char *id = NULL;

		rc = scim_scalar(many ? json_node_at(v, i) : v, "members", &id, e);
		if (rc == E_OK && drop)
			drop_one(g, id, people);
		else if (rc == E_OK)
			rc = add_one(g, id, people, e);
	}
	return rc;
}

static int put(struct scim_group *g, bool add, enum scim_attr a, const struct json_node *v,
	       const struct scim_people *people, struct scim_error *e)
{
	switch (a) {
	case SCIM_DISPLAY_NAME:
		return put_text(&g->display, "displayName", v, e);
	case SCIM_EXTERNAL_ID:
		return put_text(&g->external, "externalId", v, e);
	case SCIM_MEMBERS:
		if (!add)
			g->members.n = 0;
		return each_member(g, v, false, people, e);
	default:
		return E_OK;
	}
}

static int put_all(struct scim_group *g, bool add, const struct json_node *object,
		   const struct scim_people *people, struct scim_error *e)
{
	const char *key;
	const struct json_node *v;
	void *at = NULL;
	int rc = E_OK;

	if (json_kind(object) != JSON_IS_OBJECT)
		return scim_fail(e, 400, "invalidSyntax", "the body or value is not an object");
	while (rc == E_OK && json_node_each(object, &at, &key, &v))
		rc = put(g, add, scim_attr_find(SCIM_OF_GROUP, key, strlen(key)), v, people, e);
	return rc;
}

static int named(const struct scim_group *g, struct scim_error *e)
{
	return g->display != NULL ? E_OK
				  : scim_fail(e, 400, "invalidValue", "displayName is required");
}

int scim_group_replace(struct scim_group *g, const struct json_node *body,
		       const struct scim_people *people, struct scim_error *e)
{
	int rc;

	free(g->display);
	free(g->external);
	g->display = g->external = NULL;
	g->members.n = 0;
	rc = put_all(g, false, body, people, e);
	return rc == E_OK ? named(g, e) : rc;
}

static bool member_test(void *ctx, enum scim_attr attr, const char *value)
{
	return attr == SCIM_MEMBERS && strcmp(ctx, value) == 0;
}

/* members[value eq "a" or value eq "b"]: every id that the filter names and accepts. */
static int selected(struct scim_group *g, const struct scim_path *p, bool drop,
		    const struct scim_people *people, struct scim_error *e)
{
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < p->filter.n; i++) {
		char id[SCIM_TEXT_SIZE];

		memcpy(id, p->filter.steps[i].value, sizeof(id));
		if (p->filter.steps[i].op != SCIM_TEST ||
		    !scim_filter_match(&p->filter, member_test, id))
			continue;
		if (drop)
			drop_one(g, id, people);
		else
			rc = add_one(g, id, people, e);
	}
	return rc;
}

static int remove_path(struct scim_group *g, const struct scim_path *p, const struct json_node *v,
		       const struct scim_people *people, struct scim_error *e)
{
	if (p->attr == SCIM_DISPLAY_NAME || p->attr == SCIM_ID)
		return scim_fail(e, 400, "mutability", "this attribute cannot be removed");
	if (p->attr == SCIM_EXTERNAL_ID) {
		free(g->external);
		g->external = NULL;
	}
	if (p->attr != SCIM_MEMBERS)
		return E_OK;
	if (p->selects)
		return selected(g, p, true, people, e);
	/* An empty list of whom to take out is nobody, not everybody. */
	if (v != NULL)
		return each_member(g, v, true, people, e);
	g->members.n = 0;
	return E_OK;
}

int scim_group_patch(struct scim_group *g, const struct json_node *body,
		     const struct scim_people *people, struct scim_error *e)
{
	const struct json_node *list = NULL;
	struct scim_operation o;
	struct scim_path path;
	size_t n = 0;
	int rc = scim_operations(body, &list, &n, e);

	for (size_t i = 0; rc == E_OK && i < n; i++) {
		rc = scim_operation_read(json_node_at(list, i), &o, e);
		if (rc == E_OK && o.path == NULL) {
			rc = put_all(g, o.op == SCIM_ADD, o.value, people, e);
			continue;
		}
		if (rc == E_OK)
			rc = scim_path_parse(SCIM_OF_GROUP, o.path, &path, e);
		if (rc == E_OK && o.op == SCIM_REMOVE)
			rc = remove_path(g, &path, o.value, people, e);
		else if (rc == E_OK && path.selects)
			rc = selected(g, &path, false, people, e);
		else if (rc == E_OK)
			rc = put(g, o.op == SCIM_ADD, path.attr, o.value, people, e);
	}
	return rc == E_OK ? named(g, e) : rc;
}

bool scim_group_test(void *ctx, enum scim_attr attr, const char *value)
{
	const struct scim_group_view *v = ctx;
	const struct scim_group *g = v->group;
	uint32_t number = 0;

	switch (attr) {
	case SCIM_DISPLAY_NAME:
		return g->display != NULL && scim_attr_same(attr, g->display, value);
	case SCIM_EXTERNAL_ID:
		return g->external != NULL && scim_attr_same(attr, g->external, value);
	case SCIM_ID:
		return strcmp(g->id, value) == 0;
	case SCIM_MEMBERS:
		return v->people->number(v->people->ctx, value, &number) &&
		       scim_members_have(&g->members, number);
	default:
		return false;
	}
}
