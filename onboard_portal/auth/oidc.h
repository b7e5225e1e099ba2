/*
 * Logins by OpenID Connect Core 1.0: the authorization code flow (section 3.1) with PKCE (RFC 7636, S256).
 * Two steps, between which the person is at the provider; what the first must tell the second is in a
 * cookie (oidc_state.h). Thread-safe. Both steps may block on the network (oidc_provider.h), so callers
 * bound how many run at once.
 */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_H
#define ONBOARD_PORTAL_AUTH_OIDC_H

#include "core/base/buf.h"
#include "core/base/conf.h"
#include "core/model/user.h"
#include "onboard_portal/auth/oidc_state.h"

#define OIDC_CALLBACK "/login/oidc/callback"

struct oidc;

/* Section `oidc`; c stays borrowed. url: the portal's, key: OIDC_STATE_KEY_SIZE bytes, both copied or
 * borrowed for as long. Asks nobody yet. */
int oidc_open(const struct conf *c, const char *url, const uint8_t *key, struct oidc **ret,
	      struct errmsg *em) MUST_CHECK;
void oidc_close(struct oidc *o);

/* Where to send the browser, and what its cookie is to hold. again: the id of a person who is to prove
 * anew who they are, else "". E_UNAVAIL, E_TIMEOUT, E_BACKEND: the provider cannot be asked. */
int oidc_begin(struct oidc *o, const char *again, const char *next,
	       char cookie[OIDC_STATE_TEXT_SIZE], struct buf *location,
	       struct errmsg *em) MUST_CHECK;

/* What came back; each may be NULL. */
struct oidc_answer {
	const char *cookie, *state, *code, *iss, *error;
};

/*
 * E_OK fills *ret_user (id and groups too), *ret_proven (when the person proved who they are, 0: the provider does
 * not say) and *ret_state.
 * E_STATE: the answer belongs to no login that this browser began, or to one that is over.
 * E_NOTFOUND: the person gave up, or the provider did not let them in. E_DENIED: nobody of ours, or a token
 * that is not good. E_UNAVAIL, E_TIMEOUT, E_BACKEND, E_FORMAT: for the operator to mend. em says more, except
 * with E_OK.
 */
int oidc_finish(struct oidc *o, const struct oidc_answer *a, struct user *ret_user,
		int64_t *ret_proven, struct oidc_state *ret_state, struct errmsg *em) MUST_CHECK;

/* Identity source of the people who come this way. */
const char *oidc_source(const struct oidc *o);

bool oidc_can_logout(struct oidc *o);
/* Where the provider's own session is ended (OpenID Connect RP-Initiated Logout 1.0). Does not block.
 * E_NOTFOUND: it has no such place, or nothing is known of it yet. */
int oidc_logout(struct oidc *o, struct buf *location) MUST_CHECK;

#endif
