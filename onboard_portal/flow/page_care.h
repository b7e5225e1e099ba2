/* Pages by which people look after a device of theirs. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_CARE_H
#define ONBOARD_PORTAL_FLOW_PAGE_CARE_H

#include "onboard_portal/flow/page.h"

struct page_rename {
	const struct device *device;
	const char *typed;    /* in the field */
	const char *name_key; /* what is wrong with it, or NULL */
};
int page_rename(const struct page_base *b, const struct page_rename *p, struct buf *out) MUST_CHECK;

#endif
