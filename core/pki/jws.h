/*
 * Signatures of JSON Web Signatures (RFC 7515) by public keys that come as JSON Web Keys (RFC 7518
 * section 6). Only the asymmetric algorithms below exist here: there is no "none", and no HMAC that a
 * public key could be passed off as the secret of. Nothing blocks.
 */
#ifndef CORE_PKI_JWS_H
#define CORE_PKI_JWS_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

enum jws_alg {
	JWS_RS256 = 1, /* RSASSA-PKCS1-v1_5 with SHA-256 */
	JWS_PS256 = 2, /* RSASSA-PSS with SHA-256, MGF1 with SHA-256, 32 bytes of salt */
	JWS_ES256 = 4, /* ECDSA on P-256 with SHA-256 */
};

struct jws_key; /* a public key, RSA or P-256 */

/* Names are case-sensitive (RFC 7515 section 4.1.1). E_UNSUPPORTED: any other. */
int jws_alg_find(const char *name, enum jws_alg *ret) MUST_CHECK;

/* Unsigned big-endian numbers. E_FORMAT: RSA not of 2048 to 8192 bits, an even or tiny exponent. */
int jws_key_rsa(struct bytes n, struct bytes e, struct jws_key **ret) MUST_CHECK;
/* Coordinates of 32 bytes. E_FORMAT: no point of P-256. */
int jws_key_p256(struct bytes x, struct bytes y, struct jws_key **ret) MUST_CHECK;
void jws_key_free(struct jws_key *k);

/* Whether this kind of key can be used with it. */
bool jws_key_fits(const struct jws_key *k, enum jws_alg alg);

/* signature as in the JWS (ES256: r and s of 32 bytes each). E_DENIED: not signed so by this key. */
int jws_verify(const struct jws_key *k, enum jws_alg alg, struct bytes text,
	       struct bytes signature) MUST_CHECK;

#endif
