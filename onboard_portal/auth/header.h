/*
 * Logins by what a reverse proxy on this machine says in headers, for SAML (mod_shib, mod_auth_mellon) and
 * others that know how to log people in. A request counts when it comes from a loopback address that is
 * configured and carries a secret that only the proxy knows. Thread-safe; does not block.
 */
#ifndef ONBOARD_PORTAL_AUTH_HEADER_H
#define ONBOARD_PORTAL_AUTH_HEADER_H

#include "core/base/conf.h"
#include "core/http/router.h"
#include "core/model/user.h"

struct header_login;

/* Section `header`, with the secret; c stays borrowed. */
int header_login_open(const struct conf *c, struct header_login **ret,
		      struct errmsg *em) MUST_CHECK;
void header_login_close(struct header_login *h);

/* E_DENIED: not from the proxy (em says why; no value is quoted), or nobody that could be a person here.
 * E_FORMAT: for the operator to mend. The id stays empty: people are known by their login. */
int header_login_person(const struct header_login *h, const struct http_request *req,
			struct user *ret, struct errmsg *em) MUST_CHECK;

#endif
