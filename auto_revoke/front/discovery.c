/* What the service says about itself (RFC 7644 section 4, RFC 7643 sections 5 to 7). */
#include "auto_revoke/front/server.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct attribute {
	const char *name, *type;
	bool required, exact, multi;
	const char *uniqueness;
	const struct attribute *sub; /* ends with name NULL */
};

static const struct attribute name_sub[] = {
	{"formatted", "string", false, false, false, "none", NULL},
	{"givenName", "string", false, false, false, "none", NULL},
	{"familyName", "string", false, false, false, "none", NULL},
	{0}};
static const struct attribute email_sub[] = {
	{"value", "string", false, false, false, "none", NULL},
	{"type", "string", false, false, false, "none", NULL},
	{"primary", "boolean", false, false, false, "none", NULL},
	{0}};
static const struct attribute member_sub[] = {{"value", "string", false, true, false, "none", NULL},
					      {"type", "string", false, false, false, "none", NULL},
					      {0}};
static const struct attribute user_attributes[] = {
	{"userName", "string", true, false, false, "server", NULL},
	{"name", "complex", false, false, false, "none", name_sub},
	{"displayName", "string", false, false, false, "none", NULL},
	{"emails", "complex", false, false, true, "none", email_sub},
	{"active", "boolean", false, false, false, "none", NULL},
	{0}};
static const struct attribute group_attributes[] = {
	{"displayName", "string", true, false, false, "server", NULL},
	{"members", "complex", false, false, true, "none", member_sub},
	{0}};

static const struct kind {
	const char *name, *urn, *about;
	const struct attribute *attributes;
} kinds[] = {
	{"User", SCIM_URN_USER, "a person of the campus", user_attributes},
	{"Group", SCIM_URN_GROUP, "a group of people", group_attributes},
};

static struct json *supported(bool yes)
{
	struct json *j = json_object();

	json_set_bool(j, "supported", yes);
	return j;
}

static struct json *schemas_of(const char *urn)
{
	struct json *a = json_array();

	json_push_str(a, urn);
	return a;
}

static void meta(struct json *j, const struct scim_call *c, const char *kind, const char *path)
{
	struct json *m = json_object();
	char url[1024];

	(void)snprintf(url, sizeof(url), "%s/%s", c->s->base, path);
	json_set_str(m, "resourceType", kind);
	json_set_str(m, "location", url);
	json_set(j, "meta", m);
}

int config_get(struct scim_call *c)
{
	struct json *j = json_object(), *filter = supported(true), *bulk = supported(false),
		    *list = json_array(), *scheme = json_object();

	json_set(j, "schemas",
		 schemas_of("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"));
	json_set(j, "patch", supported(true));
	json_set_int(bulk, "maxOperations", 0);
	json_set_int(bulk, "maxPayloadSize", 0);
	json_set(j, "bulk", bulk);
	json_set_int(filter, "maxResults", SCIM_PAGE_MAX);
	json_set(j, "filter", filter);
	json_set(j, "changePassword", supported(false));
	json_set(j, "sort", supported(false));
	json_set(j, "etag", supported(true));
	json_set_str(scheme, "type", "oauthbearertoken");
	json_set_str(scheme, "name", "OAuth Bearer Token");
	json_set_str(scheme, "description", "a long-lived token made by scepctl scim token add");
	json_push(list, scheme);
	json_set(j, "authenticationSchemes", list);
	meta(j, c, "ServiceProviderConfig", "ServiceProviderConfig");
	return scim_reply(c, 200, j, NULL, -1);
}

static struct json *type_json(const struct scim_call *c, const struct kind *k)
{
	struct json *j = json_object();
	char path[64];

	json_set(j, "schemas", schemas_of("urn:ietf:params:scim:schemas:core:2.0:ResourceType"));
	json_set_str(j, "id", k->name);
	json_set_str(j, "name", k->name);
	(void)snprintf(path, sizeof(path), "/%ss", k->name);
	json_set_str(j, "endpoint", path);
	json_set_str(j, "description", k->about);
	json_set_str(j, "schema", k->urn);
	(void)snprintf(path, sizeof(path), "ResourceTypes/%s", k->name);
	meta(j, c, "ResourceType", path);
	return j;
}

static struct json *attribute_json(const struct attribute *a)
{
	struct json *j = json_object(), *sub;

	json_set_str(j, "name", a->name);
	json_set_str(j, "type", a->type);
	json_set_bool(j, "multiValued", a->multi);
	json_set_bool(j, "required", a->required);
	json_set_bool(j, "caseExact", a->exact);
	json_set_str(j, "mutability", "readWrite");
	json_set_str(j, "returned", "default");
	json_set_str(j, "uniqueness", a->uniqueness);
	if (a->sub != NULL) {
		sub = json_array();
		for (const struct attribute *s = a->sub; s->name != NULL; s++) {
			struct json *one = json_object();

			json_set_str(one, "name", s->name);
			json_set_str(one, "type", s->type);
			json_set_bool(one, "multiValued", false);
			json_set_bool(one, "required", false);
			json_set_bool(one, "caseExact", s->exact);
			json_set_str(one, "mutability", "readWrite");
			json_set_str(one, "returned", "default");
			json_set_str(one, "uniqueness", "none");
			json_push(sub, one);
		}
		json_set(j, "subAttributes", sub);
	}
	return j;
}

static struct json *schema_json(const struct scim_call *c, const struct kind *k)
{
	struct json *j = json_object(), *list = json_array();
	char path[128];

	json_set(j, "schemas", schemas_of("urn:ietf:params:scim:schemas:core:2.0:Schema"));
	json_set_str(j, "id", k->urn);
	json_set_str(j, "name", k->name);
	json_set_str(j, "description", k->about);
	for (const struct attribute *a = k->attributes; a->name != NULL; a++)
		json_push(list, attribute_json(a));
	json_set(j, "attributes", list);
	(void)snprintf(path, sizeof(path), "Schemas/%s", k->urn);
	meta(j, c, "Schema", path);
	return j;
}

static int list(struct scim_call *c,
		struct json *(*one)(const struct scim_call *c, const struct kind *k))
{
	struct scim_page p = {.start = 1, .total = 2, .taken = 2, .list = json_array()};

	/* RFC 7644 section 4: a filter here is refused, not ignored. */
	if (http_query(c->req, "filter") != NULL) {
		json_free(p.list);
		return scim_fail(c->e, 403, "", "this cannot be filtered");
	}
	for (size_t i = 0; i < 2; i++)
		json_push(p.list, one(c, &kinds[i]));
	return scim_page_end(c, &p);
}

int types_get(struct scim_call *c)
{
	return list(c, type_json);
}

int schemas_get(struct scim_call *c)
{
	return list(c, schema_json);
}

int type_get(struct scim_call *c)
{
	for (size_t i = 0; i < 2; i++)
		if (strcasecmp(kinds[i].name, c->req->params[0]) == 0)
			return scim_reply(c, 200, type_json(c, &kinds[i]), NULL, -1);
	return scim_fail(c->e, 404, "", "there is no such resource type");
}

int schema_get(struct scim_call *c)
{
	for (size_t i = 0; i < 2; i++)
		if (strcasecmp(kinds[i].urn, c->req->params[0]) == 0)
			return scim_reply(c, 200, schema_json(c, &kinds[i]), NULL, -1);
	return scim_fail(c->e, 404, "", "there is no such schema");
}
