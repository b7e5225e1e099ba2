#include "core/base/clock.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store_voucher.h"
#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/voucher.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/page_voucher.h"

static void show(struct portal *p, struct http_response *res, const struct visitor *v,
		 unsigned status, struct page_guest *page)
{
	struct page_base b;

	page->terms = p->captive.terms;
	reply_base(p, &b, NULL, v->csrf);
	reply_page(p, res, status, page_guest(&b, page, &res->body));
}

/* As for resume_get: the address only fills the form. */
void guest_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	char code[VOUCHER_CODE_SIZE] = "";
	struct page_guest page = {.code = code};
	struct portal *p = ctx;
	struct visitor v;

	if (p->vouchers == NULL) {
		reply_not_found(p, res);
		return;
	}
	if (req->params[0] != NULL && code_read(req->params[0], VOUCHER_CHARS, code) != E_OK)
		page.error_key = "guest_form";
	if (gate_visitor(p, req, res, &v) != E_OK)
		reply_failure(p, res, E_INTERNAL, NULL);
	else
		show(p, res, &v, 200, &page);
	text_wipe(code, sizeof(code));
}

static int use(struct portal *p, const char *code, struct user *ret, struct errmsg *em)
{
	char id[VOUCHER_ID_SIZE], hash[HASH_SIZE], fresh[ID_SIZE];
	struct user u = {.source = "voucher"};
	struct voucher v;
	struct store *s;
	int r = voucher_name(code, p->challenge_key, id, hash);

	if (r == E_OK)
		r = rnd_id(fresh, sizeof(fresh), "u", 16);
	if (r != E_OK)
		return r;
	s = store_pool_get(p->pool);
	if (s == NULL)
		return err_set(em, E_UNAVAIL, "all connections to Redis are in use");
	r = store_voucher_use(s, id, hash, fresh, p->vouchers->with_sponsor, &v, em);
	store_pool_put(p->pool, s);
	if (r != E_OK)
		return r;
	memcpy(u.id, v.user, sizeof(u.id));
	memcpy(u.login, v.id, sizeof(v.id));
	memcpy(u.name, v.name, sizeof(u.name));
	r = user_groups_parse(&u, v.group);
	if (r == E_OK)
		*ret = u;
	return r;
}

static void try_code(struct portal *p, const struct http_request *req, struct http_response *res,
		     const struct visitor *v, const char *code)
{
	struct page_guest page = {.code = code};
	struct errmsg em = {0};
	struct user u;
	int r;

	page.wait = code_try(p, req);
	if (page.wait > 0) {
		page.error_key = "login_throttled";
		show(p, res, v, 429, &page);
		return;
	}
	r = use(p, code, &u, &em);
	if (r == E_OK) {
		code_try_undo(p, req);
		admit_person(p, req, res, &u, gate_now_ms(), "/devices");
	} else if (r == E_NOTFOUND || r == E_DENIED || r == E_STATE) {
		note_event("login_failed", req, "", "reason", "voucher");
		page.error_key = r == E_NOTFOUND ? "guest_unknown"
				 : r == E_DENIED ? "guest_over"
						 : "guest_early";
		page.code = r == E_NOTFOUND ? "" : code;
		show(p, res, v, 403, &page);
	} else {
		code_try_undo(p, req);
		reply_failure(p, res, r, &em);
	}
}

void guest_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct page_guest page = {.code = "", .error_key = "guest_form"};
	char code[VOUCHER_CODE_SIZE] = "";
	struct portal *p = ctx;
	struct visitor v;

	if (p->vouchers == NULL)
		reply_not_found(p, res);
	else if (gate_visitor(p, req, res, &v) != E_OK)
		reply_failure(p, res, E_INTERNAL, NULL);
	else if (!gate_form(p, req, res, &v))
		return;
	else if (code_read(http_form(req, "code"), VOUCHER_CHARS, code) != E_OK)
		show(p, res, &v, 422, &page);
	else
		try_code(p, req, res, &v, code);
	text_wipe(code, sizeof(code));
}
