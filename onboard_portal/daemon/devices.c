#include "onboard_portal/daemon/devices.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "onboard_portal/daemon/device_rows.h"
#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/keyed.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/looks.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/calendar.h"
#include "onboard_portal/flow/enrol.h"
#include "onboard_portal/flow/form.h"
#include "onboard_portal/flow/page_proof.h"
#include "onboard_portal/flow/platform.h"

static int list_page(struct portal *p, const struct http_request *req, struct http_response *res,
		     const struct visitor *v, const struct device_rows *rows)
{
	struct page_device *list = calloc(rows->n + 1, sizeof(*list));
	struct page_devices page = {.rows = list, .n = rows->n, .now = clock_now()};
	struct page_base b;
	int r;

	if (list == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < rows->n; i++)
		list[i] = device_row_shown(&rows->list[i]);
	page.limit = v->may_enrol ? device_limit(&v->user, &v->choice) : 0;
	if (http_query(req, "removed") != NULL)
		page.notice_key = "removed_notice";
	else if (http_query(req, "renamed") != NULL)
		page.notice_key = "renamed_notice";
	device_base(p, &b, v);
	r = page_devices(&b, &page, &res->body);
	free(list);
	return r;
}

void devices_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	if (!device_rows_get(p, req, res, &v, &s, &rows))
		return;
	store_pool_put(p->pool, s);
	reply_page(p, res, 200, list_page(p, req, res, &v, &rows));
	free(rows.list);
}

/* The clock on the wall where the portal runs. */
static void wall_time(int64_t t, char dst[32])
{
	time_t tt = (time_t)t;
	struct tm tm;

	dst[0] = '\0';
	if (t > 0 && localtime_r(&tt, &tm) != NULL)
		(void)strftime(dst, 32, "%Y-%m-%d %H:%M", &tm);
}

void device_proof_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct page_proof page = {.now = clock_now()};
	char when[32], again[96] = "";
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct page_base b;
	struct visitor v;
	struct store *s;
	int64_t tries = 0;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	store_pool_put(p->pool, s);
	if (http_query(req, "n") != NULL && text_int64(http_query(req, "n"), &tries) != E_OK)
		tries = PROOF_TRIES;
	wall_time(row->accept >= row->reject ? row->accept : row->reject, when);
	page.row = device_row_shown(row);
	page.accept = row->accept;
	page.reject = row->reject;
	page.when = when;
	page.reason = row->reason;
	page.nas = row->nas;
	page.vlan = row->vlan;
	page.tries = tries >= 0 && tries < PROOF_TRIES ? (unsigned)tries : PROOF_TRIES;
	device_base(p, &b, &v);
	reply_page(p, res, 200, page_proof(&b, &page, &res->body));
	if (page_proof_waits(&page)) {
		(void)snprintf(again, sizeof(again), "%d; url=/devices/%s?n=%u", PROOF_SECONDS,
			       row->device.id, page.tries + 1);
		if (http_set_header(res, "Refresh", again) != E_OK)
			log_warn("a page that does not look again by itself");
	}
	free(rows.list);
}

static int send_calendar(struct portal *p, const struct store_device_row *row,
			 struct http_response *res)
{
	char uid[ID_SIZE + 32], url[320];
	struct calendar c = {
		.uid = uid, .url = url, .now = clock_now(), .end = row->cert.not_after};
	struct buf summary;
	int r;

	(void)snprintf(uid, sizeof(uid), "%s-%lld", row->device.id, (long long)c.end);
	(void)snprintf(url, sizeof(url), "%.300s/devices",
		       conf_str(p->conf, "portal", NULL, "url"));
	buf_init(&summary, 4096);
	buf_addf(&summary, "%s %s",
		 view_text(looks_now(p)->views[language_spoken(p)], "calendar_summary"),
		 row->device.name);
	c.summary = buf_str(&summary);
	r = calendar_write(&c, &res->body);
	if (r == E_OK)
		r = http_set_header(res, "Content-Disposition",
				    "attachment; filename=\"wifi.ics\"");
	buf_free(&summary);
	if (r == E_OK) {
		res->status = 200;
		res->content_type = "text/calendar; charset=utf-8";
	}
	return r;
}

void device_calendar_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	int r = E_OK;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	store_pool_put(p->pool, s);
	if (row->cert.state != CERT_ACTIVE || *row->cert.revoked != '\0')
		reply_not_found(p, res);
	else
		r = send_calendar(p, row, res);
	if (r != E_OK) {
		buf_reset(&res->body);
		reply_failure(p, res, r, NULL);
	}
	free(rows.list);
}

static void new_page(struct portal *p, struct http_response *res, const struct visitor *v,
		     unsigned status, const struct page_new *page)
{
	struct page_base b;

	device_base(p, &b, v);
	reply_page(p, res, status, page_new(&b, page, &res->body));
}

static void no_group(struct portal *p, struct http_response *res)
{
	static const struct page_message m = {.title_key = "no_group_title",
					      .text_key = "no_group",
					      .detail = "",
					      .action = "/devices",
					      .action_key = "back_devices"};

	reply_message(p, res, 403, &m);
}

void device_new_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *guess = platform_guess(http_header(req, "User-Agent"));
	struct portal *p = ctx;
	struct page_new page = {.name = "",
				.platform = platform_known(guess) ? guess : "",
				.detected = guess,
				.server_keys = p->making != NULL};
	struct device_rows rows = {0};
	struct visitor v;
	struct store *s;

	if (!device_rows_get(p, req, res, &v, &s, &rows))
		return;
	store_pool_put(p->pool, s);
	if (!v.may_enrol)
		no_group(p, res);
	else if (device_rows_live(&rows, clock_now()) >= device_limit(&v.user, &v.choice))
		reply_redirect(res, "/devices"); /* which says why */
	else
		new_page(p, res, &v, 200, &page);
	free(rows.list);
}

int device_ticket_of(struct portal *p, struct store *s, const struct user *u,
		     const struct choice *choice, const struct device *device, bool keyless,
		     const char *token, struct errmsg *em)
{
	const struct portal_profile *profile = portal_find_profile(p, choice->profile);
	char challenge[ENROL_CHALLENGE_SIZE] = "", hash[HASH_SIZE];
	uint8_t mac[TICKET_MAC_SIZE];
	struct buf content;
	struct ticket t;
	int r = profile != NULL ? E_OK : E_INTERNAL;

	buf_init(&content, TICKET_CONTENT_MAX);
	if (r == E_OK)
		r = enrol_challenge(token, p->challenge_key, challenge, hash);
	if (r == E_OK)
		r = enrol_ticket(
			&(struct enrol_order){
				.challenge_hash = hash,
				.user = u->id,
				.device = device->id,
				.profile = profile->name,
				.cert_lifetime =
					keyless ? keyed_lifetime(p, profile) : profile->lifetime,
				.ticket_lifetime = p->ticket_lifetime,
				.now = clock_now(),
			},
			p->ticket_mac_key, &t, &content, mac);
	if (r == E_OK)
		r = store_ticket_put(s, &t, buf_bytes(&content), bytes_of(mac, sizeof(mac)),
				     choice->group->device_limit, em);
	text_wipe(challenge, sizeof(challenge));
	buf_free(&content);
	return r;
}

int device_ticket(struct portal *p, struct store *s, const struct user *u,
		  const struct choice *choice, const struct device *device,
		  char token[ENROL_TOKEN_SIZE], struct errmsg *em)
{
	uint8_t rnd[ENROL_RANDOM_SIZE];
	int r = rnd_bytes(rnd, sizeof(rnd));

	if (r == E_OK)
		r = enrol_token(rnd, token);
	if (r == E_OK)
		r = device_ticket_of(p, s, u, choice, device, platform_keyless(device->platform),
				     token, em);
	text_wipe(rnd, sizeof(rnd));
	return r;
}

/* A ticket for the device; sends the person to its capability link. E_STATE when the limit is reached. */
static int issue_ticket(struct portal *p, struct store *s, const struct http_request *req,
			struct http_response *res, const struct visitor *v,
			const struct device *device, struct errmsg *em)
{
	char token[ENROL_TOKEN_SIZE] = "", path[64] = "";
	int r = device_ticket(p, s, &v->user, &v->choice, device, token, em);

	if (r == E_OK) {
		note_event("ticket_issued", req, v->user.login, "device", device->id);
		snprintf(path, sizeof(path), "/e/%s", token);
		reply_redirect(res, path);
	}
	text_wipe(token, sizeof(token));
	text_wipe(path, sizeof(path));
	return r;
}

int device_add(struct store *s, const struct user *u, struct device *d, struct errmsg *em)
{
	int r = rnd_id(d->id, sizeof(d->id), "d", 16);

	if (r == E_OK)
		r = text_copy(d->owner, sizeof(d->owner), u->id);
	return r == E_OK ? store_device_put(s, d, em) : r;
}

static int add_device(struct portal *p, struct store *s, const struct http_request *req,
		      struct http_response *res, const struct visitor *v, struct device *d,
		      struct errmsg *em)
{
	int r = device_add(s, &v->user, d, em);

	if (r != E_OK)
		return r;
	note_event("device_added", req, v->user.login, "device", d->id);
	return issue_ticket(p, s, req, res, v, d, em);
}

int device_room(struct store *s, const struct user *u, const struct choice *choice,
		struct errmsg *em)
{
	struct device_rows rows = {0};
	int r = store_devices(s, u->id, &rows.list, &rows.n, em);

	if (r == E_OK && device_rows_live(&rows, clock_now()) >= device_limit(u, choice))
		r = E_STATE;
	free(rows.list);
	return r;
}

/* Reads the form; false when it is shown again with what is wrong. */
static bool read_new(struct portal *p, const struct http_request *req, struct http_response *res,
		     const struct visitor *v, struct device *ret)
{
	const char *name = http_form(req, "name"), *platform = http_form(req, "platform");
	bool shown = name != NULL && text_is_plain(name, TEXT_SIZE);
	struct page_new page = {.name = shown ? name : "",
				.platform = "",
				.detected = platform_guess(http_header(req, "User-Agent")),
				.server_keys = p->making != NULL};

	if (form_device_name(name, ret->name) != E_OK)
		page.name_key = "add_name_missing";
	if (!platform_known(platform) || (platform_keyless(platform) && p->making == NULL))
		page.platform_key = "add_platform_missing";
	else
		page.platform = platform;
	if (page.name_key == NULL && page.platform_key == NULL &&
	    text_copy(ret->platform, sizeof(ret->platform), platform) == E_OK)
		return true;
	new_page(p, res, v, 422, &page);
	return false;
}

/* What to say when no ticket was given. */
static void refuse_ticket(struct portal *p, struct http_response *res, const struct visitor *v,
			  const struct device *d, int r, const struct errmsg *em)
{
	struct page_new page = {.name = d->name,
				.platform = d->platform,
				.detected = "",
				.server_keys = p->making != NULL,
				.other_key = "add_limit"};
	static const struct page_message held = {
		.title_key = "held_title", .text_key = "held", .detail = ""};

	if (r == E_STATE)
		new_page(p, res, v, 409, &page);
	else if (r == E_DENIED)
		reply_message(p, res, 403, &held);
	else
		reply_failure(p, res, r, em);
}

void device_new_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct device d = {0};
	struct device_rows rows = {0};
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	int r = E_OK;

	if (!device_rows_get(p, req, res, &v, &s, &rows))
		return;
	if (!gate_form(p, req, res, &v))
		goto out;
	if (!v.may_enrol) {
		no_group(p, res);
		goto out;
	}
	if (!read_new(p, req, res, &v, &d))
		goto out;
	/* Asked first so that no device is left behind; ticket_put has the last word. */
	if (device_rows_live(&rows, clock_now()) >= device_limit(&v.user, &v.choice))
		r = E_STATE;
	else
		r = add_device(p, s, req, res, &v, &d, &em);
	if (r != E_OK)
		refuse_ticket(p, res, &v, &d, r, &em);
out:
	free(rows.list);
	store_pool_put(p->pool, s);
}

void device_code_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	int r;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	if (!gate_form(p, req, res, &v)) {
		/* the reply is made */
	} else if (!v.may_enrol) {
		no_group(p, res);
	} else {
		r = issue_ticket(p, s, req, res, &v, &row->device, &em);
		if (r != E_OK)
			refuse_ticket(p, res, &v, &row->device, r, &em);
	}
	free(rows.list);
	store_pool_put(p->pool, s);
}

void device_remove_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct store_device_row *row;
	struct device_rows rows = {0};
	struct portal *p = ctx;
	struct page_base b;
	struct visitor v;
	struct store *s;

	row = device_row_get(p, req, res, &v, &s, &rows);
	if (row == NULL)
		return;
	store_pool_put(p->pool, s);
	if (login_oidc_recent(p, req, res, &v, p->oidc_again * 1000, req->path)) {
		device_base(p, &b, &v);
		reply_page(p, res, 200, page_remove(&b, &row->device, &res->body));
	}
	free(rows.list);
}

void device_remove_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *id = req->params[0];
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;
	int r;

	if (!gate_person(p, req, res, &v, &s))
		return;
	if (!gate_form(p, req, res, &v) ||
	    !login_oidc_recent(p, req, res, &v, p->oidc_again * 1000, req->path)) {
		store_pool_put(p->pool, s);
		return;
	}
	r = text_is_name(id, ID_SIZE - 1)
		    ? store_device_revoke(s, v.user.id, id, "removed by its owner in the portal",
					  &em)
		    : E_NOTFOUND;
	store_pool_put(p->pool, s);
	if (r == E_OK) {
		note_event("device_revoked", req, v.user.login, "device", id);
		reply_redirect(res, "/devices?removed=1");
	} else if (r == E_NOTFOUND || r == E_DENIED || r == E_FORMAT) {
		note_event("device_revoke_refused", req, v.user.login, "device",
			   text_is_name(id, ID_SIZE - 1) ? id : "");
		reply_not_found(p, res);
	} else {
		reply_failure(p, res, r, &em);
	}
}
