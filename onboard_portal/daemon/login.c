#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/letswifi.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/gate.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "onboard_portal/flow/form.h"

#include <time.h>

#define WAIT_FOR_TURN 5 /* seconds */

/* What one login is about. Its failures are counted under the account and the address. */
struct attempt {
	char login[LOGIN_SIZE]; /* "": what was typed cannot be a login */
	char address[TRIES_ADDRESS_SIZE];
	const char *password;
};

void login_page(struct portal *p, struct http_response *res, const struct visitor *v,
		unsigned status, struct page_login *page)
{
	struct page_base b;

	reply_base(p, &b, NULL, v->csrf);
	page->form = p->n_auths > 0;
	page->oidc = p->oidc != NULL ? p->oidc_name : "";
	page->sso = p->header != NULL ? p->sso_name : "";
	reply_page(p, res, status, page_login(&b, page, &res->body));
}

void login_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct page_login page = {.login = "", .error_field = "login"};
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	if (v.signed_in) {
		reply_redirect(res, app_next(p, req));
		return;
	}
	if (http_query(req, "ended") != NULL) {
		page.notice_key = "login_ended";
		page.oidc_logout = p->oidc != NULL && oidc_can_logout(p->oidc);
	} else if (http_query(req, "expired") != NULL)
		page.notice_key = "login_expired";
	login_page(p, res, &v, 200, &page);
}

static void login_error(struct portal *p, struct http_response *res, const struct visitor *v,
			const char *login, unsigned status, const char *key, const char *field,
			int64_t wait)
{
	struct page_login page = {
		.login = login, .error_key = key, .error_field = field, .wait = wait};
	char seconds[32];

	if (status == 429 || status == 503) {
		snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait > 0 ? wait : 3));
		if (http_set_header(res, "Retry-After", seconds) != E_OK)
			log_warn("header left out");
	}
	login_page(p, res, v, status, &page);
}

/* Counts the attempt as failed before it is made; the seconds to wait when it may not be made. */
static int64_t count_attempt(struct portal *p, const struct attempt *a)
{
	int64_t now = clock_now(), by_account = 0, by_address;

	pthread_mutex_lock(&p->lock);
	by_address = tries_wait(p->by_address, a->address, now);
	if (*a->login != '\0')
		by_account = tries_wait(p->by_account, a->login, now);
	if (by_address == 0 && by_account == 0) {
		tries_failed(p->by_address, a->address, now);
		if (*a->login != '\0')
			tries_failed(p->by_account, a->login, now);
	}
	pthread_mutex_unlock(&p->lock);
	return by_account > by_address ? by_account : by_address;
}

/* A good password clears the account; the address only gets this one attempt back, or an own
 * account would be a way to go on guessing others. */
static void uncount_attempt(struct portal *p, const struct attempt *a, bool good)
{
	int64_t now = clock_now();

	pthread_mutex_lock(&p->lock);
	tries_undo(p->by_address, a->address, now);
	if (*a->login != '\0' && good)
		tries_forget(p->by_account, a->login);
	else if (*a->login != '\0')
		tries_undo(p->by_account, a->login, now);
	pthread_mutex_unlock(&p->lock);
}

/* Password hashes are costly on purpose: as many at once as there are cores. A directory may be slow: half of
 * the threads. A few more wait. */
static bool take_turn(struct portal *p, struct turns *t)
{
	struct timespec until;
	bool got = false;

	if (clock_gettime(CLOCK_REALTIME, &until) != 0)
		return false;
	until.tv_sec += WAIT_FOR_TURN;
	pthread_mutex_lock(&p->lock);
	if (t->now < t->max) {
		got = true;
	} else if (p->waiting < p->waiting_max) {
		p->waiting++;
		while (t->now >= t->max &&
		       pthread_cond_timedwait(&p->checked, &p->lock, &until) == 0)
			;
		p->waiting--;
		got = t->now < t->max;
	}
	if (got)
		t->now++;
	pthread_mutex_unlock(&p->lock);
	return got;
}

static void end_turn(struct portal *p, struct turns *t)
{
	pthread_mutex_lock(&p->lock);
	t->now--;
	pthread_cond_broadcast(&p->checked);
	pthread_mutex_unlock(&p->lock);
}

/* One source; *ret_busy: it was not asked, since too many are being checked. */
static int check_by(struct portal *p, const struct auth *auth, const char *login,
		    const char *password, struct user *ret, bool *ret_busy, struct errmsg *em)
{
	struct turns *t = strcmp(auth->source, "local") == 0 ? &p->hashes : &p->binds;
	int r;

	if (!take_turn(p, t)) {
		*ret_busy = true;
		return err_set(em, E_UNAVAIL, "too many passwords are being checked");
	}
	r = auth->check(auth->self, login, password, ret, em);
	end_turn(p, t);
	return r;
}

/* Each source in turn: a name that one does not know may be known to the next, and one that is away does not
 * keep out those whom another knows. */
static int check_password(struct portal *p, const struct attempt *a, struct user *ret,
			  bool *ret_busy, struct errmsg *em)
{
	int r = E_NOTFOUND, away = E_OK;
	struct errmsg why = {""};

	for (size_t i = 0; i < p->n_auths && r == E_NOTFOUND; i++) {
		struct errmsg own = {""};

		r = check_by(p, &p->auths[i], a->login, a->password, ret, ret_busy, &own);
		if (*own.text != '\0')
			why = own;
		if (r == E_UNAVAIL) {
			away = r;
			r = E_NOTFOUND;
		}
	}
	*em = why;
	return r == E_NOTFOUND && away != E_OK ? away : r;
}

static void try_login(struct portal *p, const struct http_request *req, struct http_response *res,
		      const struct visitor *v, const struct attempt *a)
{
	int64_t wait = count_attempt(p, a);
	struct errmsg em = {0};
	struct user u = {0};
	bool busy = false;
	int r = E_NOTFOUND;

	if (wait > 0) {
		note_event("login_failed", req, "", "reason", "throttled");
		login_error(p, res, v, a->login, 429, "login_throttled", "login", wait);
		return;
	}
	if (*a->login != '\0' && strlen(a->password) <= FORM_PASSWORD_MAX) {
		r = check_password(p, a, &u, &busy, &em);
	}
	if (r == E_UNAVAIL && busy) {
		uncount_attempt(p, a, false);
		login_error(p, res, v, a->login, 503, "login_busy", "login", 0);
		return;
	}
	if (*em.text != '\0' && r != E_UNAVAIL)
		log_warn("%s", em.text);
	if (r == E_OK) {
		uncount_attempt(p, a, true);
		admit_person(p, req, res, &u, gate_now_ms(), app_next(p, req));
	} else if (r == E_NOTFOUND || r == E_DENIED) {
		/* What was typed as an unknown login may be a password: it is not written down. */
		note_event("login_failed", req, r == E_DENIED ? a->login : "", "reason",
			   r == E_DENIED ? "wrong_password" : "unknown_login");
		login_error(p, res, v, a->login, 403, "login_failed", "login", 0);
	} else {
		uncount_attempt(p, a, false);
		reply_failure(p, res, r, &em);
	}
}

void login_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *login = http_form(req, "login"), *password = http_form(req, "password");
	struct attempt a = {.password = password};
	enum gate_verdict verdict;
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	verdict = gate_check(p, req, &v);
	if (verdict == GATE_ORIGIN) {
		gate_refuse(p, res, &v, verdict);
	} else if (verdict == GATE_TOKEN) {
		login_error(p, res, &v, "", 403, "login_form_old", "login", 0);
	} else if (login == NULL || login[strspn(login, " \t")] == '\0') {
		login_error(p, res, &v, "", 422, "login_name_missing", "login", 0);
	} else if (password == NULL || *password == '\0') {
		login_error(p, res, &v, text_is_plain(login, LOGIN_SIZE) ? login : "", 422,
			    "login_password_missing", "password", 0);
	} else {
		if (form_login(login, a.login) != E_OK || !form_password_ok(password))
			a.login[0] = '\0';
		tries_address(a.address, req->client != NULL ? req->client : "");
		try_login(p, req, res, &v, &a);
	}
}

void logout_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct visitor v;

	if (gate_visitor(p, req, res, &v) != E_OK) {
		reply_failure(p, res, E_INTERNAL, NULL);
		return;
	}
	if (!v.signed_in) {
		reply_redirect(res, "/login");
		return;
	}
	if (!gate_form(p, req, res, &v))
		return;
	pthread_mutex_lock(&p->lock);
	logouts_add(p->logouts, v.session.user, gate_now_ms(), p->session_lifetime);
	pthread_mutex_unlock(&p->lock);
	gate_drop_cookie(res);
	note_event("logout", req, "", "user", v.session.user);
	reply_redirect(res, "/login?ended=1");
}

/* Only where this person's account is: another source may know another person by that login. */
static const struct auth *auth_of(const struct portal *p, const struct user *who)
{
	for (size_t i = 0; i < p->n_auths; i++)
		if (strcmp(p->auths[i].source, who->source) == 0)
			return &p->auths[i];
	return NULL;
}

bool login_has_password(const struct portal *p, const struct user *who)
{
	return auth_of(p, who) != NULL;
}

int login_confirm(struct portal *p, const struct http_request *req, const struct user *who,
		  const char *password, int64_t *ret_wait, struct errmsg *em)
{
	const struct auth *auth = auth_of(p, who);
	struct attempt a = {.password = password};
	struct user u = {0};
	bool busy = false;
	int64_t wait;
	int r;

	if (auth == NULL)
		return E_STATE;
	if (text_copy(a.login, sizeof(a.login), who->login) != E_OK || !form_password_ok(password))
		return E_DENIED;
	tries_address(a.address, req->client != NULL ? req->client : "");
	wait = count_attempt(p, &a);
	if (wait > 0) {
		*ret_wait = wait;
		return E_TIMEOUT;
	}
	r = check_by(p, auth, who->login, password, &u, &busy, em);
	if (r == E_OK && *u.id != '\0' && strcmp(u.id, who->id) != 0)
		r = E_DENIED;
	if (r == E_OK)
		uncount_attempt(p, &a, true);
	else if (r != E_NOTFOUND && r != E_DENIED)
		uncount_attempt(p, &a, false);
	/* E_TIMEOUT and E_STATE have another meaning here. */
	if (r == E_OK || r == E_NOTFOUND || r == E_DENIED)
		return r == E_NOTFOUND ? E_DENIED : r;
	return r == E_TIMEOUT || r == E_STATE ? E_UNAVAIL : r;
}
