/* Makes keys and signed tokens as an OpenID provider does, honest and not. */
#ifndef TESTS_SUPPORT_ID_TOKEN_H
#define TESTS_SUPPORT_ID_TOKEN_H

#include "core/base/buf.h"

#include <openssl/evp.h>

/* "RSA" (2048 bits) or "EC" (P-256); ends the program when it cannot. Free with EVP_PKEY_free. */
EVP_PKEY *id_token_key(const char *type);

/* One JWK; kid and alg may be NULL: left out. `more` is added as it is, such as ",\"use\":\"enc\"". */
void id_token_jwk(EVP_PKEY *key, const char *kid, const char *alg, const char *more,
		  struct buf *out);

/* base64url(header).base64url(claims).signature. alg says how it is really signed: RS256, PS256, ES256,
 * HS256 (with secret) or none. */
void id_token_sign(EVP_PKEY *key, const char *alg, struct bytes secret, const char *header,
		   const char *claims, struct buf *out);

#endif
