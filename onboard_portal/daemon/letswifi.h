/* The letswifi API for the geteduroam apps: flow/letswifi.h over HTTP. Only where the portal makes keys (keyed.h). */
#ifndef ONBOARD_PORTAL_DAEMON_LETSWIFI_H
#define ONBOARD_PORTAL_DAEMON_LETSWIFI_H

#include "onboard_portal/daemon/portal.h"

/* Where a login leads: to the app that waits for it in this browser, else to the devices. A path of ours always. */
const char *app_next(const struct portal *p, const struct http_request *req);

/* True when an app asks for the first page: the reply is made. */
bool app_asks(const struct portal *p, const struct http_request *req, struct http_response *res);

void app_discovery_get(void *ctx, const struct http_request *req, struct http_response *res);
void app_authorize_get(void *ctx, const struct http_request *req, struct http_response *res);
void app_consent_get(void *ctx, const struct http_request *req, struct http_response *res);
void app_consent_post(void *ctx, const struct http_request *req, struct http_response *res);

/* --- app_token.c: what the app itself asks, without a cookie -------------------------------------------- */
void app_token_post(void *ctx, const struct http_request *req, struct http_response *res);
void app_eap_config_post(void *ctx, const struct http_request *req, struct http_response *res);
void app_mobileconfig_post(void *ctx, const struct http_request *req, struct http_response *res);
/* Sends the JSON in res->body, or a bare 500 when r is not E_OK. */
void app_json(struct http_response *res, unsigned status, int r);

#endif
