/* The public keys of an OpenID provider: its JWK Set (RFC 7517). Pure. */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_KEYS_H
#define ONBOARD_PORTAL_AUTH_OIDC_KEYS_H

#include "core/pki/jws.h"

enum { OIDC_KEYS_MAX = 32, OIDC_KEYS_TEXT_MAX = 128 * 1024, OIDC_KID_SIZE = 257 };

struct oidc_keys;

/*
 * Keys that are not for verifying (`use`, `key_ops`), of other kinds, for other algorithms or broken are
 * left out, as RFC 7517 section 5 asks. E_FORMAT: no key set. E_NOTFOUND: no key in it can be used.
 * E_TOOBIG: the text, or more than OIDC_KEYS_MAX keys. Free with oidc_keys_free.
 */
int oidc_keys_parse(struct bytes text, struct oidc_keys **ret, struct errmsg *em) MUST_CHECK;
void oidc_keys_free(struct oidc_keys *k);

/*
 * Verifies by the key with this id; several may share it. kid NULL: by the only key that fits
 * (OpenID Connect Core section 10.1). E_NOTFOUND: there is no such key, newer ones may have it.
 * E_DENIED: there is, and it did not sign this.
 */
int oidc_keys_verify(const struct oidc_keys *k, const char *kid, enum jws_alg alg,
		     struct bytes text, struct bytes signature) MUST_CHECK;

#endif
