/* The overview: pictures and tables of the same figures. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_PAGE_OVERVIEW_H
#define ONBOARD_PORTAL_CONSOLE_PAGE_OVERVIEW_H

#include "core/model/desk.h"
#include "core/model/source.h"
#include "onboard_portal/flow/page_base.h"

struct page_overview {
	const struct desk_counts *counts;
	int64_t at; /* when they were counted, unix seconds; 0: not to the end yet */
	int64_t now;
	const struct source *source; /* NULL: nothing is known of any */
	bool silent;
};
int page_overview(const struct page_base *b, const struct page_overview *p,
		  struct buf *out) MUST_CHECK;

#endif
