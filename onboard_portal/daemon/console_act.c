#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_desk.h"
#include "core/store/store_session.h"
#include "onboard_portal/console/desk.h"
#include "onboard_portal/console/page_act.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/form.h"
#include "onboard_portal/flow/platform.h"

/* One act on one person, as far as the request names it. */
struct deed {
	struct console c;
	const struct desk_act *act;
	struct desk_person *person;
	const struct desk_cert *cert;
	struct page_act page;
	char reason[DESK_REASON_SIZE];
	struct device device; /* for a code */
	struct choice choice;
};

static void leave(struct portal *p, struct deed *d)
{
	console_leave(p, &d->c);
	free(d->person);
}

static bool recent(const struct portal *p, const struct visitor *v)
{
	return session_recent(&v->session, gate_now_ms(), p->console.step_up);
}

/* Who has no password with us proves it at the OpenID provider. False when the reply is made. */
static bool by_provider(struct portal *p, const struct http_request *req, struct http_response *res,
			const struct deed *d)
{
	char next[OIDC_NEXT_SIZE];
	const char *serial = d->cert != NULL ? d->cert->rec.serial : "";

	if (snprintf(next, sizeof(next), "/console/person/%s/%s%s%s", d->person->user.id,
		     d->act->word, *serial ? "?serial=" : "", serial) >= (int)sizeof(next))
		next[0] = '\0'; /* which is led to by nobody */
	return login_has_password(p, &d->c.visitor.user) ||
	       login_oidc_recent(p, req, res, &d->c.visitor, p->console.step_up, next);
}

static const struct desk_cert *find_cert(const struct desk_person *person, const char *serial)
{
	for (size_t i = 0; serial != NULL && i < person->n_certs; i++)
		if (strcmp(person->certs[i].rec.serial, serial) == 0)
			return &person->certs[i];
	return NULL;
}

/* False when the reply is already made: no such act, person, or certificate of that person. */
static bool enter(struct portal *p, const struct http_request *req, struct http_response *res,
		  const char *serial, struct deed *d)
{
	struct errmsg em = {0};
	int r;

	if (!console_enter(p, req, res, &d->c))
		return false;
	d->act = desk_act_find(req->params[1]);
	r = d->act != NULL ? store_desk_person(d->c.store, req->params[0], &d->person, &em)
			   : E_NOTFOUND;
	if (r == E_OK && d->act->about_cert) {
		d->cert = find_cert(d->person, serial);
		r = d->cert != NULL ? E_OK : E_NOTFOUND;
	}
	if (r == E_OK) {
		d->page = (struct page_act){.act = d->act,
					    .user = &d->person->user,
					    .cert = d->cert,
					    .reason = "",
					    .device = "",
					    .platform = "",
					    .server_keys = p->making != NULL,
					    .ask_password = !recent(p, &d->c.visitor)};
		return true;
	}
	leave(p, d);
	if (r == E_NOTFOUND || r == E_FORMAT)
		reply_not_found(p, res);
	else
		reply_failure(p, res, r, &em);
	return false;
}

static void show(struct portal *p, struct http_response *res, struct deed *d, unsigned status)
{
	/* A new session has another token. */
	d->c.base.csrf = d->c.visitor.csrf;
	reply_page(p, res, status, page_act(&d->c.base, &d->page, &res->body));
}

void console_act_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct deed d = {0};

	if (!enter(p, req, res, http_query(req, "serial"), &d))
		return;
	if (by_provider(p, req, res, &d))
		show(p, res, &d, 200);
	leave(p, &d);
}

/* What was typed; false when something is wrong, which the page says. */
static bool read_form(const struct http_request *req, struct deed *d)
{
	const char *reason = http_form(req, "reason"), *device = http_form(req, "device"),
		   *platform = http_form(req, "platform");
	int r = desk_reason(d->c.visitor.user.login, reason, d->reason);

	if (reason != NULL && text_is_plain(reason, 500))
		d->page.reason = reason;
	if (r != E_OK)
		d->page.reason_key = r == E_TOOBIG ? "act_reason_long" : "act_reason_missing";
	if (d->act->deed == DEED_CODE) {
		if (device != NULL && text_is_plain(device, TEXT_SIZE))
			d->page.device = device;
		if (form_device_name(device, d->device.name) != E_OK)
			d->page.device_key = "add_name_missing";
		if (!platform_known(platform) ||
		    (platform_keyless(platform) && !d->page.server_keys) ||
		    text_copy(d->device.platform, sizeof(d->device.platform), platform) != E_OK)
			d->page.platform_key = "add_platform_missing";
		else
			d->page.platform = platform;
	}
	return d->page.reason_key == NULL && d->page.device_key == NULL &&
	       d->page.platform_key == NULL;
}

static void note_refused(const struct http_request *req, const struct deed *d, const char *why)
{
	note_event("console_act_refused", req, d->c.visitor.user.login, "reason", why);
}

/*
 * The login was of late, or the password is given again, which makes it so. False when the reply is
 * made.
 */
static bool step_up(struct portal *p, const struct http_request *req, struct http_response *res,
		    struct deed *d)
{
	const char *password = http_form(req, "password");
	struct visitor *v = &d->c.visitor;
	struct errmsg em = {0};
	int r = E_OK;

	if (!d->page.ask_password)
		return true;
	if (password == NULL || *password == '\0') {
		d->page.password_key = "act_password_missing";
		show(p, res, d, 403);
		return false;
	}
	r = login_confirm(p, req, &v->user, password, &d->page.wait, &em);
	if (r == E_OK)
		r = gate_start(p, res, v->session.user, gate_now_ms(), &v->session);
	if (r == E_OK)
		r = session_csrf(&v->session, p->session_key, v->csrf);
	if (r == E_OK) {
		d->page.ask_password = false;
		return true;
	}
	note_refused(req, d, r == E_TIMEOUT ? "throttled" : "wrong_password");
	if (r == E_DENIED)
		d->page.password_key = "act_password_wrong";
	else if (r == E_TIMEOUT)
		d->page.other_key = "login_throttled";
	else if (r == E_STATE)
		d->page.other_key = "act_password_again";
	else
		reply_failure(p, res, r, &em);
	if (d->page.password_key != NULL || d->page.other_key != NULL)
		show(p, res, d, r == E_TIMEOUT ? 429 : 403);
	return false;
}

/* Word of it is left first. What puts somebody out goes on without, as the Functions themselves do. */
static int note(struct deed *d, const struct http_request *req, struct errmsg *em)
{
	const char *device = d->act->deed == DEED_CODE ? d->device.name
			     : d->cert != NULL         ? d->cert->rec.serial
						       : "";
	char detail[300];
	int r;

	(void)snprintf(detail, sizeof(detail), "%s%s%s: %s", d->act->word, *device ? " " : "",
		       device, strchr(d->reason, ' ') + 1);
	if (d->act->deed == DEED_CODE)
		return console_note(&d->c, req, "console_code", d->person->user.id, detail, em);
	r = console_note(&d->c, req, "console_acted", d->person->user.id, detail, em);
	if (r == E_OK || !d->act->puts_out)
		return r;
	log_warn("%s goes on without its event: %s", d->act->word, em->text);
	return E_OK;
}

static int perform(struct deed *d, struct errmsg *em)
{
	const char *id = d->person->user.id, *reason = d->reason;
	struct store *s = d->c.store;
	int64_t n;

	switch (d->act->deed) {
	case DEED_HOLD:
		return store_suspend_user(s, id, reason, NULL, em);
	case DEED_RESTORE:
		return store_restore_user(s, id, NULL, em);
	case DEED_REVOKE:
		return store_revoke_cert(s, d->cert->rec.serial, reason, em);
	case DEED_REVOKE_ALL:
		return store_revoke_user(s, id, reason, NULL, &n, em);
	case DEED_FORGET:
		return store_forget_mac(s, d->cert->rec.serial, reason, &n, em);
	case DEED_CODE:
		break;
	}
	return E_INTERNAL;
}

static void do_act(struct portal *p, const struct http_request *req, struct http_response *res,
		   struct deed *d)
{
	char path[ID_SIZE + 64];
	struct errmsg em = {0};
	int r = note(d, req, &em);

	if (r == E_OK)
		r = perform(d, &em);
	if (r == E_OK) {
		snprintf(path, sizeof(path), "/console/person/%s?done=%s", d->person->user.id,
			 d->act->word);
		reply_redirect(res, path);
	} else if (r == E_DENIED) {
		note_refused(req, d, "rate");
		d->page.other_key = "act_rate";
		show(p, res, d, 429);
	} else {
		reply_failure(p, res, r, &em);
	}
}

/* --- a code for somebody else ------------------------------------------------------------------- */

/* Who could reset a colleague's access could become that colleague. */
static bool guarded(const struct portal *p, const struct user *u)
{
	const struct console_conf *k = &p->console;

	return !k->codes_for_guarded &&
	       (desk_member(u, k->groups, k->n_groups) || desk_member(u, k->guarded, k->n_guarded));
}

/* The portal's own connection makes device and ticket: the console's may not. */
static int make_code(struct portal *p, struct deed *d, const struct http_request *req,
		     char token[ENROL_TOKEN_SIZE], struct errmsg *em)
{
	const struct user *u = &d->person->user;
	struct store *s = store_pool_get(p->pool);
	int r;

	if (s == NULL)
		return err_set(em, E_UNAVAIL, "all connections to Redis are in use");
	r = device_room(s, u, &d->choice, em);
	if (r == E_OK)
		r = note(d, req, em);
	if (r == E_DENIED) /* as told from a person who is held */
		r = E_EXISTS;
	if (r == E_OK)
		r = device_add(s, u, &d->device, em);
	if (r == E_OK)
		r = device_ticket(p, s, u, &d->choice, &d->device, token, em);
	store_pool_put(p->pool, s);
	return r;
}

static void do_code(struct portal *p, const struct http_request *req, struct http_response *res,
		    struct deed *d)
{
	const struct user *u = &d->person->user;
	char token[ENROL_TOKEN_SIZE] = "", back[ID_SIZE + 32];
	struct errmsg em = {0};
	int r;

	if (guarded(p, u))
		d->page.other_key = "act_code_guarded";
	else if (choice_make(u, p->groups, p->n_groups, p->profile_names, p->n_profiles,
			     &d->choice) != E_OK)
		d->page.other_key = "act_code_no_group";
	if (d->page.other_key != NULL) {
		note_refused(req, d, guarded(p, u) ? "guarded" : "no_group");
		show(p, res, d, 403);
		return;
	}
	r = make_code(p, d, req, token, &em);
	if (r == E_OK) {
		note_event("ticket_issued", req, d->c.visitor.user.login, "device", d->device.id);
		snprintf(back, sizeof(back), "/console/person/%s", u->id);
		handover_page(p, res,
			      &(struct handover){.token = token,
						 .device = d->device.name,
						 .expires = clock_now() + p->ticket_lifetime,
						 .back = back,
						 .back_key = "act_back"});
	} else if (r == E_EXISTS || r == E_STATE || r == E_DENIED) {
		d->page.other_key = r == E_EXISTS  ? "act_rate"
				    : r == E_STATE ? "act_code_limit"
						   : "act_code_held";
		note_refused(req, d, r == E_EXISTS ? "rate" : "refused");
		show(p, res, d, r == E_EXISTS ? 429 : 409);
	} else {
		reply_failure(p, res, r, &em);
	}
	text_wipe(token, sizeof(token));
}

void console_act_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct deed d = {0};

	if (!enter(p, req, res, http_form(req, "serial"), &d))
		return;
	if (!gate_form(p, req, res, &d.c.visitor))
		goto out;
	if (!by_provider(p, req, res, &d)) {
		note_refused(req, &d, "old_login");
		goto out;
	}
	if (!read_form(req, &d)) {
		show(p, res, &d, 422);
		goto out;
	}
	if (!step_up(p, req, res, &d))
		goto out;
	if (d.act->deed == DEED_CODE)
		do_code(p, req, res, &d);
	else
		do_act(p, req, res, &d);
out:
	leave(p, &d);
}
