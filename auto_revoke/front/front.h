/* `auto_revoke --scim`: the SCIM server as a process of its own. See auto_revoke(8). */
#ifndef AUTO_REVOKE_FRONT_FRONT_H
#define AUTO_REVOKE_FRONT_FRONT_H

#include "core/base/conf.h"
#include "core/base/err.h"

/* Serves until SIGTERM or SIGINT; with check_only it only looks whether it could. E_CONFIG, E_DENIED:
 * the configuration is not good. */
int front_run(const struct conf *c, bool check_only, struct errmsg *em) MUST_CHECK;

#endif
