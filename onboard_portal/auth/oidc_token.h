/*
 * ID tokens (OpenID Connect Core 1.0 sections 2 and 3.1.3.7): signed JWTs in the compact form. Pure: keys
 * and time come in as arguments.
 */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_TOKEN_H
#define ONBOARD_PORTAL_AUTH_OIDC_TOKEN_H

#include "core/base/json.h"
#include "onboard_portal/auth/oidc_keys.h"

enum {
	OIDC_TOKEN_MAX = 64 * 1024, /* bytes of the whole token */
	OIDC_LEEWAY = 60            /* seconds by which the two clocks may differ */
};

struct oidc_expect {
	const char *issuer;
	const char *client_id;
	const char *nonce;  /* of the request that this answers */
	unsigned algs;      /* enum jws_alg, added up */
	int64_t now;        /* unix seconds */
	int64_t auth_since; /* the person must have proved who they are after this; 0: no matter */
};

/*
 * Signature first, then the claims, of which *ret becomes the owner (json_free). em says what is wrong
 * with the token, without quoting what it says of the person.
 * E_NOTFOUND: signed by a key that is not among these. E_FORMAT, E_TOOBIG: no such token at all.
 * E_DENIED: everything else.
 */
int oidc_token_verify(struct bytes token, const struct oidc_keys *keys,
		      const struct oidc_expect *want, struct json **ret,
		      struct errmsg *em) MUST_CHECK;

#endif
