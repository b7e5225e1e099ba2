#include "auto_revoke/scim/attr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum scim_attr attr;
} of_user[] =
	{
		{"userName", SCIM_USER_NAME},
		{"externalId", SCIM_EXTERNAL_ID},
		{"displayName", SCIM_DISPLAY_NAME},
		{"name.givenName", SCIM_GIVEN_NAME},
		{"name.familyName", SCIM_FAMILY_NAME},
		{"name.formatted", SCIM_FORMATTED},
		{"emails.value", SCIM_EMAIL},
		{"id", SCIM_ID},
		{"active", SCIM_ACTIVE},
		{"name", SCIM_NAME},
		{"emails", SCIM_EMAILS},
},
  of_group[] =
	  {
		  {"displayName", SCIM_DISPLAY_NAME},
		  {"externalId", SCIM_EXTERNAL_ID},
		  {"id", SCIM_ID},
		  {"members", SCIM_MEMBERS},
		  {"members.value", SCIM_MEMBERS},
},
  of_email[] =
	  {
		  {"value", SCIM_EMAIL},
		  {"type", SCIM_EMAIL_TYPE},
		  {"primary", SCIM_EMAIL_PRIMARY},
},
  of_member[] = {
	  {"value", SCIM_MEMBERS},
};

int scim_fail(struct scim_error *e, unsigned status, const char *type, const char *fmt, ...)
{
	va_list ap;

	e->status = status;
	e->type = type;
	va_start(ap, fmt);
	(void)vsnprintf(e->detail, sizeof(e->detail), fmt, ap);
	va_end(ap);
	return E_FORMAT;
}

static void strip_urn(const char **name, size_t *n, const char *urn)
{
	size_t len = strlen(urn);

	if (*n > len && (*name)[len] == ':' && strncasecmp(*name, urn, len) == 0) {
		*name += len + 1;
		*n -= len + 1;
	}
}

enum scim_attr scim_attr_find(enum scim_scope scope, const char *name, size_t n)
{
	size_t count = sizeof(of_user) / sizeof(*of_user);
	const void *table = of_user;

	strip_urn(&name, &n, scope == SCIM_OF_GROUP ? SCIM_URN_GROUP : SCIM_URN_USER);
	if (scope == SCIM_OF_GROUP) {
		table = of_group;
		count = sizeof(of_group) / sizeof(*of_group);
	} else if (scope == SCIM_OF_EMAIL) {
		table = of_email;
		count = sizeof(of_email) / sizeof(*of_email);
	} else if (scope == SCIM_OF_MEMBER) {
		table = of_member;
		count = sizeof(of_member) / sizeof(*of_member);
	}
	for (size_t i = 0; i < count; i++) {
		const __typeof__(of_user[0]) *row = (const __typeof__(of_user[0]) *)table + i;

		if (strlen(row->name) == n && strncasecmp(row->name, name, n) == 0)
			return row->attr;
	}
	return SCIM_OTHER;
}

const char *scim_attr_name(enum scim_attr a)
{
	return (unsigned)a < SCIM_TEXTS ? of_user[a].name : "";
}

bool scim_attr_same(enum scim_attr a, const char *x, const char *y)
{
	return (a == SCIM_ID || a == SCIM_EXTERNAL_ID || a == SCIM_MEMBERS ? strcmp(x, y)
									   : strcasecmp(x, y)) == 0;
}
