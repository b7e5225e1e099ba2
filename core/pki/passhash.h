/* Hashes of people's passwords by libcrypt, the only place that includes it. Slow on purpose. */
#ifndef CORE_PKI_PASSHASH_H
#define CORE_PKI_PASSHASH_H

#include "core/base/err.h"

#include <stdbool.h>

enum { PASSHASH_SIZE = 384 };

/* yescrypt with a fresh salt and libcrypt's default cost. */
int passhash_new(const char *password, char dst[PASSHASH_SIZE]) MUST_CHECK;

/* Same method, cost and salt as `like`, which is a hash; E_CRYPTO when it is none. */
int passhash_like(const char *password, const char *like, char dst[PASSHASH_SIZE]) MUST_CHECK;

/* Takes as long for a wrong password as for the right one. False also when hash is no hash. */
bool passhash_matches(const char *password, const char *hash);

#endif
