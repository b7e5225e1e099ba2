#include "auto_revoke/scim/table.h"

#include "core/base/rnd.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NUMBER_DIGITS = 8, ID_RANDOM = 12, DEPTH = 4, JOIN_LINE_MAX = 262144 };

static void names_clear(struct scim_table *t)
{
	for (size_t i = 0; i < t->n_names; i++)
		free(t->names[i].name);
	t->n_names = 0;
}

void scim_table_free(struct scim_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_users; i++) {
		scim_user_free(t->users[i]);
		free(t->users[i]);
	}
	for (size_t i = 0; i < t->n_groups; i++) {
		scim_group_free(t->groups[i]);
		free(t->groups[i]);
	}
	names_clear(t);
	free(t->users);
	free(t->groups);
	free(t->names);
	*t = (struct scim_table){.users = NULL};
}

/* The number in an id, when the id has the form of one. */
static bool id_number(const char *id, uint32_t *ret)
{
	uint8_t b[SCIM_ID_SIZE / 2];

	if (strlen(id) != SCIM_ID_SIZE - 1 || strspn(id, "0123456789abcdef") != SCIM_ID_SIZE - 1 ||
	    text_unhex(b, sizeof(b), id) != E_OK)
		return false;
	*ret = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return true;
}

static struct scim_user *any_user(const struct scim_table *t, const char *id)
{
	uint32_t n = 0;

	return id_number(id, &n) && n < t->n_users && strcmp(t->users[n]->id, id) == 0 ? t->users[n]
										       : NULL;
}

static struct scim_group *any_group(const struct scim_table *t, const char *id)
{
	uint32_t n = 0;

	return id_number(id, &n) && n < t->n_groups && strcmp(t->groups[n]->id, id) == 0
		       ? t->groups[n]
		       : NULL;
}

struct scim_user *scim_table_user(const struct scim_table *t, const char *id)
{
	struct scim_user *u = any_user(t, id);

	return u == NULL || u->gone ? NULL : u;
}

struct scim_group *scim_table_group(const struct scim_table *t, const char *id)
{
	struct scim_group *g = any_group(t, id);

	return g == NULL || g->gone ? NULL : g;
}

bool scim_table_number(void *ctx, const char *id, uint32_t *ret)
{
	return scim_table_user(ctx, id) != NULL && id_number(id, ret);
}

const struct scim_user *scim_table_clash(const struct scim_table *t, const struct scim_user *but)
{
	static const enum scim_attr unique[] = {SCIM_USER_NAME, SCIM_EXTERNAL_ID};

	for (size_t i = 0; i < t->n_users; i++) {
		const struct scim_user *u = t->users[i];

		if (u->gone || strcmp(u->id, but->id) == 0)
			continue;
		for (size_t k = 0; k < 2; k++) {
			const char *a = u->text[unique[k]], *b = but->text[unique[k]];

			if (a != NULL && b != NULL && scim_attr_same(unique[k], a, b))
				return u;
		}
	}
	/* A name of before stays that person's login: whoever took it over would come and go with that person. */
	for (size_t i = 0; but->text[SCIM_USER_NAME] != NULL && i < t->n_names; i++) {
		const struct scim_user *u = t->users[t->names[i].number];

		if (!u->gone && strcmp(u->id, but->id) != 0 &&
		    strcasecmp(t->names[i].name, but->text[SCIM_USER_NAME]) == 0)
			return u;
	}
	return NULL;
}

const struct scim_group *scim_table_group_clash(const struct scim_table *t,
						const struct scim_group *but)
{
	for (size_t i = 0; i < t->n_groups; i++) {
		const struct scim_group *g = t->groups[i];

		if (!g->gone && strcmp(g->id, but->id) != 0 &&
		    strcasecmp(g->display, but->display) == 0)
			return g;
	}
	return NULL;
}

int scim_table_new_id(size_t n, size_t max, char ret[SCIM_ID_SIZE])
{
	char prefix[NUMBER_DIGITS + 1];

	if (n >= max)
		return E_TOOBIG;
	(void)snprintf(prefix, sizeof(prefix), "%08x", (unsigned)n);
	return rnd_id(ret, SCIM_ID_SIZE, prefix, ID_RANDOM);
}

/* ---- applying ---- */

static int grow(void **list, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap == 0 ? 64 : *cap * 2;
	void *grown;

	if (n < *cap)
		return E_OK;
	grown = reallocarray(*list, want, size);
	if (grown == NULL)
		return E_NOMEM;
	*list = grown;
	*cap = want;
	return E_OK;
}

/* How many names somebody had; *ret_has: this is one of them, however it is written. */
static size_t names_of(const struct scim_table *t, uint32_t number, const char *name, bool *ret_has)
{
	size_t n = 0;

	*ret_has = false;
	for (size_t i = 0; i < t->n_names; i++) {
		if (t->names[i].number != number)
			continue;
		*ret_has |= strcasecmp(t->names[i].name, name) == 0;
		n++;
	}
	return n;
}

bool scim_table_renamed_out(const struct scim_table *t, const struct scim_user *u)
{
	const char *name = u->text[SCIM_USER_NAME];
	uint32_t number;
	bool has;

	if (name == NULL)
		return false;
	if (!id_number(u->id, &number) || number >= t->n_users)
		return t->n_names >= SCIM_NAMES_MAX;
	if (strcasecmp(t->users[number]->text[SCIM_USER_NAME], name) == 0)
		return false;
	return (names_of(t, number, name, &has) >= SCIM_NAMES_EACH ||
		t->n_names >= SCIM_NAMES_MAX) &&
	       !has;
}

/* Who goes back to a name has it already: there and back again must not grow. */
static bool is_new_name(const struct scim_table *t, const struct scim_user *old, uint32_t number,
			const char *name)
{
	bool has = false;

	if (old == NULL)
		return true;
	if (old->gone || strcasecmp(old->text[SCIM_USER_NAME], name) != 0)
		(void)names_of(t, number, name, &has);
	else
		has = true;
	return !has;
}

static int name_take(struct scim_table *t, const char *name, uint32_t number)
{
	void *list = t->names;
	int rc = grow(&list, &t->cap_names, t->n_names, sizeof(*t->names));

	t->names = list;
	if (rc != E_OK)
		return rc;
	t->names[t->n_names] = (struct scim_name){.name = strdup(name), .number = number};
	return t->names[t->n_names].name != NULL ? (t->n_names++, E_OK) : E_NOMEM;
}

static int64_t number_of(const struct json *j, const char *key)
{
	return json_get_int(j, key, 0);
}

static bool flag_of(const struct json *j, const char *name)
{
	const struct json_node *v;
	const char *key;
	void *at = NULL;

	while (json_node_each(json_root(j), &at, &key, &v))
		if (strcmp(key, name) == 0)
			return json_node_bool(v);
	return false;
}

static int user_read(const struct json *j, const char *id, struct scim_user *ret, struct errmsg *em)
{
	struct scim_user u = {.active = flag_of(j, "active"),
			      .gone = flag_of(j, "gone"),
			      .grouped = flag_of(j, "grouped"),
			      .created = number_of(j, "created"),
			      .modified = number_of(j, "modified"),
			      .version = number_of(j, "version")};
	struct scim_error e;
	int rc = E_OK;

	memcpy(u.id, id, SCIM_ID_SIZE);
	for (unsigned i = 0; rc == E_OK && i < SCIM_TEXTS; i++) {
		const char *text = json_get_str(j, scim_attr_name((enum scim_attr)i));

		if (text != NULL || i == SCIM_USER_NAME)
			rc = scim_user_set(&u, (enum scim_attr)i, text, &e);
	}
	if (rc != E_OK) {
		scim_user_free(&u);
		return err_set(em, rc, "%s", e.detail);
	}
	*ret = u;
	return E_OK;
}

static int apply_user(struct scim_table *t, const struct json *j, const char *id, struct errmsg *em)
{
	struct scim_user *old = any_user(t, id), *kept = NULL, fresh = {.version = 0};
	uint32_t number = 0;
	const char *name;
	void *list = t->users;
	int rc;

	if (!id_number(id, &number) || (old == NULL && number != t->n_users) ||
	    number >= SCIM_USERS_MAX)
		return err_set(em, E_FORMAT, "the id of a user is out of order");
	rc = user_read(j, id, &fresh, em);
	if (rc != E_OK)
		return rc;
	name = fresh.text[SCIM_USER_NAME];
	if (name == NULL) {
		scim_user_free(&fresh);
		return err_set(em, E_FORMAT, "a user without a name");
	}
	fresh.grouped |= old != NULL && old->grouped;
	if (is_new_name(t, old, number, name))
		rc = name_take(t, name, number);
	if (rc == E_OK && old == NULL) {
		rc = grow(&list, &t->cap_users, t->n_users, sizeof(struct scim_user *));
		t->users = list;
		kept = rc == E_OK ? malloc(sizeof(*kept)) : NULL;
		rc = kept != NULL ? E_OK : E_NOMEM;
	}
	if (rc != E_OK) {
		scim_user_free(&fresh);
		return err_set(em, rc, "%s", err_text(rc));
	}
	t->live_users += (size_t)!fresh.gone - (size_t)(old != NULL && !old->gone);
	if (old == NULL)
		t->users[t->n_users++] = old = kept;
	else
		scim_user_free(old);
	*old = fresh;
	return E_OK;
}

static int apply_group(struct scim_table *t, const struct json *j, const char *id,
		       struct errmsg *em)
{
	struct scim_group *g = any_group(t, id);
	const char *display = json_get_str(j, "displayName"),
		   *external = json_get_str(j, "externalId");
	char *d, *x;
	uint32_t number = 0;
	void *list = t->groups;

	if (!id_number(id, &number) || (g == NULL && number != t->n_groups) || display == NULL ||
	    number >= SCIM_GROUPS_MAX)
		return err_set(em, E_FORMAT, "a group without a name, or its id is out of order");
	d = strdup(display);
	x = external != NULL ? strdup(external) : NULL;
	if (d != NULL && g == NULL &&
	    grow(&list, &t->cap_groups, t->n_groups, sizeof(struct scim_group *)) == E_OK) {
		t->groups = list;
		g = calloc(1, sizeof(*g));
		if (g != NULL)
			t->groups[t->n_groups++] = g;
		if (g != NULL)
			t->live_groups++;
	}
	if (d == NULL || g == NULL || (external != NULL && x == NULL)) {
		free(d);
		free(x);
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	}
	free(g->display);
	free(g->external);
	memcpy(g->id, id, SCIM_ID_SIZE);
	g->display = d;
	g->external = x;
	g->created = number_of(j, "created");
	g->modified = number_of(j, "modified");
	g->version = number_of(j, "version");
	if (flag_of(j, "gone") && !g->gone) {
		g->gone = true;
		t->live_groups--;
	}
	return E_OK;
}

static int apply_gone(struct scim_table *t, const struct json *j, const char *id, bool group,
		      struct errmsg *em)
{
	struct scim_user *u = group ? NULL : scim_table_user(t, id);
	struct scim_group *g = group ? scim_table_group(t, id) : NULL;
	uint32_t number = 0;

	if ((u == NULL && g == NULL) || !id_number(id, &number))
		return err_set(em, E_FORMAT, "what is deleted is not there");
	if (g != NULL) {
		g->gone = true;
		g->modified = number_of(j, "at");
		scim_members_free(&g->members);
		t->live_groups--;
		return E_OK;
	}
	u->gone = true;
	u->modified = number_of(j, "at");
	t->live_users--;
	for (size_t i = 0; i < t->n_groups; i++)
		scim_members_drop(&t->groups[i]->members, number);
	return E_OK;
}

static int member_add(struct scim_table *t, struct scim_group *g, uint32_t number)
{
	int rc = scim_members_add(&g->members, number);

	if (rc == E_OK)
		t->users[number]->grouped = true;
	return rc;
}

static int apply_members(struct scim_table *t, const struct json *j, const char *id, bool leave,
			 struct errmsg *em)
{
	struct scim_group *g = scim_table_group(t, id);
	const struct json_node *v, *list = NULL;
	const char *key;
	void *at = NULL;
	uint32_t number = 0;
	int rc = E_OK;

	while (json_node_each(json_root(j), &at, &key, &v))
		if (strcmp(key, "users") == 0)
			list = v;
	if (g == NULL)
		return err_set(em, E_FORMAT, "members of a group that is not there");
	for (size_t i = 0; rc == E_OK && i < json_node_count(list); i++) {
		const char *user = json_node_str(json_node_at(list, i));

		if (user == NULL || any_user(t, user) == NULL || !id_number(user, &number))
			return err_set(em, E_FORMAT, "a member that is no user");
		if (leave)
			scim_members_drop(&g->members, number);
		else
			rc = member_add(t, g, number);
	}
	return rc == E_OK ? E_OK : err_set(em, rc, "%s", err_text(rc));
}

static void apply_free(struct scim_table *t, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n_names; i++) {
		struct scim_name n = t->names[i];

		if (strcasecmp(n.name, name) == 0 && t->users[n.number]->gone)
			free(n.name);
		else
			t->names[kept++] = n;
	}
	t->n_names = kept;
}

int scim_table_apply(struct scim_table *t, const char *line, size_t n, struct errmsg *em)
{
	struct json *j = NULL;
	const char *op, *id, *name;
	uint32_t number = 0;
	int rc = json_parse_max(line, n, JOIN_LINE_MAX, DEPTH, &j, em);

	if (rc != E_OK)
		return rc;
	op = json_get_str(j, "op");
	id = json_get_str(j, "id");
	name = json_get_str(j, "name");
	if (op == NULL)
		rc = err_set(em, E_FORMAT, "no operation");
	else if (strcmp(op, "free") == 0 && name != NULL)
		apply_free(t, name);
	else if (strcmp(op, "names-anew") == 0)
		names_clear(t);
	else if (strcmp(op, "name") == 0 && name != NULL && id != NULL && any_user(t, id) != NULL &&
		 id_number(id, &number))
		rc = name_take(t, name, number);
	else if (id == NULL)
		rc = err_set(em, E_FORMAT, "no id");
	else if (strcmp(op, "user") == 0)
		rc = apply_user(t, j, id, em);
	else if (strcmp(op, "group") == 0)
		rc = apply_group(t, j, id, em);
	else if (strcmp(op, "user-gone") == 0 || strcmp(op, "group-gone") == 0)
		rc = apply_gone(t, j, id, op[0] == 'g', em);
	else if (strcmp(op, "join") == 0 || strcmp(op, "leave") == 0)
		rc = apply_members(t, j, id, op[0] == 'l', em);
	else
		rc = err_set(em, E_FORMAT, "unknown operation %.20s", op);
	if (rc == E_OK && number_of(j, "modified") > t->newest)
		t->newest = number_of(j, "modified");
	if (rc == E_OK && number_of(j, "at") > t->newest)
		t->newest = number_of(j, "at");
	json_free(j);
	return rc;
}

/* ---- lines ---- */

static int line_end(struct json *j, struct buf *out)
{
	int rc = json_dump(j, out);

	json_free(j);
	buf_addc(out, '\n');
	return rc != E_OK ? rc : buf_error(out);
}

static struct json *line_begin(const char *op, const char *id, int64_t created, int64_t modified,
			       int64_t version)
{
	struct json *j = json_object();

	json_set_str(j, "op", op);
	json_set_str(j, "id", id);
	json_set_int(j, "created", created);
	json_set_int(j, "modified", modified);
	json_set_int(j, "version", version);
	return j;
}

int scim_line_user(const struct scim_user *u, struct buf *out)
{
	struct json *j = line_begin("user", u->id, u->created, u->modified, u->version);

	json_set_bool(j, "active", u->active);
	if (u->gone)
		json_set_bool(j, "gone", true);
	if (u->grouped)
		json_set_bool(j, "grouped", true);
	for (unsigned i = 0; i < SCIM_TEXTS; i++)
		if (u->text[i] != NULL)
			json_set_str(j, scim_attr_name((enum scim_attr)i), u->text[i]);
	return line_end(j, out);
}

int scim_line_group(const struct scim_group *g, struct buf *out)
{
	struct json *j = line_begin("group", g->id, g->created, g->modified, g->version);

	if (g->gone)
		json_set_bool(j, "gone", true);
	json_set_str(j, "displayName", g->display);
	if (g->external != NULL)
		json_set_str(j, "externalId", g->external);
	return line_end(j, out);
}

int scim_line_gone(const char *op, const char *id, int64_t at, struct buf *out)
{
	struct json *j = json_object();

	json_set_str(j, "op", op);
	json_set_str(j, "id", id);
	json_set_int(j, "at", at);
	return line_end(j, out);
}

int scim_line_free(const char *name, struct buf *out)
{
	struct json *j = json_object();

	json_set_str(j, "op", "free");
	json_set_str(j, "name", name);
	return line_end(j, out);
}

/* One "join" or "leave" line for each SCIM_JOIN_MAX of those in `these` that are not in `but`. */
static int members_lines(const struct scim_table *t, const char *op, const char *group,
			 const struct scim_members *these, const struct scim_members *but,
			 struct buf *out)
{
	size_t i = 0;
	int rc = E_OK;

	while (rc == E_OK && i < these->n) {
		struct json *j = json_object(), *users = json_array();
		size_t n = 0;

		for (; i < these->n && n < SCIM_JOIN_MAX; i++) {
			if (but != NULL && scim_members_have(but, these->v[i]))
				continue;
			json_push_str(users, t->users[these->v[i]]->id);
			n++;
		}
		json_set_str(j, "op", op);
		json_set_str(j, "id", group);
		json_set(j, "users", users);
		if (n > 0)
			rc = line_end(j, out);
		else
			json_free(j);
	}
	return rc;
}

int scim_line_members(const struct scim_table *t, const char *group, const struct scim_members *was,
		      const struct scim_members *is, struct buf *out)
{
	int rc = was != NULL ? members_lines(t, "leave", group, was, is, out) : E_OK;

	return rc == E_OK ? members_lines(t, "join", group, is, was, out) : rc;
}

static int names_dump(const struct scim_table *t, struct buf *out)
{
	struct json *anew = json_object();
	int rc;

	json_set_str(anew, "op", "names-anew");
	rc = line_end(anew, out);
	for (size_t i = 0; rc == E_OK && i < t->n_names; i++) {
		struct json *j = json_object();

		json_set_str(j, "op", "name");
		json_set_str(j, "id", t->users[t->names[i].number]->id);
		json_set_str(j, "name", t->names[i].name);
		rc = line_end(j, out);
	}
	return rc;
}

int scim_table_dump(const struct scim_table *t, struct buf *out)
{
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < t->n_users; i++)
		rc = scim_line_user(t->users[i], out);
	if (rc == E_OK)
		rc = names_dump(t, out);
	for (size_t i = 0; rc == E_OK && i < t->n_groups; i++) {
		const struct scim_group *g = t->groups[i];

		rc = scim_line_group(g, out);
		if (rc == E_OK && !g->gone)
			rc = scim_line_members(t, g->id, NULL, &g->members, out);
	}
	return rc;
}
