#include "onboard_portal/daemon/portal.h"

#include "core/audit/audit.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "onboard_portal/daemon/looks.h"

void reply_base(const struct portal *p, struct page_base *ret, const char *person, const char *csrf)
{
	const struct looks *l = looks_now(p);

	*ret = (struct page_base){
		.view = l->views[language_spoken(p)],
		.views = (const struct view *const *)l->views,
		.n_views = l->n_views,
		.organization = p->organization,
		.mark = l->logo.n > 0 && l->kind == THEME_LOGO_PNG ? "/static/mark.png" : NULL,
		.support = p->support,
		.ssid = p->ssid,
		.person = person,
		.csrf = csrf,
		.guests = p->vouchers != NULL,
		.server_makes = p->making != NULL,
	};
}

void reply_page(const struct portal *p, struct http_response *res, unsigned status, int r)
{
	static const struct page_message failed = {.title_key = "failed_title",
						   .text_key = "failed",
						   .detail = "",
						   .action = "/",
						   .action_key = "back_start"};
	struct page_base b;

	if (r != E_OK) {
		log_error("page not made: %s", err_text(r));
		buf_reset(&res->body);
		status = 500;
		reply_base(p, &b, NULL, "");
		if (page_message(&b, &failed, &res->body) != E_OK) {
			http_text(res, 500, "Something went wrong. Please try again.\n");
			return;
		}
	}
	res->status = status;
	res->content_type = "text/html; charset=utf-8";
}

void reply_redirect(struct http_response *res, const char *location)
{
	res->status = 303;
	res->content_type = "text/plain; charset=utf-8";
	if (http_set_header(res, "Location", location) != E_OK)
		res->status = 500;
}

int reply_cookie(struct http_response *res, const char *name, const char *value, int64_t seconds)
{
	char cookie[1024];

	if (snprintf(cookie, sizeof(cookie),
		     "%s=%s; Path=/; Max-Age=%lld; Secure; HttpOnly; SameSite=Lax", name, value,
		     (long long)seconds) >= (int)sizeof(cookie))
		return E_TOOBIG;
	return http_set_header(res, "Set-Cookie", cookie);
}

void reply_message(const struct portal *p, struct http_response *res, unsigned status,
		   const struct page_message *m)
{
	struct page_base b;

	reply_base(p, &b, NULL, "");
	buf_reset(&res->body);
	reply_page(p, res, status, page_message(&b, m, &res->body));
}

void reply_failure(const struct portal *p, struct http_response *res, int r,
		   const struct errmsg *em)
{
	static const struct page_message away = {.title_key = "unavailable_title",
						 .text_key = "unavailable",
						 .detail = "",
						 .action = "/devices",
						 .action_key = "try_again"};

	log_error("%s", em != NULL && *em->text != '\0' ? em->text : err_text(r));
	if (!err_is_away(r)) {
		reply_page(p, res, 500, r);
		return;
	}
	if (http_set_header(res, "Retry-After", "30") != E_OK)
		log_warn("header left out");
	reply_message(p, res, 503, &away);
}

void reply_not_found(const struct portal *p, struct http_response *res)
{
	static const struct page_message m = {.title_key = "not_found_title",
					      .text_key = "not_found",
					      .detail = "",
					      .action = "/",
					      .action_key = "back_start"};

	reply_message(p, res, 404, &m);
}

static bool has_header(const struct http_response *res, const char *name)
{
	for (size_t i = 0; i < res->n_headers; i++) {
		if (strcmp(res->headers[i].name, name) == 0)
			return true;
	}
	return false;
}

/*
 * Pages with forms send "same-origin": under "no-referrer" browsers make the Origin header of their
 * forms "null" (Fetch standard, "append a request Origin header"), and the Origin check is worth
 * more. Capability links are in the path, so pages under /e/ send nothing at all.
 */
static const char *referrer_policy(const struct http_request *req)
{
	return req->path != NULL && strncmp(req->path, "/e/", 3) == 0 ? "no-referrer"
								      : "same-origin";
}

#define POLICY(target)                                                                             \
	"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'" target          \
	"; frame-ancestors 'none'; base-uri 'none'"

int reply_form_target(struct http_response *res, const char *target)
{
	char policy[512];

	(void)snprintf(policy, sizeof(policy), POLICY(" %s"), target);
	return http_set_header(res, "Content-Security-Policy", policy);
}

/* Plain-text replies of the server itself (404, 405, 413 ...) become pages for people. */
static void humanise(const struct portal *p, struct http_response *res)
{
	struct page_message m = {.title_key = "bad_title",
				 .text_key = "bad",
				 .detail = "",
				 .action = "/",
				 .action_key = "back_start"};

	if (res->status < 400 ||
	    (res->content_type != NULL && (strncmp(res->content_type, "text/html", 9) == 0 ||
					   strcmp(res->content_type, "application/json") == 0)))
		return;
	if (res->status == 404) {
		m.title_key = "not_found_title";
		m.text_key = "not_found";
	} else if (res->status == 405) {
		m.title_key = "method_title";
		m.text_key = "method";
	} else if (res->status >= 500) {
		m.title_key = "failed_title";
		m.text_key = "failed";
	}
	reply_message(p, res, res->status, &m);
}

/* Codes are in the path, also where somebody types one wrongly: an address that is none is not repeated. */
static const char *loggable(const char *path, unsigned status)
{
	static const char *const secret[] = {"/e/", "/r/", "/v/"};
	static const char *const hidden[] = {"/e/...", "/r/...", "/v/..."};

	if (path == NULL || status == 404)
		return "-";
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		if (strncmp(path, secret[i], 3) == 0)
			return hidden[i];
	}
	return path;
}

void reply_after(void *ctx, const struct http_request *req, struct http_response *res)
{
	static const struct {
		const char *name;
		const char *value;
	} fixed[] = {
		{"Content-Security-Policy", POLICY("")},
		{"Strict-Transport-Security", "max-age=31536000"},
		{"X-Content-Type-Options", "nosniff"},
		{"Cross-Origin-Opener-Policy", "same-origin"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};
	struct portal *p = ctx;
	int r = E_OK;

	if (req->path == NULL || strcmp(req->path, "/healthz") != 0)
		humanise(p, res);
	for (size_t i = 0; r == E_OK && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (!has_header(res, fixed[i].name))
			r = http_set_header(res, fixed[i].name, fixed[i].value);
	if (r == E_OK)
		r = http_set_header(res, "Referrer-Policy", referrer_policy(req));
	if (r == E_OK && res->content_type != NULL &&
	    strncmp(res->content_type, "text/html", 9) == 0)
		r = http_set_header(res, "Content-Language", p->languages[language_spoken(p)]);
	if (r == E_OK && !has_header(res, "Cache-Control"))
		r = http_set_header(res, "Cache-Control", "no-store");
	/* A reply that cannot carry its protection is not sent. */
	if (r != E_OK) {
		log_error("security headers do not fit: %s", err_text(r));
		buf_reset(&res->body);
		http_text(res, 500, "Something went wrong. Please try again.\n");
	}
	log_debug("%s %s %u", req->method != NULL ? req->method : "-",
		  loggable(req->path, res->status), res->status);
	looks_end(p);
}

void note_event(const char *event, const struct http_request *req, const char *login,
		const char *name, const char *value)
{
	struct audit_field f[3] = {{"login", login},
				   {"address", req->client != NULL ? req->client : ""},
				   {name, value}};

	if (audit_event(event, "", f, name != NULL ? 3 : 2) != E_OK)
		log_warn("the audit trail could not be written: %s", event);
}
