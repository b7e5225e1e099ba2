#include "onboard_portal/daemon/login.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/rnd.h"
#include "onboard_portal/daemon/remind.h"
#include "onboard_portal/daemon/gate.h"

/* A login name that was another person's before must not lead to that person's devices. */
static int same_person(struct store *s, const struct user *u, struct errmsg *em)
{
	char name[NAME_SIZE + LOGIN_SIZE];
	struct user known;
	int r;

	(void)snprintf(name, sizeof(name), "%s:%s", u->source, u->login);
	r = store_user_find(s, name, &known, em);
	if (r == E_NOTFOUND)
		return E_OK;
	if (r != E_OK || strcmp(known.id, u->id) == 0)
		return r;
	return err_set(
		em, E_EXISTS,
		"%s is somebody else in the directory now (%s before, %s now); nobody of that "
		"name is let in",
		name, known.id, u->id);
}

/*
 * Brings the person into the store. E_DENIED: they are held or have left. E_EXISTS: login name and
 * person do not belong together in our record: it was another's before, or theirs was another.
 */
static int admit(struct portal *p, struct user *u, struct errmsg *em)
{
	struct store *s = store_pool_get(p->pool);
	struct user stored;
	int r;

	if (s == NULL)
		return err_set(em, E_UNAVAIL, "all connections to Redis are in use");
	r = u->id[0] != '\0' ? same_person(s, u, em) : rnd_id(u->id, sizeof(u->id), "u", 16);
	if (r == E_OK)
		r = store_user_put(s, u, em);
	if (r == E_OK)
		r = gate_read_person(s, u->id, &stored, em);
	if (r == E_OK)
		remind_note_language(p, s, u->id);
	store_pool_put(p->pool, s);
	return r;
}

#define NEXT_COOKIE "__Host-next"

static void set_next(struct http_response *res, const char *value, int seconds)
{
	if (reply_cookie(res, NEXT_COOKIE, value, seconds) != E_OK)
		log_warn("where to go after signing in could not be kept");
}

void login_next_lost(struct http_response *res)
{
	set_next(res, "lost", 600);
}

void admit_person(struct portal *p, const struct http_request *req, struct http_response *res,
		  struct user *u, int64_t proven_ms, const char *next)
{
	static const struct page_message held = {
		.title_key = "held_title", .text_key = "held", .detail = ""};
	static const struct page_message unclear = {
		.title_key = "login_unclear_title", .text_key = "login_unclear", .detail = ""};
	const char *wanted = http_cookie(req, NEXT_COOKIE);
	struct errmsg em = {0};
	struct session s;
	int r = admit(p, u, &em);

	if (r == E_DENIED) {
		note_event("login_refused", req, u->login, "reason", "held");
		reply_message(p, res, 403, &held);
		return;
	}
	if (r == E_EXISTS) {
		log_warn("%s", em.text);
		note_event("login_refused", req, u->login, "reason", "identity");
		reply_message(p, res, 403, &unclear);
		return;
	}
	if (r == E_OK) {
		res->n_headers =
			0; /* a visitor's cookie set before gives way to the new session's */
		r = gate_start(p, res, u->id, proven_ms, &s);
	}
	if (r != E_OK) {
		reply_failure(p, res, r, &em);
		return;
	}
	note_event("login_ok", req, u->login, "source", u->source);
	if (wanted != NULL && strcmp(wanted, "lost") == 0 && strcmp(next, "/devices") == 0) {
		set_next(res, "", 0);
		next = "/lost";
	}
	reply_redirect(res, next);
}
