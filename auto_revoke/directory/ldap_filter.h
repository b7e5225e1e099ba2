/*
 * LDAP filters (RFC 4515) matched against an entry in memory: a change that the server announces is
 * judged without asking again. All of the grammar but approximate matches and, of extensible ones, only
 * bitwise AND (1.2.840.113556.1.4.803). Comparisons ignore case; >= and <= compare whole numbers as
 * numbers. Pure.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_FILTER_H
#define AUTO_REVOKE_DIRECTORY_LDAP_FILTER_H

#include "core/base/err.h"
#include "core/ldap/direntry.h"

enum { LDAP_FILTER_ATTRS_MAX = 16, LDAP_FILTER_NAME_SIZE = 65 };

/* Checks the filter and lists the attributes it names (each once). E_CONFIG says where it is wrong. */
int ldap_filter_check(const char *filter, char names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE],
		      size_t *ret_n, struct errmsg *em) MUST_CHECK;

/* Of a filter that passed the check. */
bool ldap_filter_matches(const char *filter, const struct dir_entry *e);

#endif
