/* The page on which a person lets an app set up a device. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_APP_H
#define ONBOARD_PORTAL_FLOW_PAGE_APP_H

#include "onboard_portal/flow/page.h"

struct page_app {
	const char *client;   /* how the app calls itself */
	const char *request;  /* sealed, for the form */
	const char *name;     /* of the device, in the field; NULL: the kind of device */
	const char *platform; /* of flow/platform.h */
	const char *name_key; /* what is wrong with the name, or NULL */
	int64_t days;         /* for which the certificate is valid */
};
int page_app(const struct page_base *b, const struct page_app *p, struct buf *out) MUST_CHECK;

#endif
