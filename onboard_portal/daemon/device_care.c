#include "onboard_portal/daemon/device_care.h"

#include "core/base/text.h"
#include "core/store/store_device.h"
#include "onboard_portal/daemon/device_rows.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/form.h"
#include "onboard_portal/flow/page_care.h"

static void rename_page(struct portal *p, struct http_response *res, const struct visitor *v,
			unsigned status, const struct page_rename *page)
{
	struct page_base b;

	device_base(p, &b, v);
	reply_page(p, res, status, page_rename(&b, page, &res->body));
}

void device_rename_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	store_pool_put(p->pool, s);
	rename_page(p, res, &v, 200,
		    &(struct page_rename){.device = &row->device, .typed = row->device.name});
	free(rows.list);
}

static void rename_it(struct portal *p, struct store *s, const struct http_request *req,
		      struct http_response *res, const struct visitor *v, const struct device *d)
{
	const char *typed = http_form(req, "name");
	struct page_rename page = {.device = d, .typed = "", .name_key = "add_name_missing"};
	struct errmsg em = {0};
	char name[TEXT_SIZE];
	int r = form_device_name(typed, name);

	if (typed != NULL && text_is_plain(typed, TEXT_SIZE))
		page.typed = typed;
	if (r == E_OK)
		r = store_device_rename(s, v->user.id, d->id, name, &em);
	if (r == E_STATE)
		page.name_key = "rename_often";
	switch (r) {
	case E_OK:
		note_event("device_renamed", req, v->user.login, "device", d->id);
		reply_redirect(res, "/devices?renamed=1");
		break;
	case E_FORMAT:
	case E_STATE:
		rename_page(p, res, v, r == E_STATE ? 409 : 422, &page);
		break;
	case E_NOTFOUND:
		reply_not_found(p, res);
		break;
	default:
		reply_failure(p, res, r, &em);
	}
}

void device_rename_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	if (gate_form(p, req, res, &v))
		rename_it(p, s, req, res, &v, &row->device);
	free(rows.list);
	store_pool_put(p->pool, s);
}
