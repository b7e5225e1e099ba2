/*
 * An OpenID provider as seen over the network: its metadata (OpenID Connect Discovery 1.0, RFC 8414), its
 * keys, its token endpoint. Metadata and keys are kept for an hour. Thread-safe; functions marked so block
 * for the timeout of the configuration, a few times over.
 */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_PROVIDER_H
#define ONBOARD_PORTAL_AUTH_OIDC_PROVIDER_H

#include "core/base/buf.h"
#include "core/base/conf.h"
#include "core/base/json.h"
#include "onboard_portal/auth/oidc_token.h"

enum { OIDC_URL_SIZE = 513, OIDC_RETRY = 5, OIDC_KEYS_AGAIN = 60 };

struct oidc_provider;

struct oidc_urls {
	char authorization[OIDC_URL_SIZE];
	char token[OIDC_URL_SIZE];
	char keys[OIDC_URL_SIZE];
	char end_session[OIDC_URL_SIZE]; /* "": none */
	bool names_itself;               /* answers carry `iss` (RFC 9207) */
};

/* Reads section `oidc` with the client's secret; c stays borrowed. Asks nobody yet. */
int oidc_provider_open(const struct conf *c, struct oidc_provider **ret,
		       struct errmsg *em) MUST_CHECK;
void oidc_provider_close(struct oidc_provider *p);

/* Blocks when nothing is known yet, or what is known has become old. E_UNAVAIL, E_TIMEOUT, E_BACKEND; after
 * one of them nobody is asked again for OIDC_RETRY seconds. */
int oidc_provider_urls(struct oidc_provider *p, struct oidc_urls *ret,
		       struct errmsg *em) MUST_CHECK;
/* Does not block: E_NOTFOUND when nothing is known. */
int oidc_provider_known(struct oidc_provider *p, struct oidc_urls *ret) MUST_CHECK;

/* Trades a code for an ID token (RFC 6749 section 4.1.3, RFC 7636). Blocks. E_DENIED: the code is no good.
 * E_BACKEND: the provider refuses us. id_token is set up here, freed by the caller. */
int oidc_provider_redeem(struct oidc_provider *p, const char *code, const char *verifier,
			 const char *redirect_uri, struct buf *id_token,
			 struct errmsg *em) MUST_CHECK;

/* oidc_token_verify with the provider's keys, issuer and client. Asks for keys when it has none, or old ones,
 * and once more for a key it does not know, though for that not within OIDC_KEYS_AGAIN seconds. Blocks. */
int oidc_provider_verify(struct oidc_provider *p, struct bytes id_token, const char *nonce,
			 int64_t auth_since, struct json **ret, struct errmsg *em) MUST_CHECK;

const char *oidc_provider_client(const struct oidc_provider *p);
const char *oidc_provider_issuer(const struct oidc_provider *p);

/* Appends text as application/x-www-form-urlencoded. */
void oidc_urlencode(struct buf *out, const char *text);

#endif
