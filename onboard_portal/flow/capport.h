/* The captive portal API of RFC 8908: what a device is told about its own state. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_CAPPORT_H
#define ONBOARD_PORTAL_FLOW_CAPPORT_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CAPPORT_CONTENT_TYPE "application/captive+json"
#define CAPPORT_PATH "/captive-api"

struct capport {
	const char *portal_url; /* https://..., without a final slash */
	bool captive;
	int64_t seconds; /* until it is captive again; 0: no such end */
};

/* Appends the JSON object of section 5. */
int capport_write(const struct capport *c, struct buf *out) MUST_CHECK;

#endif
