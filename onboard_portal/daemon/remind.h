/* onboard_portal --remind: one round of mails to people whose certificates end soon; and the page that ends them. */
#ifndef ONBOARD_PORTAL_DAEMON_REMIND_H
#define ONBOARD_PORTAL_DAEMON_REMIND_H

#include "onboard_portal/daemon/portal.h"

/* Blocks until all are sent. dry: says on standard output what would be. Returns the exit code. */
int remind_run(struct portal *p, bool dry, struct errmsg *em);

/* For -t and at the start: E_CONFIG when section mail cannot be used; E_OK when there is none. */
int remind_check(const struct conf *c, struct errmsg *em) MUST_CHECK;

/* In which language somebody has just signed in. */
void remind_note_language(struct portal *p, struct store *s, const char *user);

void remind_off_get(void *ctx, const struct http_request *req, struct http_response *res);
void remind_off_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
