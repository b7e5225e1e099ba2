/* Opens Redis as one of the two users of scep_ca: `front` reads tickets, `ca` writes the ledger. */
#ifndef SCEP_CA_LEDGER_H
#define SCEP_CA_LEDGER_H

#include "core/base/conf.h"
#include "core/store/store.h"

/* Password from <redis.secrets>/redis-<user>. Succeeds while Redis is away; blocks on that file only.
 * max: how many handles may be out at once. */
int ledger_open(const struct conf *c, const char *user, unsigned max, struct store_pool **ret,
		struct errmsg *em) MUST_CHECK;

#endif
