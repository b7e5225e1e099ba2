/* Judging certificates that exist already: do they chain, fit a key, fit a host, and until when. Pure. */
#ifndef CORE_PKI_CERT_CHECK_H
#define CORE_PKI_CERT_CHECK_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum cert_use { CERT_USE_ANY, CERT_USE_TLS_SERVER, CERT_USE_TLS_CLIENT };

/* Verifies leaf over the n certificates of chain up to anchor (RFC 5280 section 6) as of the unix
 * time `at`. E_DENIED with libcrypto's reason in em. */
int cert_check_chain(X509 *leaf, X509 *const *chain, size_t n, X509 *anchor, enum cert_use use,
		     int64_t at, struct errmsg *em) MUST_CHECK;

bool cert_check_key(X509 *cert, EVP_PKEY *key);     /* they belong together */
bool cert_check_host(X509 *cert, const char *host); /* SAN covers this name or address */
bool cert_check_ca(X509 *cert);                     /* CA:TRUE and may sign certificates */
bool cert_check_last_ca(X509 *cert);                /* path length 0, and may sign CRLs */
bool cert_check_rsa(X509 *cert);                    /* the public key is RSA */
bool cert_check_same(X509 *a, X509 *b);
/* How near its end is something that holds from..to (unix seconds)? */
enum cert_life {
	CERT_LIFE_GOOD,
	CERT_LIFE_SOON,   /* ends within warn_days */
	CERT_LIFE_URGENT, /* within CERT_LIFE_URGENT_DAYS */
	CERT_LIFE_OVER,
	CERT_LIFE_EARLY, /* not valid yet */
};
enum { CERT_LIFE_URGENT_DAYS = 7 };
enum cert_life cert_life(int64_t from, int64_t to, int64_t now, long warn_days);
const char *cert_life_text(enum cert_life l); /* "good", "ends soon", ... */

void cert_free(X509 *cert);      /* X509_free for those who see no libcrypto */
void key_release(EVP_PKEY *key); /* EVP_PKEY_free likewise */

#endif
