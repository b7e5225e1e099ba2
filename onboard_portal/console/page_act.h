/* The page on which an act of the help desk is confirmed. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_PAGE_ACT_H
#define ONBOARD_PORTAL_CONSOLE_PAGE_ACT_H

#include "core/model/desk.h"
#include "onboard_portal/console/act.h"
#include "onboard_portal/flow/page_base.h"

struct page_act {
	const struct desk_act *act;
	const struct user *user;
	const struct desk_cert *cert; /* NULL unless the act is about one */
	const char *reason;           /* what was typed */
	bool ask_password;
	const char *device, *platform; /* for a new code: what was typed and chosen */
	/* Sentences of the catalogue, or NULL */
	const char *reason_key, *password_key, *device_key, *platform_key, *other_key;
	bool server_keys; /* the portal makes keys for devices that cannot */
	int64_t wait;     /* seconds until the next try, 0: none */
};
int page_act(const struct page_base *b, const struct page_act *p, struct buf *out) MUST_CHECK;

#endif
