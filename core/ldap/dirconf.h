/* The section `ldap` of scepauth.conf, checked, with the password from its file. */
#ifndef CORE_LDAP_DIRCONF_H
#define CORE_LDAP_DIRCONF_H

#include "core/base/conf.h"
#include "core/ldap/dirconn.h"
#include "core/ldap/dirgroups.h"

enum { DIRCONF_PASSWORD_SIZE = 512 };

struct dirconf {
	struct dirconn_options conn;
	const char *base, *filter, *login, *id; /* names of attributes: login, id */
	const char *group_class;                /* "": groups are not read */
	const char *member_of;                  /* attribute; "": not used */
	const char *leaver;                     /* a site's own filter; "": none */
	bool references;
	int page;
	struct dirgroups groups;
	char password[DIRCONF_PASSWORD_SIZE];
};

/* Borrows from c; conn.password points into *ret, which may not move. E_CONFIG says what is missing. */
int dirconf_load(const struct conf *c, struct dirconf *ret, struct errmsg *em) MUST_CHECK;
/* Wipes. Accepts a zeroed struct. */
void dirconf_free(struct dirconf *d);

#endif
