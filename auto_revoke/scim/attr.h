/*
 * The attributes of SCIM users and groups (RFC 7643) that mean something here, and how a request is
 * refused. What other attributes say is taken without complaint and forgotten. Pure.
 */
#ifndef AUTO_REVOKE_SCIM_ATTR_H
#define AUTO_REVOKE_SCIM_ATTR_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define SCIM_URN_USER "urn:ietf:params:scim:schemas:core:2.0:User"
#define SCIM_URN_GROUP "urn:ietf:params:scim:schemas:core:2.0:Group"
#define SCIM_URN_MESSAGE "urn:ietf:params:scim:api:messages:2.0:"

enum {
	SCIM_ID_SIZE = 33,    /* 8 hex digits of the number, 24 random ones */
	SCIM_TEXT_SIZE = 256, /* longest value of a text attribute, with its NUL */
};

/* The texts first: they are the indexes of struct scim_user.text. */
enum scim_attr {
	SCIM_USER_NAME,
	SCIM_EXTERNAL_ID,
	SCIM_DISPLAY_NAME,
	SCIM_GIVEN_NAME,
	SCIM_FAMILY_NAME,
	SCIM_FORMATTED,
	SCIM_EMAIL,
	SCIM_TEXTS,
	SCIM_ID = SCIM_TEXTS,
	SCIM_ACTIVE,
	SCIM_NAME,
	SCIM_EMAILS,
	SCIM_EMAIL_TYPE,
	SCIM_EMAIL_PRIMARY,
	SCIM_MEMBERS,
	SCIM_OTHER,
};

/* Where a name stands decides what it means: "value" of a member is a user's id, of emails an address. */
enum scim_scope { SCIM_OF_USER, SCIM_OF_GROUP, SCIM_OF_EMAIL, SCIM_OF_MEMBER };

/* RFC 7644 section 3.12. */
struct scim_error {
	unsigned status;
	const char *type; /* scimType, static; "": none */
	char detail[200];
};

/* Fills *e and returns E_FORMAT. */
int scim_fail(struct scim_error *e, unsigned status, const char *type, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* A name as it stands in paths and bodies, any case, with or without the schema's URN; SCIM_OTHER. */
enum scim_attr scim_attr_find(enum scim_scope scope, const char *name, size_t n);

/* The name as in the schema; of texts only. */
const char *scim_attr_name(enum scim_attr a);

/* Are these two values of this attribute the same? Ids are, names are not, compared with their case. */
bool scim_attr_same(enum scim_attr a, const char *x, const char *y);

#endif
