/*
 * A connection to an LDAP directory; the only file that includes libldap. Never talks in the clear:
 * ldaps:// is TLS from the start, on ldap:// StartTLS comes before anything else, and either ends the
 * connection unless the server's certificate is good for its name. ldapi:// (a unix socket) needs none.
 *
 * Every operation blocks up to the timeout of the options; what comes back is bounded. Referrals are
 * never followed. One thread at a time per connection.
 *
 * Codes: E_UNAVAIL the directory cannot be reached or does not answer in time; E_DENIED a password or a
 * right; E_NOTFOUND no such base; E_FORMAT an answer that cannot be used; E_TOOBIG a limit, the server's or ours; E_UNSUPPORTED
 * the server cannot do this; E_STATE (sync only) the cookie is of no use any more.
 */
#ifndef CORE_LDAP_DIRCONN_H
#define CORE_LDAP_DIRCONN_H

#include "core/base/err.h"
#include "core/ldap/direntry.h"
#include "core/ldap/dirsync.h"

struct dirconn;

struct dirconn_options {
	const char *uris;    /* one or more, separated by blanks; the first that answers is taken */
	const char *ca_file; /* PEM; "": the system's */
	const char *bind_dn; /* "": anonymous */
	const char *password; /* of bind_dn; never empty for one */
	int timeout_ms;       /* for connecting and for each operation */
};

/* Connects, makes TLS, binds. Tells in em which server said what. */
int dirconn_open(const struct dirconn_options *o, struct dirconn **ret,
		 struct errmsg *em) MUST_CHECK;
void dirconn_close(struct dirconn *c);
const char *dirconn_uri(const struct dirconn *c);

/*
 * Checks a password on this connection, which belongs to that person afterwards. E_DENIED: it is wrong,
 * or empty (nothing is sent then: an empty password asks for an anonymous bind and "succeeds").
 */
int dirconn_login(struct dirconn *c, const char *dn, const char *password,
		  struct errmsg *em) MUST_CHECK;

struct dirconn_search {
	const char *base, *filter;
	const char *const *attrs; /* ends with NULL */
	int page;                 /* entries per page (RFC 2696); 0: in one piece */
	size_t max;               /* entries; more are E_TOOBIG */
	bool base_only;           /* that entry alone and nothing below it */
	bool pass_references; /* references to other servers are passed over, else E_UNSUPPORTED */
};

/* Anything but E_OK ends the search with that code. The entry is borrowed. */
typedef int dirconn_emit(void *ctx, const struct dir_entry *e, struct errmsg *em);

/* E_OK only when the server said that this was all. */
int dirconn_search(struct dirconn *c, const struct dirconn_search *s, dirconn_emit *emit, void *ctx,
		   struct errmsg *em) MUST_CHECK;

/* Starts refreshAndPersist (RFC 4533) over the whole tree below the base. */
int dirconn_sync_start(struct dirconn *c, const struct dirconn_search *s, struct bytes cookie,
		       struct errmsg *em) MUST_CHECK;
/* e is NULL unless an entry came along. Both are borrowed. */
typedef int dirconn_on_sync(void *ctx, const struct dirsync_msg *m, const struct dir_entry *e,
			    struct errmsg *em);
/* Takes one message. E_TIMEOUT: none came within wait_ms, which is no error. After any other code but
 * E_OK the connection is to be closed. */
int dirconn_sync_next(struct dirconn *c, int wait_ms, dirconn_on_sync *on, void *ctx,
		      struct errmsg *em) MUST_CHECK;
/* Asks the server for a sign of life. Sync messages that arrive meanwhile wait. */
int dirconn_probe(struct dirconn *c, struct errmsg *em) MUST_CHECK;
/* For poll(): readable when sync messages may have come. */
int dirconn_fd(const struct dirconn *c);

#endif
