#include "onboard_portal/daemon/letswifi.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "onboard_portal/daemon/device_rows.h"
#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/keyed.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/form.h"
#include "onboard_portal/flow/letswifi.h"
#include "onboard_portal/flow/page_app.h"
#include "onboard_portal/flow/platform.h"

void app_json(struct http_response *res, unsigned status, int r)
{
	if (r != E_OK) {
		buf_reset(&res->body);
		http_text(res, 500, "Something went wrong. Please try again.\n");
		return;
	}
	res->status = status;
	res->content_type = "application/json"; /* apps compare it as it is */
}

static void discovery(const struct portal *p, struct http_response *res)
{
	bool on = p->making != NULL;

	app_json(res, on ? 200 : 404, letswifi_discovery(p->url, on, &res->body));
}

void app_discovery_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	(void)req;
	discovery(ctx, res);
}

bool app_asks(const struct portal *p, const struct http_request *req, struct http_response *res)
{
	const char *accept = http_header(req, "Accept");

	if (accept == NULL || strncmp(accept, "application/json", 16) != 0)
		return false;
	discovery(p, res);
	return true;
}

const char *app_next(const struct portal *p, const struct http_request *req)
{
	struct letswifi_request q;

	return p->making != NULL && letswifi_open(http_cookie(req, LETSWIFI_COOKIE), p->session_key,
						  clock_now(), &q) == E_OK
		       ? LETSWIFI_CONSENT
		       : "/devices";
}

/* To the app's address, which is one of ours by letswifi_read. */
static void send_back(struct portal *p, struct http_response *res, const struct letswifi_request *q,
		      const char *name, const char *value)
{
	struct buf location;
	int r;

	buf_init(&location, LETSWIFI_ANSWER_MAX);
	r = letswifi_answer(q, name, value, &location);
	if (r == E_OK)
		r = reply_cookie(res, LETSWIFI_COOKIE, "", 0);
	if (r == E_OK)
		reply_redirect(res, buf_str(&location));
	else
		reply_failure(p, res, r, NULL);
	buf_free(&location);
}

static bool served(struct portal *p, struct http_response *res)
{
	static const struct page_message off = {.title_key = "app_off_title",
						.text_key = "app_off",
						.detail = "",
						.action = "/devices",
						.action_key = "back_devices"};

	if (p->making == NULL)
		reply_message(p, res, 404, &off);
	return p->making != NULL;
}

void app_authorize_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	static const struct page_message unknown = {
		.title_key = "app_unknown_title", .text_key = "app_unknown", .detail = ""};
	const struct letswifi_asked a = {.client = http_query(req, "client_id"),
					 .redirect = http_query(req, "redirect_uri"),
					 .type = http_query(req, "response_type"),
					 .scope = http_query(req, "scope"),
					 .state = http_query(req, "state"),
					 .challenge = http_query(req, "code_challenge"),
					 .method = http_query(req, "code_challenge_method")};
	char sealed[LETSWIFI_REQUEST_TEXT_SIZE];
	const char *error = NULL;
	struct letswifi_request q;
	struct portal *p = ctx;
	int r;

	if (!served(p, res))
		return;
	r = letswifi_read(&a, clock_now(), &q, &error);
	if (r == E_DENIED) {
		reply_message(p, res, 400, &unknown);
		return;
	}
	if (r == E_FORMAT) {
		send_back(p, res, &q, "error", error);
		return;
	}
	if (r == E_OK)
		r = letswifi_seal(&q, p->session_key, sealed);
	if (r == E_OK)
		r = reply_cookie(res, LETSWIFI_COOKIE, sealed, LETSWIFI_REQUEST_LIFETIME);
	if (r == E_OK)
		reply_redirect(res, LETSWIFI_CONSENT);
	else
		reply_failure(p, res, r, NULL);
}

/* What the person is asked about. */
struct consent {
	const char *sealed;
	struct letswifi_request request;
	const char *platform;
	const char *name; /* what was typed; NULL: nothing yet */
};

static void open_consent(const struct http_request *req, struct consent *c)
{
	const char *guess = platform_guess(http_header(req, "User-Agent"));

	c->platform = platform_known(guess) ? guess : "other";
}

static void consent_page(struct portal *p, struct http_response *res, const struct visitor *v,
			 unsigned status, const struct consent *c, const char *name_key)
{
	const struct portal_profile *f = portal_find_profile(p, v->choice.profile);
	char target[LETSWIFI_REDIRECT_SIZE];
	struct page_app page = {.client = c->request.client,
				.request = c->sealed,
				.name = c->name,
				.platform = c->platform,
				.name_key = name_key};
	struct page_base b;
	int r = f != NULL ? letswifi_form_target(&c->request, target, sizeof(target)) : E_INTERNAL;

	if (r == E_OK)
		r = reply_form_target(res, target);
	if (r == E_OK) {
		page.days = keyed_lifetime(p, f) / 86400;
		device_base(p, &b, v);
		r = page_app(&b, &page, &res->body);
	}
	reply_page(p, res, status, r);
}

/* Who may have no more devices is told so before they say yes; false when the reply is made. */
static bool has_room(struct portal *p, struct store *s, struct http_response *res,
		     const struct visitor *v)
{
	static const struct page_message full = {.title_key = "app_full_title",
						 .text_key = "app_full",
						 .detail = "",
						 .action = "/devices",
						 .action_key = "back_devices"};
	static const struct page_message no_group = {.title_key = "no_group_title",
						     .text_key = "no_group",
						     .detail = "",
						     .action = "/devices",
						     .action_key = "back_devices"};
	struct errmsg em = {0};
	int r;

	if (!v->may_enrol) {
		reply_message(p, res, 403, &no_group);
		return false;
	}
	r = device_room(s, &v->user, &v->choice, &em);
	if (r == E_STATE)
		reply_message(p, res, 409, &full);
	else if (r != E_OK)
		reply_failure(p, res, r, &em);
	return r == E_OK;
}

void app_consent_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct consent c = {.sealed = http_cookie(req, LETSWIFI_COOKIE)};
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	if (!served(p, res) || !gate_person(p, req, res, &v, &s))
		return;
	open_consent(req, &c);
	if (letswifi_open(c.sealed, p->session_key, clock_now(), &c.request) != E_OK)
		reply_redirect(res, "/devices");
	else if (has_room(p, s, res, &v))
		consent_page(p, res, &v, 200, &c, NULL);
	store_pool_put(p->pool, s);
}

static void allow(struct portal *p, const struct http_request *req, struct http_response *res,
		  const struct visitor *v, const struct consent *c)
{
	struct letswifi_grant g = {.expires = clock_now() + LETSWIFI_CODE_LIFETIME};
	char code[LETSWIFI_CODE_TEXT_SIZE] = "";
	int r = rnd_bytes(g.nonce, sizeof(g.nonce));

	if (r == E_OK && form_device_name(c->name, g.name) != E_OK) {
		consent_page(p, res, v, 422, c, "add_name_missing");
		return;
	}
	if (r == E_OK)
		r = text_copy(g.user, sizeof(g.user), v->user.id);
	if (r == E_OK)
		r = text_copy(g.platform, sizeof(g.platform), c->platform);
	if (r == E_OK)
		r = letswifi_code(&g, &c->request, p->challenge_key, code);
	if (r == E_OK) {
		note_event("app_allowed", req, v->user.login, "client", c->request.client);
		send_back(p, res, &c->request, "code", code);
	} else {
		reply_failure(p, res, r, NULL);
	}
	text_wipe(&g, sizeof(g));
	text_wipe(code, sizeof(code));
}

void app_consent_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	static const struct page_message old = {
		.title_key = "app_old_title", .text_key = "app_old", .detail = ""};
	struct consent c = {.sealed = http_form(req, "request"), .name = http_form(req, "name")};
	const char *answer = http_form(req, "answer");
	struct portal *p = ctx;
	struct visitor v;
	struct store *s;

	if (!served(p, res) || !gate_person(p, req, res, &v, &s))
		return;
	open_consent(req, &c);
	if (c.name == NULL || !text_is_plain(c.name, TEXT_SIZE))
		c.name = "";
	if (!gate_form(p, req, res, &v)) {
		/* the reply is made */
	} else if (letswifi_open(c.sealed, p->session_key, clock_now(), &c.request) != E_OK) {
		reply_message(p, res, 400, &old);
	} else if (answer == NULL || strcmp(answer, "yes") != 0) {
		note_event("app_refused", req, v.user.login, "client", c.request.client);
		send_back(p, res, &c.request, "error", "access_denied");
	} else if (has_room(p, s, res, &v)) {
		allow(p, req, res, &v, &c);
	}
	store_pool_put(p->pool, s);
}
