/*
 * What changed in an Active Directory since a moment, without RFC 4533: every write raises a counter of the server
 * that takes it (highestCommittedUSN), and each entry keeps the counter's value of its last change (uSNChanged).
 * The numbers belong to one server and mean nothing to another; so all of it is for one connection.
 *
 * Who was deleted, moved elsewhere or no longer fits the filter does not show up: a full read finds that.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_USN_H
#define AUTO_REVOKE_DIRECTORY_LDAP_USN_H

#include "core/ldap/dirconn.h"
#include "core/ldap/dirgroups.h"

/* The server's counter. E_UNSUPPORTED: it has none. */
int ldap_usn_now(struct dirconn *c, int64_t *ret, struct errmsg *em) MUST_CHECK;

/* Emits the entries of the search that changed after `since`. */
int ldap_usn_entries(struct dirconn *c, const struct dirconn_search *s, int64_t since,
		     dirconn_emit *emit, void *ctx, struct errmsg *em) MUST_CHECK;

/* Whether one of the groups that are named by DN changed after `since`: who joins or leaves one does not change. */
int ldap_usn_groups(struct dirconn *c, const struct dirgroups *g, int64_t since, bool *ret,
		    struct errmsg *em) MUST_CHECK;

#endif
