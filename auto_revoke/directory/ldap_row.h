/*
 * What is kept of one entry of an LDAP directory, and what an entry says about its person: the rules of
 * the servers that are in use. Pure.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_ROW_H
#define AUTO_REVOKE_DIRECTORY_LDAP_ROW_H

#include "auto_revoke/directory/directory.h"
#include "core/base/buf.h"
#include "core/ldap/dirconf.h"

/* Lists within a field are separated by this; it can be in none of the values. */
#define LDAP_ROW_SEP '\x1f'

enum { LDAP_ROW_KEY = 16, LDAP_ROW_LOGINS = 8 };

enum ldap_row_field {
	ROW_DN,     /* normal form */
	ROW_ID,     /* of a person: id of dirgroups_person_id, or "" */
	ROW_LOGINS, /* of a person */
	ROW_LINKS, /* of a person: groups by member-of; of a group: its members, as keys of links */
	ROW_NAME,
	ROW_EMAIL,
	ROW_FIELDS
};

struct ldap_row {
	uint8_t key[LDAP_ROW_KEY];
	bool group;
	bool disabled;
	bool expires; /* an attribute about the end of the account was there */
	bool seen;    /* mentioned in this refresh */
	int64_t leave_at;
	char *f[ROW_FIELDS]; /* into text */
	char text[];
};

struct ldap_rules {
	const struct dirconf *conf;
	bool with_ids; /* people are known to the store by their stable id */
};

/* A new row, freed with free(). E_FORMAT: it is neither a group nor a person with login and id. */
int ldap_row_make(const struct ldap_rules *rules, const uint8_t key[LDAP_ROW_KEY],
		  const struct dir_entry *e, struct ldap_row **ret, struct errmsg *em) MUST_CHECK;

/* One line of the file in which rows are kept, with its end. */
void ldap_row_write(const struct ldap_row *r, struct buf *out);
/* line: without its end. E_FORMAT. */
int ldap_row_read(const char *line, struct ldap_row **ret) MUST_CHECK;

#endif
