/* What people do with a device of theirs besides adding and removing it. */
#ifndef ONBOARD_PORTAL_DAEMON_DEVICE_CARE_H
#define ONBOARD_PORTAL_DAEMON_DEVICE_CARE_H

#include "core/http/router.h"

void device_rename_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_rename_post(void *ctx, const struct http_request *req, struct http_response *res);

/* --- device_lost.c: a device is gone; /lost is short, to be known by heart */
void lost_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_lost_get(void *ctx, const struct http_request *req, struct http_response *res);
void device_lost_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
