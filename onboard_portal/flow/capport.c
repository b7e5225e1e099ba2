#include "onboard_portal/flow/capport.h"

#include "core/base/json.h"

#include <stdio.h>

#define URL_SIZE 512

int capport_write(const struct capport *c, struct buf *out)
{
	struct json *j = json_object();
	char url[URL_SIZE];
	int r;

	json_set_bool(j, "captive", c->captive);
	if ((size_t)snprintf(url, sizeof(url), "%s/welcome", c->portal_url) < sizeof(url))
		json_set_str(j, "user-portal-url", url);
	if ((size_t)snprintf(url, sizeof(url), "%s/about", c->portal_url) < sizeof(url))
		json_set_str(j, "venue-info-url", url);
	/* Both belong to a state that ends: not captive, for so long. */
	if (!c->captive && c->seconds > 0) {
		json_set_int(j, "seconds-remaining", c->seconds);
		json_set_bool(j, "can-extend-session", true);
	}
	r = j != NULL ? json_dump(j, out) : E_NOMEM;
	json_free(j);
	return r;
}
