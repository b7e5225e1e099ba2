/* What all view models share. For the page_*.c files. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_BASE_H
#define ONBOARD_PORTAL_FLOW_PAGE_BASE_H

#include "onboard_portal/flow/view.h"

struct page_base {
	const struct view *view;
	const struct view *const *views; /* one for each language to choose from */
	size_t n_views;
	const char *organization;
	const char *mark; /* path of the logo; NULL: the one that is made here */
	const char *support;
	const char *ssid;
	const char *person; /* name of who is signed in; NULL: nobody */
	const char *csrf;   /* "" where no form needs it */
	bool desk;          /* may use the console */
	bool sponsor;       /* may make vouchers */
	bool guests;        /* there are vouchers */
	bool server_makes;  /* keys, for devices that cannot */
};

/* What head and foot need; NULL without memory. error: the title says so first. */
struct html_vars *page_vars(const struct page_base *b, const char *title, bool error);

/* The sentence of a key; "" for NULL, which templates take for "not set". */
void page_sentence(const struct page_base *b, struct html_vars *v, const char *name,
		   const char *key);

/* Renders and frees v, which may be NULL. */
int page_finish(const struct page_base *b, const char *template, struct html_vars *v,
		struct buf *out) MUST_CHECK;

#endif
