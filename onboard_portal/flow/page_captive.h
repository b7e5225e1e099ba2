/* View models of the pages that people see before they are signed in, and of the way to another browser. Pure. */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_CAPTIVE_H
#define ONBOARD_PORTAL_FLOW_PAGE_CAPTIVE_H

#include "onboard_portal/flow/page.h"

/* Where a device on the open network is led first. */
struct page_welcome {
	const char *url;  /* of the portal, as people type it */
	bool small;       /* seen in a window that will not last */
	int64_t released; /* minutes for which the device holds itself online, 0: it does not */
};
int page_welcome(const struct page_base *b, const struct page_welcome *p,
		 struct buf *out) MUST_CHECK;

/* What the network learns about people, the terms, who helps. */
struct page_about {
	const char *terms; /* plain text, paragraphs parted by empty lines; "" none */
	bool directory;    /* people come from a directory */
	long keep;         /* days that a certificate stays on record after its end */
	long session;      /* minutes until a login ends */
};
int page_about(const struct page_base *b, const struct page_about *p, struct buf *out) MUST_CHECK;

/* The set-up page for another device or browser: a picture, an address, a code. */
struct page_handover {
	const char *device;
	const char *back; /* path of the page to go back to, most often the set-up page */
	const char *back_key;
	const char *code;
	const char *url;   /* https://.../r/CODE */
	const char *enter; /* https://.../r, where the code is typed in */
	int64_t minutes;   /* left */
};
int page_handover(const struct page_base *b, const struct page_handover *p,
		  struct buf *out) MUST_CHECK;

struct page_resume {
	const char *code; /* what was typed, or came in the address; "" none */
	const char *error_key;
	int64_t wait; /* seconds until the next try, 0: none */
};
int page_resume(const struct page_base *b, const struct page_resume *p, struct buf *out) MUST_CHECK;

/* For pages that show the same: an address as people type it, its picture ("qr", "qr_side"), the terms. */
const char *page_typed(const char *url);
void page_set_qr(struct html_vars *v, const char *url);
void page_set_terms(struct html_vars *v, const char *terms);

#endif
