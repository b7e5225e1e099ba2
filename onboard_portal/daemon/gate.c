#include "onboard_portal/daemon/gate.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "onboard_portal/flow/form.h"

#include <time.h>

#define VISITOR_LIFETIME 3600

int64_t gate_now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return clock_now() * 1000;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void gate_drop_cookie(struct http_response *res)
{
	if (reply_cookie(res, SESSION_COOKIE, "", 0) != E_OK)
		log_warn("the session cookie could not be taken back");
}

static int give(const struct portal *p, struct http_response *res, const struct session *s)
{
	char sealed[SESSION_TEXT_SIZE];
	int r = session_seal(s, p->session_key, sealed);

	return r == E_OK ? reply_cookie(res, SESSION_COOKIE, sealed, s->expires - clock_now()) : r;
}

int gate_start(struct portal *p, struct http_response *res, const char *user, int64_t proven_ms,
	       struct session *ret)
{
	bool person = *user != '\0';
	uint8_t rnd[SESSION_NONCE_SIZE];
	struct session s;
	int r = rnd_bytes(rnd, sizeof(rnd));

	if (r == E_OK)
		r = session_start(&s, user, gate_now_ms(),
				  person ? p->session_lifetime : VISITOR_LIFETIME,
				  person ? p->session_idle : VISITOR_LIFETIME, rnd);
	if (r == E_OK) {
		s.proven_ms = proven_ms;
		r = give(p, res, &s);
	}
	if (r == E_OK)
		*ret = s;
	return r;
}

static bool ended(struct portal *p, const struct session *s)
{
	bool yes;

	pthread_mutex_lock(&p->lock);
	yes = logouts_ended(p->logouts, s);
	pthread_mutex_unlock(&p->lock);
	return yes;
}

int gate_visitor(struct portal *p, const struct http_request *req, struct http_response *res,
		 struct visitor *ret)
{
	struct visitor v = {0};
	int r = session_open(http_cookie(req, SESSION_COOKIE), p->session_key, clock_now(),
			     &v.session);

	if (r != E_OK || ended(p, &v.session))
		r = gate_start(p, res, "", 0, &v.session);
	v.signed_in = r == E_OK && *v.session.user != '\0';
	if (r == E_OK)
		r = session_csrf(&v.session, p->session_key, v.csrf);
	if (r == E_OK)
		*ret = v;
	return r;
}

int gate_read_person(struct store *s, const char *id, struct user *ret, struct errmsg *em)
{
	char hold[REASON_SIZE] = "";
	int r = store_user_get(s, id, ret, hold, em);

	return r == E_OK && (*hold != '\0' || user_left(ret->leave_at, clock_now())) ? E_DENIED : r;
}

/* Held or gone: the session ends here, whatever the cookie says. */
static void refuse_held(struct portal *p, const struct http_request *req, struct http_response *res,
			const struct visitor *v)
{
	static const struct page_message m = {
		.title_key = "held_title", .text_key = "held", .detail = ""};

	pthread_mutex_lock(&p->lock);
	logouts_add(p->logouts, v->session.user, gate_now_ms(), p->session_lifetime);
	pthread_mutex_unlock(&p->lock);
	gate_drop_cookie(res);
	note_event("session_refused", req, v->user.login, "reason", "held");
	reply_message(p, res, 403, &m);
}

bool gate_person(struct portal *p, const struct http_request *req, struct http_response *res,
		 struct visitor *ret, struct store **ret_store)
{
	struct errmsg em = {0};
	struct store *s = NULL;
	struct visitor v = {0};
	int r = session_open(http_cookie(req, SESSION_COOKIE), p->session_key, clock_now(),
			     &v.session);

	if (r == E_TIMEOUT && *http_cookie(req, SESSION_COOKIE) != '\0') {
		reply_redirect(res, "/login?expired=1");
		return false;
	}
	if (r != E_OK || *v.session.user == '\0' || ended(p, &v.session)) {
		reply_redirect(res, "/login");
		return false;
	}
	v.signed_in = true;
	r = session_csrf(&v.session, p->session_key, v.csrf);
	if (r == E_OK) {
		s = store_pool_get(p->pool);
		r = s != NULL ? gate_read_person(s, v.session.user, &v.user, &em)
			      : err_set(&em, E_UNAVAIL, "all connections to Redis are in use");
	}
	if (r == E_NOTFOUND) {
		gate_drop_cookie(res);
		reply_redirect(res, "/login");
	} else if (r == E_DENIED) {
		refuse_held(p, req, res, &v);
	} else if (r != E_OK) {
		reply_failure(p, res, r, &em);
	}
	if (r != E_OK) {
		if (s != NULL)
			store_pool_put(p->pool, s);
		return false;
	}
	if (session_used(&v.session, clock_now(), p->session_idle) &&
	    give(p, res, &v.session) != E_OK)
		log_warn("a session could not be kept on");
	v.may_enrol = choice_make(&v.user, p->groups, p->n_groups, p->profile_names, p->n_profiles,
				  &v.choice) == E_OK;
	*ret = v;
	*ret_store = s;
	return true;
}

/*
 * The token is what counts; the two headers stop a forged form before its token is looked at.
 * "null" is what a browser sends from a page under no-referrer, and then only Sec-Fetch-Site can
 * vouch for it.
 */
static bool from_here(const struct portal *p, const struct http_request *req)
{
	const char *origin = http_header(req, "Origin"), *site = http_header(req, "Sec-Fetch-Site");

	if (site != NULL && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return false;
	if (origin == NULL)
		return true;
	if (strcmp(origin, "null") == 0)
		return site != NULL && strcmp(site, "same-origin") == 0;
	return form_same_origin(origin, p->url);
}

enum gate_verdict gate_check(const struct portal *p, const struct http_request *req,
			     const struct visitor *v)
{
	if (!from_here(p, req))
		return GATE_ORIGIN;
	return session_csrf_ok(&v->session, p->session_key, http_form(req, "csrf")) ? GATE_OK
										    : GATE_TOKEN;
}

void gate_refuse(struct portal *p, struct http_response *res, const struct visitor *v,
		 enum gate_verdict why)
{
	struct page_message m = {.title_key = "refused_title",
				 .text_key = "refused",
				 .detail = "",
				 .action = v->signed_in ? "/devices" : "/login",
				 .action_key = v->signed_in ? "back_devices" : "login_title"};

	if (why == GATE_ORIGIN) {
		m.text_key = "origin_refused";
		m.detail = p->url;
	}
	reply_message(p, res, 403, &m);
}

bool gate_form(struct portal *p, const struct http_request *req, struct http_response *res,
	       const struct visitor *v)
{
	enum gate_verdict verdict = gate_check(p, req, v);

	if (verdict == GATE_OK)
		return true;
	gate_refuse(p, res, v, verdict);
	return false;
}
