/* The source that is an LDAP directory: a sync that stays open (RFC 4533), or a full read now and then. */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_SOURCE_H
#define AUTO_REVOKE_DIRECTORY_LDAP_SOURCE_H

#include "auto_revoke/directory/directory.h"
#include "core/base/conf.h"

#include <signal.h>

/* How the source is, for scepctl sources: JSON in the run folder. */
#define LDAP_SOURCE_STATE "auto_revoke.sources.json"
/* What a sync knows, so that a restart goes on from there. */
#define LDAP_SOURCE_CACHE "auto_revoke.ldap"
/* When everything was last read. */
#define LDAP_SOURCE_FULL "auto_revoke.full"

struct ldap_source_options {
	const struct conf *conf;
	const char *run_dir;
	bool with_ids;  /* the store's people were made by LDAP logins of the portal */
	bool read_only; /* writes no files: another auto_revoke may run */
	const volatile sig_atomic_t *stop;
};

/* Reads the configuration and the password; connects with the first look. The options' pointers stay
 * borrowed. *ret_title names server and base, for people. */
int ldap_source_open(const struct ldap_source_options *o, struct directory *ret,
		     const char **ret_title, struct errmsg *em) MUST_CHECK;

/* File with the CA, which must stay readable. */
const char *ldap_source_ca(const struct directory *d);

#endif
