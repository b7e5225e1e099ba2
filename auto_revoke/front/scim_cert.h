/* The web certificate of the SCIM server while it runs: taken anew by SIGHUP, and told of before it ends. */
#ifndef AUTO_REVOKE_FRONT_SCIM_CERT_H
#define AUTO_REVOKE_FRONT_SCIM_CERT_H

#include "core/base/conf.h"
#include "core/http/httpd.h"

/* When it cannot be used, the one of before stays; the log says either. */
void scim_cert_reload(const struct conf *c, struct httpd *h);

/* A line in the log and an event when it ends within expiry-warning days. At most once a day after *last. */
void scim_cert_tell(const struct conf *c, int64_t now, int64_t *last);

#endif
