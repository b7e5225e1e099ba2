/* The console's pages (flow/page.h says how pages are made). Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_PAGE_CONSOLE_H
#define ONBOARD_PORTAL_CONSOLE_PAGE_CONSOLE_H

#include "core/model/desk.h"
#include "onboard_portal/console/act.h"
#include "onboard_portal/console/story.h"
#include "onboard_portal/flow/page_base.h"

struct page_find {
	const char *typed;     /* "": nothing was looked for */
	const char *error_key; /* sentence of the catalogue, or NULL */
	const struct desk_hit *hits;
	size_t n;
	bool more;
};
int page_find(const struct page_base *b, const struct page_find *p, struct buf *out) MUST_CHECK;

struct page_person {
	const struct desk_person *person;
	const struct desk_act *done; /* what was just done, or NULL */
	int64_t now;
};
int page_person(const struct page_base *b, const struct page_person *p, struct buf *out) MUST_CHECK;

int page_story(const struct page_base *b, const struct user *u, const struct story *s,
	       struct buf *out) MUST_CHECK;

#endif
