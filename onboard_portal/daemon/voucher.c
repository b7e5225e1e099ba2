#include "onboard_portal/daemon/voucher.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store_voucher.h"
#include "onboard_portal/auth/groupmap.h"
#include "onboard_portal/console/desk.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/page_voucher.h"

int voucher_open(struct portal *p, struct errmsg *em)
{
	struct vouchers_conf v = {0};

	v.n_sponsors = conf_list(p->conf, "vouchers", NULL, "sponsors", &v.sponsors);
	if (v.n_sponsors == 0)
		return E_OK;
	for (size_t i = 0; i < v.n_sponsors; i++) {
		if (!text_is_name(v.sponsors[i], NAME_SIZE - 1))
			return err_set(em, E_CONFIG, "vouchers: sponsors: \"%.60s\" is no group",
				       v.sponsors[i]);
	}
	v.group = conf_str(p->conf, "vouchers", NULL, "group");
	if (!groupmap_is_ours(p->conf, v.group))
		return err_set(em, E_CONFIG, "vouchers: group: there is no group \"%.60s\"",
			       v.group);
	v.limit = conf_int(p->conf, "vouchers", NULL, "limit");
	v.days = conf_int(p->conf, "vouchers", NULL, "days");
	v.devices = conf_int(p->conf, "vouchers", NULL, "devices");
	v.with_sponsor = conf_bool(p->conf, "vouchers", NULL, "with-sponsor");
	p->vouchers = malloc(sizeof(v));
	if (p->vouchers == NULL)
		return E_NOMEM;
	*p->vouchers = v;
	return E_OK;
}

void voucher_close(struct portal *p)
{
	free(p->vouchers);
}

bool voucher_sponsor(const struct portal *p, const struct user *u)
{
	return p->vouchers != NULL && strcmp(u->source, "voucher") != 0 &&
	       (console_allows(p, u) ||
		desk_member(u, p->vouchers->sponsors, p->vouchers->n_sponsors));
}

void voucher_menu(const struct portal *p, const struct user *u, struct page_base *b)
{
	b->desk = console_allows(p, u);
	b->sponsor = voucher_sponsor(p, u);
}

/* A sponsor's page. False when the reply is already made; for others there is no such page. */
static bool enter(struct portal *p, const struct http_request *req, struct http_response *res,
		  struct visitor *v, struct store **s)
{
	if (p->vouchers == NULL) {
		reply_not_found(p, res);
		return false;
	}
	if (!gate_person(p, req, res, v, s))
		return false;
	if (voucher_sponsor(p, &v->user))
		return true;
	store_pool_put(p->pool, *s);
	note_event("voucher_refused", req, v->user.login, "path", req->path);
	reply_not_found(p, res);
	return false;
}

static void base_for(struct portal *p, const struct visitor *v, struct page_base *b)
{
	reply_base(p, b, *v->user.name != '\0' ? v->user.name : v->user.login, v->csrf);
	voucher_menu(p, &v->user, b);
}

/* The form, and what this person made so far. */
static void show(struct portal *p, struct store *s, struct http_response *res,
		 const struct visitor *v, unsigned status, struct page_vouchers *page)
{
	struct voucher *list = calloc(VOUCHERS_MAX, sizeof(*list));
	struct errmsg em = {0};
	struct page_base b;
	int r = list != NULL ? store_vouchers(s, v->user.id, list, &page->n, &em) : E_NOMEM;

	if (r == E_OK) {
		page->list = list;
		page->devices = p->vouchers->devices;
		page->days = p->vouchers->days;
		page->limit = p->vouchers->limit;
		page->now = clock_now();
		base_for(p, v, &b);
		reply_page(p, res, status, page_vouchers(&b, page, &res->body));
	} else {
		reply_failure(p, res, r, &em);
	}
	free(list);
}

void vouchers_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct page_vouchers page = {.ended = http_query(req, "ended") != NULL};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	if (!enter(p, req, res, &v, &s))
		return;
	note_event("vouchers_viewed", req, v.user.login, NULL, NULL);
	show(p, s, res, &v, 200, &page);
	store_pool_put(p->pool, s);
}

/* --- making ------------------------------------------------------------------------------------- */

struct sheet {
	struct voucher list[VOUCHER_BATCH];
	char codes[VOUCHER_BATCH][VOUCHER_CODE_SIZE];
	size_t n;
};

static int make_one(struct portal *p, struct store *s, struct voucher *v,
		    char code[VOUCHER_CODE_SIZE], struct errmsg *em)
{
	uint8_t rnd[VOUCHER_CHARS];
	char hash[HASH_SIZE];
	int r = rnd_bytes(rnd, sizeof(rnd));

	if (r == E_OK) {
		code_make(rnd, sizeof(rnd), code);
		r = voucher_name(code, p->challenge_key, v->id, hash);
	}
	if (r == E_OK)
		r = store_voucher_put(s, v, hash, p->vouchers->limit, em);
	text_wipe(rnd, sizeof(rnd));
	return r;
}

static int make_all(struct portal *p, const struct http_request *req, struct store *s,
		    const struct user *by, const struct voucher_ask *ask, struct sheet *sheet,
		    struct errmsg *em)
{
	int r = E_OK;

	for (; r == E_OK && sheet->n < ask->n; sheet->n++) {
		struct voucher *v = &sheet->list[sheet->n];

		v->from = ask->from;
		v->until = ask->until;
		v->devices = ask->devices;
		memcpy(v->by, by->id, sizeof(v->by));
		memcpy(v->by_login, by->login, sizeof(v->by_login));
		memcpy(v->name, ask->names[sheet->n], sizeof(v->name));
		memcpy(v->reason, ask->reason, sizeof(v->reason));
		r = text_copy(v->group, sizeof(v->group), p->vouchers->group);
		if (r == E_OK)
			r = make_one(p, s, v, sheet->codes[sheet->n], em);
		if (r == E_OK)
			note_event("voucher_made", req, by->login, "voucher", v->id);
		if (r != E_OK)
			break;
	}
	return r;
}

static void make(struct portal *p, const struct http_request *req, struct http_response *res,
		 const struct visitor *v, struct store *s, struct page_vouchers *page)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));
	struct errmsg em = {0};
	struct page_base b;
	int r = sheet != NULL ? make_all(p, req, s, &v->user, page->wrong, sheet, &em) : E_NOMEM;

	/* What was made before something stopped it is shown: nobody could see those codes again. */
	if (r == E_OK || (sheet != NULL && sheet->n > 0)) {
		if (r != E_OK && r != E_STATE)
			log_error("vouchers: %zu of %zu were made: %s", sheet->n, page->wrong->n,
				  *em.text != '\0' ? em.text : err_text(r));
		base_for(p, v, &b);
		reply_page(p, res, 200,
			   page_voucher_sheet(
				   &b,
				   &(struct page_voucher_sheet){
					   .list = sheet->list,
					   .codes = (const char(*)[VOUCHER_CODE_SIZE])sheet->codes,
					   .n = sheet->n,
					   .url = p->url,
					   .fewer_key = r == E_OK      ? NULL
							: r == E_STATE ? "sheet_fewer"
								       : "sheet_broken"},
				   &res->body));
	} else if (r == E_STATE) {
		page->wrong = NULL;
		page->other_key = "voucher_limit";
		show(p, s, res, v, 409, page);
	} else {
		reply_failure(p, res, r, &em);
	}
	if (sheet != NULL)
		text_wipe(sheet, sizeof(*sheet));
	free(sheet);
}

void vouchers_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct page_vouchers page = {.typed = {.names = http_form(req, "names"),
					       .reason = http_form(req, "reason"),
					       .from = http_form(req, "from"),
					       .until = http_form(req, "until"),
					       .devices = http_form(req, "devices")}};
	struct voucher_ask *ask = calloc(1, sizeof(*ask));
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	if (ask == NULL) {
		reply_failure(p, res, E_NOMEM, NULL);
		return;
	}
	if (enter(p, req, res, &v, &s)) {
		page.wrong = ask;
		if (!gate_form(p, req, res, &v))
			;
		else if (voucher_read(&page.typed,
				      &(struct voucher_rules){.now = clock_now(),
							      .days = p->vouchers->days,
							      .devices = p->vouchers->devices},
				      ask))
			make(p, req, res, &v, s, &page);
		else
			show(p, s, res, &v, 422, &page);
		store_pool_put(p->pool, s);
	}
	free(ask);
}

/* --- ending ------------------------------------------------------------------------------------- */

void voucher_end_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	int r;

	if (!enter(p, req, res, &v, &s))
		return;
	if (gate_form(p, req, res, &v)) {
		r = store_voucher_revoke(s, req->params[0], v.user.id, v.user.login, &em);
		if (r == E_OK) {
			note_event("voucher_revoked", req, v.user.login, "voucher", req->params[0]);
			reply_redirect(res, "/vouchers?ended=1");
		} else if (r == E_NOTFOUND || r == E_FORMAT) {
			note_event("voucher_revoke_refused", req, v.user.login, "voucher",
				   req->params[0]);
			reply_not_found(p, res);
		} else {
			reply_failure(p, res, r, &em);
		}
	}
	store_pool_put(p->pool, s);
}
