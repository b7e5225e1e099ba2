#include "core/base/clock.h"
#include "core/store/store_voucher.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/voucher.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/page_voucher.h"

/* Vouchers are the portal's: its own connection reads and ends them, the console's says who it was. */

static bool enter(struct portal *p, const struct http_request *req, struct http_response *res,
		  struct console *c, struct store **s)
{
	if (p->vouchers == NULL) {
		reply_not_found(p, res);
		return false;
	}
	if (!console_enter(p, req, res, c))
		return false;
	*s = store_pool_get(p->pool);
	if (*s != NULL)
		return true;
	console_leave(p, c);
	reply_failure(p, res, E_UNAVAIL, NULL);
	return false;
}

void console_vouchers_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct voucher *list = calloc(VOUCHERS_MAX, sizeof(*list));
	struct page_vouchers page = {.all = true,
				     .ended = http_query(req, "ended") != NULL,
				     .list = list,
				     .now = clock_now()};
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct console c;
	struct store *s;
	int r;

	if (list == NULL)
		reply_failure(p, res, E_NOMEM, NULL);
	if (list == NULL || !enter(p, req, res, &c, &s)) {
		free(list);
		return;
	}
	r = console_note(&c, req, "console_viewed", "", "vouchers", &em);
	if (r == E_OK)
		r = store_vouchers(s, "", list, &page.n, &em);
	if (r == E_OK)
		reply_page(p, res, 200, page_vouchers(&c.base, &page, &res->body));
	else
		reply_failure(p, res, r, &em);
	store_pool_put(p->pool, s);
	console_leave(p, &c);
	free(list);
}

void console_voucher_end_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	char detail[128];
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct console c;
	struct store *s;
	int r;

	if (!enter(p, req, res, &c, &s))
		return;
	if (gate_form(p, req, res, &c.visitor)) {
		snprintf(detail, sizeof(detail), "end %.32s", req->params[0]);
		r = console_note(&c, req, "console_acted", "", detail, &em);
		if (r == E_OK)
			r = store_voucher_revoke(s, req->params[0], "", c.visitor.user.login, &em);
		if (r == E_OK)
			reply_redirect(res, "/console/vouchers?ended=1");
		else if (r == E_NOTFOUND || r == E_FORMAT)
			reply_not_found(p, res);
		else
			reply_failure(p, res, r, &em);
	}
	store_pool_put(p->pool, s);
	console_leave(p, &c);
}
