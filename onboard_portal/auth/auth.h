/*
 * Where people's passwords are checked. One backend per source (local accounts, LDAP; those of OpenID
 * Connect never see one, oidc.h); each fills a struct user, whose id stays empty
 * unless the source knows people by more than their login. Backends are thread-safe; check
 * may block (a password hash takes tens of milliseconds on purpose, a directory takes a round
 * trip), so callers bound how many run at once.
 */
#ifndef ONBOARD_PORTAL_AUTH_AUTH_H
#define ONBOARD_PORTAL_AUTH_AUTH_H

#include "core/base/err.h"
#include "core/model/user.h"

struct auth {
	const char *source; /* identity source, part of who a person is */
	void *self;
	/*
	 * E_OK fills *ret (source, login, name, email, groups). E_NOTFOUND for an unknown login and
	 * E_DENIED for a wrong password take the same time and are the same to the person; the
	 * difference is for the audit trail. E_UNAVAIL with em when the source cannot be asked.
	 * em may also be filled with E_OK or a refusal: something for the operator to mend.
	 */
	int (*check)(void *self, const char *login, const char *password, struct user *ret,
		     struct errmsg *em);
	void (*close)(void *self);
};

#endif
