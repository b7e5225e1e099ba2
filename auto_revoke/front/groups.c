#include "auto_revoke/front/server.h"

#include "core/audit/audit.h"
#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 128 << 20 };

static void told(const struct scim_call *c, const struct scim_group *g, const char *what)
{
	char members[24];
	const struct audit_field f[] = {{"token", c->who},   {"client", c->req->client},
					{"what", what},      {"resource", "Group"},
					{"id", g->id},       {"name", g->display},
					{"members", members}};

	(void)snprintf(members, sizeof(members), "%zu", g->members.n);
	if (audit_event("scim_changed", "", f, 7) != E_OK)
		log_warn("the audit event scim_changed could not be written");
}

static struct scim_people people_of(struct scim_call *c)
{
	return (struct scim_people){scim_table_number, &c->s->file.table};
}

static struct json *to_json(const struct scim_call *c, const struct scim_group *g, bool members)
{
	const struct scim_meta meta = {.kind = "Group",
				       .base = c->s->base,
				       .id = g->id,
				       .created = g->created,
				       .modified = g->modified,
				       .version = g->version};
	struct json *j = json_object(), *schemas = json_array(), *list;

	json_push_str(schemas, SCIM_URN_GROUP);
	json_set(j, "schemas", schemas);
	json_set_str(j, "id", g->id);
	if (g->external != NULL)
		json_set_str(j, "externalId", g->external);
	json_set_str(j, "displayName", g->display);
	if (members) {
		list = json_array();
		for (size_t i = 0; i < g->members.n; i++) {
			struct json *one = json_object();

			json_set_str(one, "value", c->s->file.table.users[g->members.v[i]]->id);
			json_set_str(one, "type", "User");
			json_push(list, one);
		}
		json_set(j, "members", list);
	}
	scim_meta_add(j, &meta);
	return j;
}

static struct scim_group *the_group(struct scim_call *c)
{
	struct scim_group *g = scim_table_group(&c->s->file.table, c->req->params[0]);

	if (g == NULL)
		(void)scim_fail(c->e, 404, "", "there is no such group");
	return g;
}

static int show(struct scim_call *c, unsigned status, const char *id, bool members)
{
	const struct scim_group *g = scim_table_group(&c->s->file.table, id);
	char location[1024];

	if (g == NULL)
		return scim_fail(c->e, 500, "", "what was stored is not there");
	(void)snprintf(location, sizeof(location), "%s/Groups/%s", c->s->base, id);
	return scim_reply(c, status, to_json(c, g, members), status == 201 ? location : NULL,
			  g->version);
}

static int keep(struct scim_call *c, const struct scim_group *g, const struct scim_members *was,
		const char *what)
{
	struct buf lines;
	int rc;

	if (scim_table_group_clash(&c->s->file.table, g) != NULL)
		return scim_fail(c->e, 409, "uniqueness", "another group has this displayName");
	buf_init(&lines, LINES_MAX);
	rc = scim_line_group(g, &lines);
	if (rc == E_OK)
		rc = scim_line_members(&c->s->file.table, g->id, was, &g->members, &lines);
	rc = scim_store(c, rc, &lines);
	if (rc == E_OK)
		told(c, g, what);
	return rc;
}

int groups_list(struct scim_call *c)
{
	const struct scim_table *t = &c->s->file.table;
	const struct scim_people people = people_of(c);
	const char *text = http_query(c->req, "filter");
	struct scim_filter *f = NULL;
	struct scim_page p;
	int rc = E_OK;

	if (text != NULL) {
		f = calloc(1, sizeof(*f));
		rc = f != NULL ? scim_filter_parse(SCIM_OF_GROUP, text, f, c->e) : E_NOMEM;
	}
	if (rc == E_OK)
		rc = scim_page_begin(c, &p);
	if (rc == E_OK) {
		for (size_t i = 0; i < t->n_groups; i++) {
			struct scim_group_view v = {t->groups[i], &people};

			if (!v.group->gone &&
			    (f == NULL || scim_filter_match(f, scim_group_test, &v)) &&
			    scim_page_has(&p))
				json_push(p.list, to_json(c, v.group, p.members));
		}
		rc = scim_page_end(c, &p);
	}
	free(f);
	return rc;
}

int groups_create(struct scim_call *c)
{
	const struct scim_people people = people_of(c);
	struct scim_group g = {.version = 1};
	int rc = scim_table_new_id(c->s->file.table.n_groups, SCIM_GROUPS_MAX, g.id);

	if (rc != E_OK)
		return scim_fail(c->e, 503, "", "there are too many groups");
	g.created = g.modified = scim_now(c);
	rc = scim_group_replace(&g, json_root(c->body), &people, c->e);
	if (rc == E_OK)
		rc = keep(c, &g, NULL, "created");
	if (rc == E_OK)
		rc = show(c, 201, g.id, true);
	scim_group_free(&g);
	return rc;
}

int group_get(struct scim_call *c)
{
	struct scim_group *g = the_group(c);
	struct scim_page p = {.list = NULL};
	bool same = false;
	int rc = g != NULL ? scim_preconditions(c, g->version, &same) : E_NOTFOUND;

	if (rc == E_OK && same)
		return scim_reply(c, 304, NULL, NULL, g->version);
	if (rc == E_OK)
		rc = scim_page_begin(c, &p);
	json_free(p.list);
	return rc == E_OK ? show(c, 200, g->id, p.members) : rc;
}

static bool unchanged(const struct scim_group *a, const struct scim_group *b)
{
	return strcmp(a->display, b->display) == 0 &&
	       (a->external == NULL) == (b->external == NULL) &&
	       (a->external == NULL || strcmp(a->external, b->external) == 0) &&
	       a->members.n == b->members.n &&
	       (a->members.n == 0 ||
		memcmp(a->members.v, b->members.v, a->members.n * sizeof(*a->members.v)) == 0);
}

static int change(struct scim_call *c,
		  int (*how)(struct scim_group *g, const struct json_node *body,
			     const struct scim_people *people, struct scim_error *e),
		  const char *what, unsigned status)
{
	const struct scim_people people = people_of(c);
	struct scim_group *g = the_group(c), fresh;
	bool same = false;
	int rc = g != NULL ? scim_preconditions(c, g->version, &same) : E_NOTFOUND;

	if (rc != E_OK)
		return rc;
	if (scim_group_copy(g, &fresh) != E_OK)
		return scim_fail(c->e, 500, "", "out of memory");
	rc = how(&fresh, json_root(c->body), &people, c->e);
	if (rc == E_OK && !unchanged(g, &fresh)) {
		fresh.modified = scim_now(c);
		fresh.version++;
		rc = keep(c, &fresh, &g->members, what);
	}
	if (rc == E_OK)
		rc = status == 204 ? scim_reply(c, 204, NULL, NULL, fresh.version)
				   : show(c, status, fresh.id, true);
	scim_group_free(&fresh);
	return rc;
}

int group_put(struct scim_call *c)
{
	return change(c, scim_group_replace, "replaced", 200);
}

/* The members of a large group are not sent back for each one that joins. */
int group_patch(struct scim_call *c)
{
	return change(c, scim_group_patch, "patched", 204);
}

int group_delete(struct scim_call *c)
{
	struct scim_group *g = the_group(c);
	bool same = false;
	struct buf lines;
	int rc = g != NULL ? scim_preconditions(c, g->version, &same) : E_NOTFOUND;

	if (rc != E_OK)
		return rc;
	buf_init(&lines, LINES_MAX);
	rc = scim_store(c, scim_line_gone("group-gone", g->id, scim_now(c), &lines), &lines);
	if (rc != E_OK)
		return rc;
	told(c, g, "deleted");
	return scim_reply(c, 204, NULL, NULL, -1);
}
