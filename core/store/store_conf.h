/* From the configuration to Redis: section redis of scepauth.conf(5), and the password of a user in its secrets folder. */
#ifndef CORE_STORE_STORE_CONF_H
#define CORE_STORE_STORE_CONF_H

#include "core/base/conf.h"
#include "core/store/store.h"

/* Where it is and how long it may take. user, password: borrowed; so are the texts of c. TLS is not in it. */
struct store_options store_conf_options(const struct conf *c, const char *user,
					const char *password);

/* Whom to trust where redis.tls is set; NULL where it is not. The caller closes it. Reads files; E_CONFIG. */
int store_conf_tls(const struct conf *c, struct redis_tls **ret, struct errmsg *em) MUST_CHECK;

/* The file with the password of this user. E_CONFIG: its path is too long. */
int store_conf_secret(const struct conf *c, const char *user, char *dst, size_t size,
		      struct errmsg *em) MUST_CHECK;

/* store_open, store_pool_open. Blocks on the file; E_IO, E_DENIED (its mode) and so on as conf_secret_line. */
int store_conf_open(const struct conf *c, const char *user, struct store **ret,
		    struct errmsg *em) MUST_CHECK;
int store_conf_open_pool(const struct conf *c, const char *user, unsigned max,
			 struct store_pool **ret, struct errmsg *em) MUST_CHECK;

#endif
