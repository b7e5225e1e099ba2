#include "auto_revoke/front/server.h"

#include "core/audit/audit.h"
#include "core/base/log.h"

#include <stdio.h>
#include <string.h>

enum { LINES_MAX = 65536 };

static void told(const struct scim_call *c, const struct scim_user *u, const char *what)
{
	const struct audit_field f[] = {{"token", c->who},
					{"client", c->req->client},
					{"what", what},
					{"resource", "User"},
					{"id", u->id},
					{"login", u->text[SCIM_USER_NAME]},
					{"state", strcmp(what, "deleted") == 0 ? "gone"
						  : u->active                  ? "active"
									       : "inactive"}};

	if (audit_event("scim_changed", "", f, 7) != E_OK)
		log_warn("the audit event scim_changed could not be written");
}

static struct scim_user *the_user(struct scim_call *c)
{
	struct scim_user *u = scim_table_user(&c->s->file.table, c->req->params[0]);

	if (u == NULL)
		(void)scim_fail(c->e, 404, "", "there is no such user");
	return u;
}

static int show(struct scim_call *c, unsigned status, const char *id)
{
	const struct scim_user *u = scim_table_user(&c->s->file.table, id);
	char location[1024];

	if (u == NULL)
		return scim_fail(c->e, 500, "", "what was stored is not there");
	(void)snprintf(location, sizeof(location), "%s/Users/%s", c->s->base, id);
	return scim_reply(c, status, scim_user_json(u, c->s->base), status == 201 ? location : NULL,
			  u->version);
}

static bool unchanged(const struct scim_user *a, const struct scim_user *b)
{
	for (size_t i = 0; i < SCIM_TEXTS; i++)
		if ((a->text[i] == NULL) != (b->text[i] == NULL) ||
		    (a->text[i] != NULL && strcmp(a->text[i], b->text[i]) != 0))
			return false;
	return a->active == b->active;
}

static int keep(struct scim_call *c, const struct scim_user *u, const char *what)
{
	struct buf lines;
	int rc;

	if (scim_table_clash(&c->s->file.table, u) != NULL)
		return scim_fail(c->e, 409, "uniqueness",
				 "another user has this userName or externalId");
	if (scim_table_renamed_out(&c->s->file.table, u))
		return scim_fail(c->e, 400, "invalidValue",
				 "this user had too many userNames; create another user");
	buf_init(&lines, LINES_MAX);
	rc = scim_store(c, scim_line_user(u, &lines), &lines);
	if (rc == E_OK)
		told(c, u, what);
	return rc;
}

int users_list(struct scim_call *c)
{
	const struct scim_table *t = &c->s->file.table;
	const char *text = http_query(c->req, "filter");
	struct scim_filter *f = NULL;
	struct scim_page p;
	int rc = E_OK;

	if (text != NULL) {
		f = calloc(1, sizeof(*f));
		rc = f != NULL ? scim_filter_parse(SCIM_OF_USER, text, f, c->e) : E_NOMEM;
	}
	if (rc == E_OK)
		rc = scim_page_begin(c, &p);
	if (rc == E_OK) {
		for (size_t i = 0; i < t->n_users; i++) {
			struct scim_user *u = t->users[i];

			if (!u->gone && (f == NULL || scim_filter_match(f, scim_user_test, u)) &&
			    scim_page_has(&p))
				json_push(p.list, scim_user_json(u, c->s->base));
		}
		rc = scim_page_end(c, &p);
	}
	free(f);
	return rc;
}

int users_create(struct scim_call *c)
{
	struct scim_user u = {.active = true, .version = 1};
	size_t ignored = 0;
	int rc = scim_table_new_id(c->s->file.table.n_users, SCIM_USERS_MAX, u.id);

	if (rc != E_OK)
		return scim_fail(c->e, 503, "", "there are too many users");
	u.created = u.modified = scim_now(c);
	rc = scim_user_replace(&u, json_root(c->body), &ignored, c->e);
	if (rc == E_OK)
		rc = keep(c, &u, "created");
	if (rc == E_OK)
		rc = show(c, 201, u.id);
	scim_user_free(&u);
	return rc;
}

int user_get(struct scim_call *c)
{
	struct scim_user *u = the_user(c);
	bool same = false;
	int rc = u != NULL ? scim_preconditions(c, u->version, &same) : E_NOTFOUND;

	if (rc == E_OK && same)
		return scim_reply(c, 304, NULL, NULL, u->version);
	return rc == E_OK ? show(c, 200, u->id) : rc;
}

static int change(struct scim_call *c,
		  int (*how)(struct scim_user *u, const struct json_node *body, size_t *ret_ignored,
			     struct scim_error *e),
		  const char *what)
{
	struct scim_user *u = the_user(c), fresh;
	size_t ignored = 0;
	bool same = false;
	int rc = u != NULL ? scim_preconditions(c, u->version, &same) : E_NOTFOUND;

	if (rc != E_OK)
		return rc;
	if (scim_user_copy(u, &fresh) != E_OK)
		return scim_fail(c->e, 500, "", "out of memory");
	rc = how(&fresh, json_root(c->body), &ignored, c->e);
	if (rc == E_OK && !unchanged(u, &fresh)) {
		fresh.modified = scim_now(c);
		fresh.version++;
		rc = keep(c, &fresh, what);
	}
	if (ignored > 0)
		log_debug("%s of a user: %zu attributes mean nothing here", what, ignored);
	if (rc == E_OK)
		rc = show(c, 200, fresh.id);
	scim_user_free(&fresh);
	return rc;
}

int user_put(struct scim_call *c)
{
	return change(c, scim_user_replace, "replaced");
}

int user_patch(struct scim_call *c)
{
	return change(c, scim_user_patch, "patched");
}

int user_delete(struct scim_call *c)
{
	struct scim_user *u = the_user(c);
	bool same = false;
	struct buf lines;
	int rc = u != NULL ? scim_preconditions(c, u->version, &same) : E_NOTFOUND;

	if (rc != E_OK)
		return rc;
	buf_init(&lines, LINES_MAX);
	rc = scim_store(c, scim_line_gone("user-gone", u->id, scim_now(c), &lines), &lines);
	if (rc != E_OK)
		return rc;
	told(c, u, "deleted");
	return scim_reply(c, 204, NULL, NULL, -1);
}
