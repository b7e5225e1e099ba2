/* The devices of the person who asks, for the pages about them. */
#ifndef ONBOARD_PORTAL_DAEMON_DEVICE_ROWS_H
#define ONBOARD_PORTAL_DAEMON_DEVICE_ROWS_H

#include "onboard_portal/daemon/gate.h"

struct device_rows {
	struct store_device_row *list;
	size_t n;
};

/* gate_person and the person's devices; on true the caller frees rows->list and puts *s back. */
bool device_rows_get(struct portal *p, const struct http_request *req, struct http_response *res,
		     struct visitor *v, struct store **s, struct device_rows *rows);

/*
 * The same, and the device that the path names, in rows. NULL when the reply is made, that there is none too: ids of
 * others are as unknown as ones that do not exist. Nothing is to be freed or put back then.
 */
const struct store_device_row *device_row_get(struct portal *p, const struct http_request *req,
					      struct http_response *res, struct visitor *v,
					      struct store **s, struct device_rows *rows);

struct page_device device_row_shown(const struct store_device_row *row);
long device_rows_live(const struct device_rows *rows, int64_t now); /* how many take a place */
long device_limit(const struct user *u, const struct choice *choice);
void device_base(struct portal *p, struct page_base *b, const struct visitor *v);

#endif
