#include "onboard_portal/daemon/letswifi.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/gate.h"

#include "core/base/log.h"

/* The page that the proxy lets only those reach who have logged in at it. */
void login_header_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	static const struct page_message refused = {.title_key = "login_oidc_refused_title",
						    .text_key = "login_oidc_refused",
						    .detail = "",
						    .action = "/login",
						    .action_key = "login_title"};
	struct portal *p = ctx;
	struct errmsg em = {0};
	struct user u;
	int r;

	if (p->header == NULL) {
		reply_not_found(p, res);
		return;
	}
	r = header_login_person(p->header, req, &u, &em);
	if (r == E_OK) {
		admit_person(p, req, res, &u, gate_now_ms(), app_next(p, req));
	} else if (r == E_DENIED) {
		log_warn("a login by the proxy's header is refused: %s", em.text);
		note_event("login_failed", req, "", "reason", "header_refused");
		reply_message(p, res, 403, &refused);
	} else {
		reply_failure(p, res, r, &em);
	}
}
