#include "onboard_portal/daemon/letswifi.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/gate.h"

#include "core/base/log.h"

#define LOCATION_MAX 1000 /* what a header of ours may hold */

static bool take_place(struct portal *p)
{
	bool got;

	pthread_mutex_lock(&p->lock);
	got = p->asking < p->asking_max;
	if (got)
		p->asking++;
	pthread_mutex_unlock(&p->lock);
	return got;
}

static void give_place(struct portal *p)
{
	pthread_mutex_lock(&p->lock);
	p->asking--;
	pthread_mutex_unlock(&p->lock);
}

/* A page with the login form or button again; a notice or an error. */
static void back_to_login(struct portal *p, const struct http_request *req,
			  struct http_response *res, unsigned status, const char *notice,
			  const char *error)
{
	struct page_login page = {
		.login = "", .notice_key = notice, .error_key = error, .error_field = "oidc"};
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	if (status == 503 && http_set_header(res, "Retry-After", "5") != E_OK)
		log_warn("header left out");
	login_page(p, res, &v, status, &page);
}

static void send_there(struct portal *p, const struct http_request *req, struct http_response *res,
		       const char *again, const char *next)
{
	char cookie[OIDC_STATE_TEXT_SIZE];
	struct errmsg em = {0};
	struct buf location;
	int r;

	if (!take_place(p)) {
		back_to_login(p, req, res, 503, NULL, "login_busy");
		return;
	}
	buf_init(&location, LOCATION_MAX);
	r = oidc_begin(p->oidc, again, next, cookie, &location, &em);
	give_place(p);
	if (r == E_OK)
		r = reply_cookie(res, OIDC_COOKIE, cookie, OIDC_STATE_LIFETIME);
	if (r == E_OK)
		reply_redirect(res, buf_str(&location));
	else
		reply_failure(p, res, r, &em);
	buf_free(&location);
}

void login_oidc_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct visitor v;

	if (p->oidc == NULL) {
		reply_not_found(p, res);
		return;
	}
	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	if (v.signed_in)
		reply_redirect(res, app_next(p, req));
	else
		send_there(p, req, res, "", app_next(p, req));
}

bool login_is_oidc(const struct portal *p, const struct user *u)
{
	return p->oidc != NULL && strcmp(u->source, oidc_source(p->oidc)) == 0;
}

/* Browsers let no form lead to another site (form-action): a form gets a page with a link instead. */
bool login_oidc_recent(struct portal *p, const struct http_request *req, struct http_response *res,
		       const struct visitor *v, int64_t within_ms, const char *next)
{
	struct page_message m = {.title_key = "again_title",
				 .text_key = "again",
				 .detail = "",
				 .action = next,
				 .action_key = "again_button"};

	if (!login_is_oidc(p, &v->user) || p->oidc_again == 0 ||
	    session_recent(&v->session, gate_now_ms(), within_ms))
		return true;
	if (strcmp(req->method, "POST") == 0)
		reply_message(p, res, 403, &m);
	else
		send_there(p, req, res, v->user.id, next);
	return false;
}

static void refuse(struct portal *p, const struct http_request *req, struct http_response *res,
		   int r, const struct errmsg *em)
{
	static const struct page_message state = {.title_key = "login_oidc_state_title",
						  .text_key = "login_oidc_state",
						  .detail = "",
						  .action = "/login",
						  .action_key = "login_title"};
	static const struct page_message person = {.title_key = "login_oidc_refused_title",
						   .text_key = "login_oidc_refused",
						   .detail = "",
						   .action = "/login",
						   .action_key = "login_title"};

	if (r == E_STATE || r == E_DENIED)
		log_warn("a login by OpenID Connect is refused: %s", em->text);
	switch (r) {
	case E_STATE:
		note_event("login_failed", req, "", "reason", "oidc_state");
		reply_message(p, res, 403, &state);
		break;
	case E_DENIED:
		note_event("login_failed", req, "", "reason", "oidc_refused");
		reply_message(p, res, 403, &person);
		break;
	case E_NOTFOUND:
		note_event("login_failed", req, "", "reason", "oidc_cancelled");
		back_to_login(p, req, res, 200, "login_oidc_cancelled", NULL);
		break;
	default:
		reply_failure(p, res, r, em);
	}
}

void login_oidc_callback(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct oidc_answer a = {.cookie = http_cookie(req, OIDC_COOKIE),
				.state = http_query(req, "state"),
				.code = http_query(req, "code"),
				.iss = http_query(req, "iss"),
				.error = http_query(req, "error")};
	int64_t proven = 0;
	struct oidc_state state;
	struct portal *p = ctx;
	struct errmsg em = {0};
	struct user u;
	int r;

	if (p->oidc == NULL) {
		reply_not_found(p, res);
		return;
	}
	if (!take_place(p)) {
		back_to_login(p, req, res, 503, NULL, "login_busy");
		return;
	}
	r = oidc_finish(p->oidc, &a, &u, &proven, &state, &em);
	give_place(p);
	/* Of a provider that never says when (oidc.again = 0) the login itself must do. */
	if (r == E_OK)
		admit_person(p, req, res, &u, p->oidc_again == 0 ? gate_now_ms() : proven * 1000,
			     state.next);
	else
		refuse(p, req, res, r, &em);
	if (reply_cookie(res, OIDC_COOKIE, "", 0) != E_OK)
		log_warn("the cookie of an OpenID login could not be taken back");
}

void login_oidc_logout(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct buf location;

	(void)req;
	buf_init(&location, LOCATION_MAX);
	if (p->oidc == NULL || oidc_logout(p->oidc, &location) != E_OK)
		reply_redirect(res, "/login");
	else
		reply_redirect(res, buf_str(&location));
	buf_free(&location);
}
