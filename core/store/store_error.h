/* Error replies of Redis and of our Functions -> result codes and sentences. Pure. */
#ifndef CORE_STORE_STORE_ERROR_H
#define CORE_STORE_STORE_ERROR_H

#include "core/base/err.h"

/* where names the server, user the ACL user (may be NULL); both only for the sentence. Never E_OK. */
int store_error_map(const char *where, const char *reply, const char *user, struct errmsg *em);

#endif
