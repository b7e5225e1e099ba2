/* Pages of "My devices": of the person who is signed in, and nobody else's devices. */
#ifndef ONBOARD_PORTAL_DAEMON_DEVICES_H
#define ONBOARD_PORTAL_DAEMON_DEVICES_H

#include "core/http/router.h"

void device_proof_get(void *ctx, const struct http_request *req, struct http_response *res);
void devices_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_calendar_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_new_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_new_post(void *ctx, const struct http_request *req, struct http_response *res);
void device_code_post(void *ctx, const struct http_request *req, struct http_response *res);
void device_remove_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_remove_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
