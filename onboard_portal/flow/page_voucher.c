#include "onboard_portal/flow/page_voucher.h"

#include "core/base/text.h"
#include "onboard_portal/flow/page_captive.h"

#include <inttypes.h>

#define DAY 86400

static const struct {
	const char *key, *tone;
} states[] = {
	[VOUCHER_EARLY] = {"voucher_state_early", "warn"},
	[VOUCHER_OPEN] = {"voucher_state_open", "warn"},
	[VOUCHER_USED] = {"voucher_state_used", "good"},
	[VOUCHER_OVER] = {"voucher_state_over", "idle"},
	[VOUCHER_ENDED] = {"voucher_state_ended", "bad"},
};

static void set_day(const struct page_base *b, struct html_vars *v, const char *name, int64_t t)
{
	char date[64];

	html_set(v, name, view_date(b->view, t, date, sizeof(date)) == E_OK ? date : "");
}

static const char *or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static void set_row(const struct page_base *b, struct html_vars *row, const struct voucher *v,
		    int64_t now)
{
	enum voucher_state s = voucher_state(v, now);

	html_set(row, "id", v->id);
	html_set(row, "name", v->name);
	html_set(row, "reason", v->reason);
	html_set(row, "by", v->by_login);
	html_setf(row, "devices", "%" PRId64, v->devices);
	set_day(b, row, "from", v->from);
	set_day(b, row, "until", v->until);
	html_set(row, "state", view_text(b->view, states[s].key));
	html_set(row, "tone", states[s].tone);
	html_flag(row, "live", s <= VOUCHER_USED);
}

static void set_form(const struct page_base *b, struct html_vars *v, const struct page_vouchers *p)
{
	static const struct voucher_ask none = {0};
	const struct voucher_ask *w = p->wrong != NULL ? p->wrong : &none;
	char day[VOUCHER_DAY_SIZE];
	int64_t chosen = 1;

	html_set(v, "names", or_empty(p->typed.names));
	html_set(v, "reason", or_empty(p->typed.reason));
	html_set(v, "from", or_empty(p->typed.from));
	html_set(v, "until", or_empty(p->typed.until));
	voucher_day(p->now, day);
	html_set(v, "today", day);
	voucher_day(p->now + (int64_t)VOUCHER_AHEAD * DAY, day);
	html_set(v, "last", day);
	if (p->typed.devices != NULL && text_int64(p->typed.devices, &chosen) != E_OK)
		chosen = 1;
	for (long i = 1; i <= p->devices; i++) {
		struct html_vars *row = html_row(v, "number");

		if (row == NULL)
			return; /* shows in html_render */
		html_setf(row, "k", "%ld", i);
		html_flag(row, "chosen", i == chosen);
	}
	html_setf(v, "days", "%ld", p->days);
	html_setf(v, "limit", "%ld", p->limit);
	html_setf(v, "batch", "%d", VOUCHER_BATCH);
	page_sentence(b, v, "names_error", w->names_key);
	page_sentence(b, v, "reason_error", w->reason_key);
	page_sentence(b, v, "from_error", w->from_key);
	page_sentence(b, v, "until_error", w->until_key);
	page_sentence(b, v, "devices_error", w->devices_key);
	page_sentence(b, v, "other_error", p->other_key);
}

int page_vouchers(const struct page_base *b, const struct page_vouchers *p, struct buf *out)
{
	bool error = p->wrong != NULL || p->other_key != NULL;
	struct html_vars *v = page_vars(b, view_text(b->view, "vouchers_title"), error);

	if (v == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < p->n; i++) {
		struct html_vars *row = html_row(v, "voucher");

		if (row != NULL)
			set_row(b, row, &p->list[i], p->now);
	}
	html_flag(v, "error", error);
	html_flag(v, "any", p->n > 0);
	html_flag(v, "all", p->all);
	html_flag(v, "ended", p->ended);
	set_form(b, v, p);
	return page_finish(b, "vouchers", v, out);
}

int page_voucher_sheet(const struct page_base *b, const struct page_voucher_sheet *p,
		       struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "sheet_title"), false);
	char url[512];

	if (v == NULL)
		return E_NOMEM;
	snprintf(url, sizeof(url), "%s/v", p->url);
	html_set(v, "enter", page_typed(url));
	page_sentence(b, v, "fewer", p->fewer_key);
	for (size_t i = 0; i < p->n; i++) {
		struct html_vars *row = html_row(v, "voucher");

		if (row == NULL)
			break;
		set_row(b, row, &p->list[i], 0);
		html_set(row, "code", p->codes[i]);
		snprintf(url, sizeof(url), "%s/v/%s", p->url, p->codes[i]);
		page_set_qr(row, url);
	}
	text_wipe(url, sizeof(url));
	return page_finish(b, "voucher_sheet", v, out);
}

int page_guest(const struct page_base *b, const struct page_guest *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "guest_title"), p->error_key != NULL);

	if (v == NULL)
		return E_NOMEM;
	page_set_terms(v, p->terms);
	html_set(v, "code", p->code);
	page_sentence(b, v, "error", p->error_key);
	if (p->wait > 0)
		html_setf(v, "wait", "%" PRId64, p->wait);
	else
		html_set(v, "wait", "");
	return page_finish(b, "guest", v, out);
}
