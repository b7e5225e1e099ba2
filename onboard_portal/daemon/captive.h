/* What devices on the open network ask, by plain HTTP. */
#ifndef ONBOARD_PORTAL_DAEMON_CAPTIVE_H
#define ONBOARD_PORTAL_DAEMON_CAPTIVE_H

#include "core/http/router.h"

/* Routes and last touch of the plain HTTP server to which the open network leads web requests. */
extern const struct http_route captive_routes[];
void captive_after(void *ctx, const struct http_request *req, struct http_response *res);

#endif
