#include "auto_revoke/scim/user.h"

#include "core/base/clock.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void scim_user_free(struct scim_user *u)
{
	if (u == NULL)
		return;
	for (size_t i = 0; i < SCIM_TEXTS; i++)
		free(u->text[i]);
	*u = (struct scim_user){.active = false};
}

int scim_user_copy(const struct scim_user *u, struct scim_user *ret)
{
	struct scim_user c = *u;
	bool full = true;

	for (size_t i = 0; i < SCIM_TEXTS; i++) {
		c.text[i] = u->text[i] != NULL ? strdup(u->text[i]) : NULL;
		full = full && (c.text[i] != NULL) == (u->text[i] != NULL);
	}
	if (!full) {
		scim_user_free(&c);
		return E_NOMEM;
	}
	*ret = c;
	return E_OK;
}

int scim_text_check(const char *name, const char *value, struct scim_error *e)
{
	if (text_is_plain(value, SCIM_TEXT_SIZE - 1))
		return E_OK;
	return scim_fail(e, 400, "invalidValue",
			 "%s is longer than %d bytes or holds a control character", name,
			 SCIM_TEXT_SIZE - 1);
}

int scim_user_set(struct scim_user *u, enum scim_attr a, const char *value, struct scim_error *e)
{
	char *kept = NULL;
	int rc = E_OK;

	if (value != NULL && value[0] != '\0') {
		rc = scim_text_check(scim_attr_name(a), value, e);
		if (rc != E_OK)
			return rc;
		kept = strdup(value);
		if (kept == NULL) {
			(void)scim_fail(e, 500, "", "out of memory");
			return E_NOMEM;
		}
	} else if (a == SCIM_USER_NAME) {
		return scim_fail(e, 400, "invalidValue", "userName is required");
	}
	free(u->text[a]);
	u->text[a] = kept;
	return E_OK;
}

int scim_scalar(const struct json_node *v, const char *name, const char **ret, struct scim_error *e)
{
	void *at = NULL;
	const char *key;
	const struct json_node *member;

	if (json_kind(v) == JSON_IS_ARRAY && json_node_count(v) == 1)
		v = json_node_at(v, 0);
	if (json_kind(v) == JSON_IS_OBJECT) {
		const struct json_node *object = v;

		v = NULL;
		while (json_node_each(object, &at, &key, &member))
			if (strcasecmp(key, "value") == 0)
				v = member;
	}
	if (json_kind(v) == JSON_IS_STRING || json_kind(v) == JSON_IS_NULL) {
		*ret = json_kind(v) == JSON_IS_STRING ? json_node_str(v) : "";
		return E_OK;
	}
	return scim_fail(e, 400, "invalidValue", "%.60s is not a text", name);
}

/* Booleans arrive as such, or spelled as a text. Whatever else somebody means by it, it is not guessed. */
static int active_read(const struct json_node *v, bool *ret, struct scim_error *e)
{
	const char *text = NULL;

	if (json_kind(v) == JSON_IS_BOOL) {
		*ret = json_node_bool(v);
		return E_OK;
	}
	if (scim_scalar(v, "active", &text, e) != E_OK || text == NULL)
		text = "";
	if (strcasecmp(text, "true") == 0)
		*ret = true;
	else if (strcasecmp(text, "false") == 0)
		*ret = false;
	else
		return scim_fail(e, 400, "invalidValue", "active is neither true nor false");
	return E_OK;
}

static int put(struct scim_user *u, enum scim_attr a, const struct json_node *v,
	       size_t *ret_ignored, struct scim_error *e);

static int put_name(struct scim_user *u, const struct json_node *v, size_t *ret_ignored,
		    struct scim_error *e)
{
	char path[SCIM_TEXT_SIZE];
	const char *key;
	const struct json_node *member;
	void *at = NULL;
	int rc = E_OK;

	if (json_kind(v) != JSON_IS_OBJECT)
		return scim_fail(e, 400, "invalidValue", "name is not an object");
	while (rc == E_OK && json_node_each(v, &at, &key, &member)) {
		int n = snprintf(path, sizeof(path), "name.%s", key);

		if (n > 0 && (size_t)n < sizeof(path))
			rc = put(u, scim_attr_find(SCIM_OF_USER, path, (size_t)n), member,
				 ret_ignored, e);
	}
	return rc;
}

static int rank_of(const struct json_node *address)
{
	const char *key;
	const struct json_node *member;
	void *at = NULL;
	int rank = 1;

	while (json_node_each(address, &at, &key, &member)) {
		if (strcasecmp(key, "primary") == 0 && json_node_bool(member))
			rank += 4;
		if (strcasecmp(key, "type") == 0 && json_node_str(member) != NULL &&
		    strcasecmp(json_node_str(member), "work") == 0)
			rank += 2;
	}
	return rank;
}

/* One address is kept: the primary one, else that at work, else the first. */
static int put_emails(struct scim_user *u, const struct json_node *v, struct scim_error *e)
{
	const struct json_node *best = NULL;
	const char *text = "";
	int rc = E_OK, best_rank = 0;

	if (json_kind(v) == JSON_IS_ARRAY) {
		for (size_t i = 0; i < json_node_count(v); i++) {
			int rank = rank_of(json_node_at(v, i));

			if (rank > best_rank) {
				best = json_node_at(v, i);
				best_rank = rank;
			}
		}
	} else if (json_kind(v) != JSON_IS_NULL) {
		best = v;
	}
	if (best != NULL)
		rc = scim_scalar(best, "emails", &text, e);
	return rc == E_OK ? scim_user_set(u, SCIM_EMAIL, text, e) : rc;
}

static int put(struct scim_user *u, enum scim_attr a, const struct json_node *v,
	       size_t *ret_ignored, struct scim_error *e)
{
	const char *text = NULL;
	int rc;

	if ((unsigned)a < SCIM_TEXTS) {
		rc = scim_scalar(v, scim_attr_name(a), &text, e);
		return rc == E_OK ? scim_user_set(u, a, text, e) : rc;
	}
	switch (a) {
	case SCIM_ACTIVE:
		return active_read(v, &u->active, e);
	case SCIM_NAME:
		return put_name(u, v, ret_ignored, e);
	case SCIM_EMAILS:
		return put_emails(u, v, e);
	default: /* read-only ones too, RFC 7644 section 3.5.1 */
		++*ret_ignored;
		return E_OK;
	}
}

static int put_members(struct scim_user *u, const struct json_node *object, size_t *ret_ignored,
		       struct scim_error *e)
{
	const char *key;
	const struct json_node *v;
	void *at = NULL;
	int rc = E_OK;

	if (json_kind(object) != JSON_IS_OBJECT)
		return scim_fail(e, 400, "invalidSyntax", "the body or value is not an object");
	while (rc == E_OK && json_node_each(object, &at, &key, &v)) {
		struct scim_path path;

		/* A provider may well use names that are no paths for what is its own. */
		if (scim_path_parse(SCIM_OF_USER, key, &path, e) != E_OK)
			path.attr = SCIM_OTHER;
		rc = put(u, path.attr, v, ret_ignored, e);
	}
	return rc;
}

int scim_user_replace(struct scim_user *u, const struct json_node *body, size_t *ret_ignored,
		      struct scim_error *e)
{
	int rc;

	*ret_ignored = 0;
	for (size_t i = 0; i < SCIM_TEXTS; i++) {
		free(u->text[i]);
		u->text[i] = NULL;
	}
	rc = put_members(u, body, ret_ignored, e);
	if (rc == E_OK && u->text[SCIM_USER_NAME] == NULL)
		rc = scim_fail(e, 400, "invalidValue", "userName is required");
	return rc;
}

int scim_operations(const struct json_node *body, const struct json_node **ret, size_t *ret_n,
		    struct scim_error *e)
{
	const struct json_node *found = NULL, *v;
	const char *key;
	void *at = NULL;

	while (json_node_each(body, &at, &key, &v))
		if (strcasecmp(key, "Operations") == 0)
			found = v;
	if (json_kind(found) != JSON_IS_ARRAY || json_node_count(found) == 0)
		return scim_fail(e, 400, "invalidSyntax", "the body has no array of Operations");
	if (json_node_count(found) > SCIM_OPERATIONS_MAX)
		return scim_fail(e, 413, "tooMany", "more than %d operations", SCIM_OPERATIONS_MAX);
	*ret = found;
	*ret_n = json_node_count(found);
	return E_OK;
}

int scim_operation_read(const struct json_node *v, struct scim_operation *ret, struct scim_error *e)
{
	struct scim_operation o = {.path = NULL};
	const struct json_node *member;
	const char *key, *op = NULL;
	void *at = NULL;

	while (json_node_each(v, &at, &key, &member)) {
		if (strcasecmp(key, "op") == 0)
			op = json_node_str(member);
		else if (strcasecmp(key, "path") == 0 && json_kind(member) == JSON_IS_STRING)
			o.path = json_node_str(member);
		else if (strcasecmp(key, "path") == 0 && json_kind(member) != JSON_IS_NULL)
			return scim_fail(e, 400, "invalidPath", "a path is not a text");
		else if (strcasecmp(key, "value") == 0)
			o.value = member;
	}
	if (op != NULL && strcasecmp(op, "add") == 0)
		o.op = SCIM_ADD;
	else if (op != NULL && strcasecmp(op, "remove") == 0)
		o.op = SCIM_REMOVE;
	else if (op != NULL && strcasecmp(op, "replace") == 0)
		o.op = SCIM_REPLACE;
	else
		return scim_fail(e, 400, "invalidSyntax", "op is none of add, remove, replace");
	if (o.path != NULL && o.path[0] == '\0')
		o.path = NULL;
	if (o.op == SCIM_REMOVE && o.path == NULL)
		return scim_fail(e, 400, "noTarget", "remove needs a path");
	if (o.op != SCIM_REMOVE && o.value == NULL)
		return scim_fail(e, 400, "invalidValue", "the operation lacks a value");
	*ret = o;
	return E_OK;
}

static int remove_attr(struct scim_user *u, enum scim_attr a, size_t *ret_ignored,
		       struct scim_error *e)
{
	static const enum scim_attr names[] = {SCIM_GIVEN_NAME, SCIM_FAMILY_NAME, SCIM_FORMATTED};
	int rc = E_OK;

	if (a == SCIM_USER_NAME || a == SCIM_ID)
		return scim_fail(e, 400, "mutability", "this attribute cannot be removed");
	if (a == SCIM_NAME) {
		for (size_t i = 0; rc == E_OK && i < sizeof(names) / sizeof(*names); i++)
			rc = scim_user_set(u, names[i], NULL, e);
		return rc;
	}
	if (a == SCIM_EMAILS)
		a = SCIM_EMAIL;
	if ((unsigned)a < SCIM_TEXTS)
		return scim_user_set(u, a, NULL, e);
	++*ret_ignored; /* `active` among them: without a value it says nothing */
	return E_OK;
}

int scim_user_patch(struct scim_user *u, const struct json_node *body, size_t *ret_ignored,
		    struct scim_error *e)
{
	const struct json_node *list = NULL;
	struct scim_operation o = {.path = NULL};
	struct scim_path path;
	size_t n = 0;
	int rc = scim_operations(body, &list, &n, e);

	*ret_ignored = 0;
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		rc = scim_operation_read(json_node_at(list, i), &o, e);
		if (rc == E_OK && o.path == NULL) {
			rc = put_members(u, o.value, ret_ignored, e);
			continue;
		}
		if (rc == E_OK)
			rc = scim_path_parse(SCIM_OF_USER, o.path, &path, e);
		if (rc == E_OK)
			rc = o.op == SCIM_REMOVE ? remove_attr(u, path.attr, ret_ignored, e)
						 : put(u, path.attr, o.value, ret_ignored, e);
	}
	return rc;
}

bool scim_user_test(void *ctx, enum scim_attr attr, const char *value)
{
	const struct scim_user *u = ctx;

	if ((unsigned)attr < SCIM_TEXTS)
		return u->text[attr] != NULL && scim_attr_same(attr, u->text[attr], value);
	switch (attr) {
	case SCIM_ID:
		return strcmp(u->id, value) == 0;
	case SCIM_ACTIVE:
		return strcasecmp(u->active ? "true" : "false", value) == 0;
	case SCIM_EMAIL_TYPE:
		return u->text[SCIM_EMAIL] != NULL && strcasecmp(value, "work") == 0;
	case SCIM_EMAIL_PRIMARY:
		return u->text[SCIM_EMAIL] != NULL && strcasecmp(value, "true") == 0;
	default:
		return false;
	}
}

void scim_etag(int64_t version, char dst[SCIM_ETAG_SIZE])
{
	(void)snprintf(dst, SCIM_ETAG_SIZE, "W/\"%lld\"", (long long)version);
}

void scim_meta_add(struct json *j, const struct scim_meta *m)
{
	struct json *meta = json_object();
	char created[24], modified[24], etag[SCIM_ETAG_SIZE], url[1024];

	clock_iso(created, sizeof(created), m->created);
	clock_iso(modified, sizeof(modified), m->modified);
	scim_etag(m->version, etag);
	(void)snprintf(url, sizeof(url), "%s/%ss/%s", m->base, m->kind, m->id);
	json_set_str(meta, "resourceType", m->kind);
	json_set_str(meta, "created", created);
	json_set_str(meta, "lastModified", modified);
	json_set_str(meta, "location", url);
	json_set_str(meta, "version", etag);
	json_set(j, "meta", meta);
}

static void text_add(struct json *j, const struct scim_user *u, enum scim_attr a, const char *key)
{
	if (u->text[a] != NULL)
		json_set_str(j, key, u->text[a]);
}

struct json *scim_user_json(const struct scim_user *u, const char *base)
{
	const struct scim_meta meta = {.kind = "User",
				       .base = base,
				       .id = u->id,
				       .created = u->created,
				       .modified = u->modified,
				       .version = u->version};
	struct json *j = json_object(), *schemas = json_array(), *name, *list;

	json_push_str(schemas, SCIM_URN_USER);
	json_set(j, "schemas", schemas);
	json_set_str(j, "id", u->id);
	text_add(j, u, SCIM_EXTERNAL_ID, "externalId");
	text_add(j, u, SCIM_USER_NAME, "userName");
	text_add(j, u, SCIM_DISPLAY_NAME, "displayName");
	if (u->text[SCIM_GIVEN_NAME] != NULL || u->text[SCIM_FAMILY_NAME] != NULL ||
	    u->text[SCIM_FORMATTED] != NULL) {
		name = json_object();
		text_add(name, u, SCIM_FORMATTED, "formatted");
		text_add(name, u, SCIM_GIVEN_NAME, "givenName");
		text_add(name, u, SCIM_FAMILY_NAME, "familyName");
		json_set(j, "name", name);
	}
	if (u->text[SCIM_EMAIL] != NULL) {
		struct json *one = json_object();

		list = json_array();
		json_set_str(one, "value", u->text[SCIM_EMAIL]);
		json_set_str(one, "type", "work");
		json_set_bool(one, "primary", true);
		json_push(list, one);
		json_set(j, "emails", list);
	}
	json_set_bool(j, "active", u->active);
	scim_meta_add(j, &meta);
	return j;
}
