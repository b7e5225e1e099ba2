#include "onboard_portal/daemon/captive.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/capport.h"
#include "onboard_portal/flow/page_captive.h"
#include "onboard_portal/flow/platform.h"
#include "onboard_portal/flow/probe.h"

/* Seconds for which the client is told that it is online, 0: it is captive; -1: it is not on the open network. */
static int64_t client_state(struct portal *p, const struct http_request *req)
{
	const char *client = req->client != NULL ? req->client : "";
	int64_t now = clock_now(), until;

	if (p->captive.n_nets > 0 && !netlist_has(p->captive.nets, p->captive.n_nets, client))
		return -1;
	pthread_mutex_lock(&p->lock);
	until = released_until(p->captive.released, client, now);
	pthread_mutex_unlock(&p->lock);
	return until > now ? until - now : 0;
}

/* --- plain HTTP: what devices ask names that are not ours ---------------------------------------- */

static void to_portal(const struct portal *p, struct http_response *res)
{
	char location[512];

	snprintf(location, sizeof(location), "%s/welcome", p->url);
	res->n_headers = 0;
	buf_reset(&res->body);
	buf_addf(&res->body, "This network begins at %s\n", location);
	res->status = 302;
	res->content_type = "text/plain; charset=utf-8";
	if (http_set_header(res, "Location", location) != E_OK)
		res->status = 500;
}

static void probe_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct probe *probe =
		probe_find(http_header(req, "Host"), req->path, http_header(req, "User-Agent"));
	struct portal *p = ctx;

	if (probe == NULL || client_state(p, req) == 0) {
		to_portal(p, res);
		return;
	}
	res->status = probe->status;
	res->content_type = probe->content_type;
	buf_adds(&res->body, probe->body);
	if (probe->network_manager &&
	    http_set_header(res, "X-NetworkManager-Status", "online") != E_OK)
		log_warn("header left out");
}

const struct http_route captive_routes[] = {
	{"GET", "/*", probe_get},
	{NULL, NULL, NULL},
};

void captive_after(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;

	/* Whatever else a browser wanted of whatever name: the way in. */
	if (res->status >= 400 && req->method != NULL && strcmp(req->method, "GET") == 0)
		to_portal(p, res);
	if (http_set_header(res, "Cache-Control", "no-store") != E_OK)
		log_warn("header left out");
	log_debug("captive %s %u", req->client != NULL ? req->client : "-", res->status);
}

/* --- HTTPS: RFC 8908, and pages ------------------------------------------------------------------ */

void capport_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	int64_t seconds = client_state(p, req);
	struct capport c = {.portal_url = p->url, .captive = seconds == 0, .seconds = seconds};
	int r = capport_write(&c, &res->body);

	if (r == E_OK)
		r = http_set_header(res, "Cache-Control", "private, no-store");
	if (r != E_OK) {
		reply_failure(p, res, r, NULL);
		return;
	}
	res->status = 200;
	res->content_type = CAPPORT_CONTENT_TYPE;
}

/* Windows that systems open for the purpose say so by what they leave out, or by "wv". */
static bool small_window(const char *user_agent)
{
	const char *kind = platform_guess(user_agent);

	if (user_agent == NULL)
		return false;
	if (strcmp(kind, "apple") == 0)
		return strstr(user_agent, "Safari/") == NULL;
	return strcmp(kind, "android") == 0 && strstr(user_agent, "; wv)") != NULL;
}

static void welcome_page(struct portal *p, const struct http_request *req,
			 struct http_response *res, const struct visitor *v)
{
	int64_t seconds = client_state(p, req);
	struct page_welcome page = {.url = p->url,
				    .small = small_window(http_header(req, "User-Agent")),
				    .released = seconds > 0 ? (seconds + 59) / 60 : 0};
	struct page_base b;

	reply_base(p, &b, NULL, v->csrf);
	reply_page(p, res, 200, page_welcome(&b, &page, &res->body));
}

void welcome_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK)
		reply_failure(p, res, E_INTERNAL, NULL);
	else if (v.signed_in)
		reply_redirect(res, "/devices");
	else
		welcome_page(p, req, res, &v);
}

void welcome_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	if (!gate_form(p, req, res, &v))
		return;
	if (client_state(p, req) >= 0) {
		pthread_mutex_lock(&p->lock);
		released_add(p->captive.released, req->client != NULL ? req->client : "",
			     clock_now() + p->captive.release);
		pthread_mutex_unlock(&p->lock);
	}
	reply_redirect(res, "/welcome");
}

void about_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct page_about page = {
		.terms = p->captive.terms,
		.directory = strcmp(conf_str(p->conf, "portal", NULL, "login"), "local") != 0,
		.keep = conf_int(p->conf, "redis", NULL, "keep"),
		.session = (long)(p->session_lifetime / 60),
	};
	struct page_base b;

	(void)req;
	reply_base(p, &b, NULL, "");
	reply_page(p, res, 200, page_about(&b, &page, &res->body));
}
