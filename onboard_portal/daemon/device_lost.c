#include "onboard_portal/daemon/device_care.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_session.h"
#include "onboard_portal/daemon/device_rows.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/page_care.h"

enum { RECENT_MS = 15 * 60 * 1000, LOOKS = 60, LOOK_SECONDS = 2 };

/* Whoever finds an open browser must not cut its owner off: true when the sign-in was of late. */
static bool recent(struct portal *p, const struct http_request *req, struct http_response *res,
		   const struct visitor *v)
{
	static const struct page_message m = {.title_key = "again_title",
					      .text_key = "again",
					      .detail = "",
					      .action = "/lost",
					      .action_key = "again_button"};

	if (!login_oidc_recent(p, req, res, v, p->oidc_again * 1000, req->path))
		return false;
	if (session_recent(&v->session, gate_now_ms(), RECENT_MS) || login_is_oidc(p, &v->user))
		return true;
	gate_drop_cookie(res);
	reply_message(p, res, 403, &m);
	return false;
}

void lost_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct page_devices page = {.now = clock_now()};
	struct device_rows rows = {0};
	struct page_device *list;
	struct portal *p = ctx;
	struct page_base b;
	struct visitor v;
	struct store *s;

	if (gate_visitor(p, req, res, &v) == E_OK && !v.signed_in) {
		login_next_lost(res);
		reply_redirect(res, "/login");
		return;
	}
	if (!device_rows_get(p, req, res, &v, &s, &rows))
		return;
	store_pool_put(p->pool, s);
	list = calloc(rows.n + 1, sizeof(*list));
	for (size_t i = 0; list != NULL && i < rows.n; i++)
		list[i] = device_row_shown(&rows.list[i]);
	page.rows = list;
	page.n = rows.n;
	device_base(p, &b, &v);
	reply_page(p, res, 200, list != NULL ? page_lost(&b, &page, &res->body) : E_NOMEM);
	free(list);
	free(rows.list);
}

/* Does a session stand with any certificate of this device? What cannot be read counts as one. */
static bool still_on(struct store *s, const char *user, const char *device)
{
	struct nas_session *list = NULL;
	struct certrec c;
	size_t n = 0;
	bool on = store_sessions(s, user, &list, &n, NULL) != E_OK;

	for (size_t i = 0; !on && i < n; i++) {
		int r = store_cert_get(s, list[i].serial, &c, NULL);

		on = r == E_OK ? strcmp(c.device, device) == 0 : r != E_NOTFOUND;
	}
	free(list);
	return on;
}

static bool could_come(const struct store_device_row *row)
{
	struct page_device d = device_row_shown(row);

	return page_device_live(page_device_state(&d, clock_now()));
}

/* One that was cut off is shown as that; it is looked at again as long as it is on. */
static void show(struct portal *p, struct store *s, const struct http_request *req,
		 struct http_response *res, const struct visitor *v,
		 const struct store_device_row *row)
{
	struct page_lost_device page = {.device = &row->device, .cut = !could_come(row)};
	struct page_base b;
	char again[96];
	int64_t n = 0;

	if (http_query(req, "n") != NULL && text_int64(http_query(req, "n"), &n) != E_OK)
		n = LOOKS;
	page.on = page.cut && still_on(s, v->user.id, row->device.id);
	page.waits = page.on && n >= 0 && n < LOOKS;
	device_base(p, &b, v);
	reply_page(p, res, 200, page_lost_device(&b, &page, &res->body));
	if (!page.waits)
		return;
	(void)snprintf(again, sizeof(again), "%d; url=/devices/%s/lost?n=%d", LOOK_SECONDS,
		       row->device.id, (int)n + 1);
	if (http_set_header(res, "Refresh", again) != E_OK)
		log_warn("a page that does not look again by itself");
}

void device_lost_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	if (!could_come(row) || recent(p, req, res, &v))
		show(p, s, req, res, &v, row);
	store_pool_put(p->pool, s);
	free(rows.list);
}

void device_lost_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	char path[ID_SIZE + 32];
	int r;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	if (gate_form(p, req, res, &v) && recent(p, req, res, &v)) {
		r = store_device_revoke(s, v.user.id, row->device.id,
					"keyCompromise: reported lost by its owner", &em);
		if (r == E_OK) {
			note_event("device_lost", req, v.user.login, "device", row->device.id);
			(void)snprintf(path, sizeof(path), "/devices/%s/lost", row->device.id);
			/* Of one that never had a certificate nothing is left to show. */
			reply_redirect(res,
				       row->cert.state != CERT_NONE ? path : "/devices?removed=1");
		} else {
			reply_failure(p, res, r, &em);
		}
	}
	store_pool_put(p->pool, s);
	free(rows.list);
}
