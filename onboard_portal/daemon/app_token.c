#include "onboard_portal/daemon/letswifi.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/gate.h"
#include "onboard_portal/flow/letswifi.h"

static void refuse(struct http_response *res, unsigned status, const char *word, const char *text)
{
	buf_reset(&res->body);
	app_json(res, status, letswifi_error_reply(word, text, &res->body));
}

static void fail(struct http_response *res, int r, const struct errmsg *em)
{
	log_error("%s", *em->text != '\0' ? em->text : err_text(r));
	if (http_set_header(res, "Retry-After", "5") != E_OK)
		log_warn("header left out");
	refuse(res, err_is_away(r) ? 503 : 500, "temporarily_unavailable", "Try again later.");
}

static bool served(const struct portal *p, struct http_response *res)
{
	if (p->making == NULL)
		refuse(res, 404, "invalid_request", "This portal makes no keys for apps.");
	return p->making != NULL;
}

/* The ledger as it is now, not as it was when the person said yes. */
static int read_person(const struct portal *p, struct store *s, const char *id, struct user *u,
		       struct choice *choice, struct errmsg *em)
{
	int r = gate_read_person(s, id, u, em);

	if (r == E_NOTFOUND)
		return E_DENIED;
	if (r == E_OK &&
	    choice_make(u, p->groups, p->n_groups, p->profile_names, p->n_profiles, choice) != E_OK)
		return E_DENIED;
	return r;
}

/* E_EXISTS: there is a ticket, so the code was used. */
static int unused(const struct portal *p, struct store *s, const char *ticket, struct errmsg *em)
{
	char challenge[ENROL_CHALLENGE_SIZE] = "", hash[HASH_SIZE];
	struct store_ticket st = {0};
	int r = enrol_challenge(ticket, p->challenge_key, challenge, hash);

	text_wipe(challenge, sizeof(challenge));
	if (r != E_OK)
		return r;
	r = store_ticket_get(s, hash, &st, em);
	buf_free(&st.content);
	buf_free(&st.mac);
	if (r == E_OK)
		return E_EXISTS;
	return r == E_NOTFOUND ? E_OK : r;
}

/* A device and its ticket for the grant. E_DENIED: held or in no group; E_EXISTS: the code was used; E_STATE: limit. */
static int make_ticket(struct portal *p, struct store *s, const struct http_request *req,
		       const struct letswifi_grant *g, const char *ticket, struct device *d,
		       struct errmsg *em)
{
	struct choice choice;
	struct user u;
	int r = read_person(p, s, g->user, &u, &choice, em);

	if (r == E_OK)
		r = unused(p, s, ticket, em);
	if (r == E_OK)
		r = device_room(s, &u, &choice, em);
	if (r == E_OK && (text_copy(d->owner, sizeof(d->owner), u.id) != E_OK ||
			  text_copy(d->name, sizeof(d->name), g->name) != E_OK ||
			  text_copy(d->platform, sizeof(d->platform), g->platform) != E_OK))
		r = E_INTERNAL;
	if (r == E_OK)
		r = store_device_put(s, d, em);
	if (r == E_OK)
		r = device_ticket_of(p, s, &u, &choice, d, true, ticket, em);
	if (r == E_OK) {
		note_event("device_added", req, u.login, "device", d->id);
		note_event("ticket_issued", req, u.login, "device", d->id);
	}
	return r;
}

/* RFC 6749 section 4.1.2: what came of the first use ends too. */
static void used_twice(struct store *s, const struct letswifi_grant *g, const struct device *d)
{
	struct errmsg em = {0};

	if (store_device_revoke(s, g->user, d->id, "the code of its app was used twice", &em) !=
	    E_OK)
		log_error("a device whose code was used twice is not ended: %s", em.text);
}

static void exchange(struct portal *p, const struct http_request *req, struct http_response *res,
		     const struct letswifi_grant *g)
{
	char token[ENROL_TOKEN_SIZE] = "", ticket[ENROL_TOKEN_SIZE] = "";
	struct store *s = store_pool_get(p->pool);
	struct device d = {.owner = ""};
	struct errmsg em = {0};
	int r = s != NULL ? letswifi_token(g, p->challenge_key, token, d.id)
			  : err_set(&em, E_UNAVAIL, "all connections to Redis are in use");

	if (r == E_OK)
		r = letswifi_ticket(token, p->challenge_key, ticket);
	if (r == E_OK)
		r = make_ticket(p, s, req, g, ticket, &d, &em);
	if (r == E_EXISTS)
		used_twice(s, g, &d);
	if (s != NULL)
		store_pool_put(p->pool, s);
	if (r == E_OK) {
		app_json(res, 200, letswifi_token_reply(token, p->ticket_lifetime, &res->body));
	} else if (r == E_EXISTS || r == E_DENIED || r == E_STATE) {
		note_event("app_code_refused", req, "", "reason",
			   r == E_EXISTS   ? "used"
			   : r == E_DENIED ? "held"
					   : "limit");
		refuse(res, 400, "invalid_grant",
		       r == E_STATE ? "This person has as many devices as they may."
				    : "The code is not valid.");
	} else {
		fail(res, r, &em);
	}
	text_wipe(token, sizeof(token));
	text_wipe(ticket, sizeof(ticket));
}

void app_token_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct letswifi_claim c = {.code = http_form(req, "code"),
					 .client = http_form(req, "client_id"),
					 .redirect = http_form(req, "redirect_uri"),
					 .verifier = http_form(req, "code_verifier")};
	const char *type = http_form(req, "grant_type");
	struct letswifi_grant g;
	struct portal *p = ctx;
	int r;

	if (!served(p, res))
		return;
	if (type == NULL || c.code == NULL || c.client == NULL || c.redirect == NULL ||
	    c.verifier == NULL) {
		refuse(res, 400, "invalid_request", "A parameter is missing.");
		return;
	}
	if (strcmp(type, "authorization_code") != 0) {
		refuse(res, 400, "unsupported_grant_type", "Ask for a new code.");
		return;
	}
	r = letswifi_redeem(&c, p->challenge_key, clock_now(), &g);
	if (r == E_OK) {
		exchange(p, req, res, &g);
		text_wipe(&g, sizeof(g));
	} else if (r == E_DENIED || r == E_TIMEOUT) {
		note_event("app_code_refused", req, "", "reason",
			   r == E_TIMEOUT ? "expired" : "foreign");
		refuse(res, 400, "invalid_grant", "The code is not valid.");
	} else {
		fail(res, r, &(struct errmsg){0});
	}
}

/* --- the configuration --------------------------------------------------------------------------------- */

static void no_token(struct http_response *res)
{
	if (http_set_header(res, "WWW-Authenticate", "Bearer error=\"invalid_token\"") != E_OK)
		log_warn("header left out");
	refuse(res, 401, "invalid_token", "The token is not valid, or was used. Start again.");
}

static void configuration(struct portal *p, const struct http_request *req,
			  struct http_response *res, bool eap_config)
{
	const char *token = letswifi_bearer(http_header(req, "Authorization"));
	char ticket[ENROL_TOKEN_SIZE] = "";
	struct errmsg em = {0};
	int r;

	if (!served(p, res))
		return;
	r = token != NULL ? letswifi_ticket(token, p->challenge_key, ticket) : E_DENIED;
	if (r == E_OK)
		r = setup_app_file(p, req, ticket, eap_config, res, &em);
	text_wipe(ticket, sizeof(ticket));
	if (r == E_DENIED || r == E_NOTFOUND)
		no_token(res);
	else if (r != E_OK)
		fail(res, r == E_STATE ? E_UNAVAIL : r, &em);
}

void app_eap_config_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	configuration(ctx, req, res, true);
}

void app_mobileconfig_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	configuration(ctx, req, res, false);
}
