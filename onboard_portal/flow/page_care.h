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

/* The devices that could still come in, each with a way to say that it is gone. */
int page_lost(const struct page_base *b, const struct page_devices *p, struct buf *out) MUST_CHECK;

struct page_lost_device {
	const struct device *device;
	bool cut; /* its certificate is revoked */
	bool on;  /* and it is on the network still */
	bool waits;
};
int page_lost_device(const struct page_base *b, const struct page_lost_device *p,
		     struct buf *out) MUST_CHECK;

/* Reminders by mail: asked whether to end them, ended, wanted again. path: of this page. */
enum mail_off { MAIL_ASKED, MAIL_OFF, MAIL_ON };
int page_mail_off(const struct page_base *b, const char *path, enum mail_off at,
		  struct buf *out) MUST_CHECK;

#endif
