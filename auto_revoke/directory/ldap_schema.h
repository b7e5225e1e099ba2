/*
 * Does the directory know the attributes that are asked for? A filter on one that its schema lacks matches nobody and
 * says nothing: the site's leavers would be let in again, whoever had a group would lose it.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_SCHEMA_H
#define AUTO_REVOKE_DIRECTORY_LDAP_SCHEMA_H

#include "core/ldap/dirconn.h"

struct ldap_schema_need {
	const char *name;
	const char *key; /* of the configuration, for the message */
	bool is_class;   /* an object class, else an attribute */
};

/* Whether `description` (RFC 4512 section 4.1) is of `name`, be it by a name or its OID. Pure. */
bool ldap_schema_defines(struct bytes description, const char *name);

/* E_FORMAT: the server shows its schema, and something needed is not in it. One that shows none is believed. */
int ldap_schema_check(struct dirconn *c, const struct ldap_schema_need *needs, size_t n,
		      struct errmsg *em) MUST_CHECK;

#endif
