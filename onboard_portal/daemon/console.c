#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/gate.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_desk.h"
#include "onboard_portal/console/act.h"
#include "onboard_portal/console/desk.h"
#include "onboard_portal/console/page_console.h"

bool console_allows(const struct portal *p, const struct user *u)
{
	return p->console.pool != NULL && desk_member(u, p->console.groups, p->console.n_groups);
}

bool console_enter(struct portal *p, const struct http_request *req, struct http_response *res,
		   struct console *ret)
{
	struct console c = {0};
	struct errmsg em = {0};
	struct store *own;

	if (p->console.pool == NULL) {
		reply_not_found(p, res);
		return false;
	}
	if (!gate_person(p, req, res, &c.visitor, &own))
		return false;
	store_pool_put(p->pool, own);
	if (!console_allows(p, &c.visitor.user)) {
		note_event("console_refused", req, c.visitor.user.login, "path", req->path);
		reply_not_found(p, res);
		return false;
	}
	c.store = store_pool_get(p->console.pool);
	if (c.store == NULL) {
		err_set(&em, E_UNAVAIL, "all connections to Redis are in use");
		reply_failure(p, res, E_UNAVAIL, &em);
		return false;
	}
	*ret = c;
	/* What the base borrows lives as long as the caller's copy. */
	reply_base(p, &ret->base,
		   *ret->visitor.user.name != '\0' ? ret->visitor.user.name
						   : ret->visitor.user.login,
		   ret->visitor.csrf);
	ret->base.desk = true;
	ret->base.sponsor = p->vouchers != NULL;
	return true;
}

void console_leave(struct portal *p, struct console *c)
{
	store_pool_put(p->console.pool, c->store);
	c->store = NULL;
}

int console_note(struct console *c, const struct http_request *req, const char *word,
		 const char *user, const char *detail, struct errmsg *em)
{
	const char *client = req->client != NULL ? req->client : "";
	const struct audit_field f[] = {{"login", c->visitor.user.login},
					{"address", client},
					{"user", user},
					{"detail", detail}};

	if (audit_event(word, "", f, sizeof(f) / sizeof(f[0])) != E_OK)
		log_warn("the audit trail could not be written: %s", word);
	return store_desk_note(c->store, word, c->visitor.user.login, user, client, detail, em);
}

/* What was typed is looked for; the page says what came of it. */
static int find(struct console *c, const struct http_request *req, const char *typed,
		struct page_find *page, struct desk_hit hits[DESK_FIND_MAX], struct errmsg *em)
{
	int r = console_note(c, req, "console_searched", "", typed, em);

	if (r == E_OK)
		r = store_desk_find(c->store, typed, hits, &page->n, &page->more, em);
	page->typed = typed;
	page->hits = hits;
	return r;
}

void console_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *q = http_query(req, "q");
	char typed[DESK_SEARCH_MAX + 1] = "", path[ID_SIZE + 32];
	struct page_find page = {.typed = ""};
	struct desk_hit *hits = NULL;
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct console c;
	int r = E_OK;

	if (!console_enter(p, req, res, &c))
		return;
	if (q != NULL && desk_search(q, typed) != E_OK) {
		page.error_key = "find_bad";
	} else if (q != NULL) {
		hits = calloc(DESK_FIND_MAX, sizeof(*hits));
		r = hits != NULL ? find(&c, req, typed, &page, hits, &em) : E_NOMEM;
	}
	console_leave(p, &c);
	if (r != E_OK) {
		reply_failure(p, res, r, &em);
	} else if (page.n == 1 && !page.more && strcmp(hits[0].kind, "like") != 0) {
		snprintf(path, sizeof(path), "/console/person/%s", hits[0].user.id);
		reply_redirect(res, path);
	} else {
		reply_page(p, res, page.error_key != NULL ? 422 : 200,
			   page_find(&c.base, &page, &res->body));
	}
	free(hits);
}

void console_person_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct desk_person *person = NULL;
	const char *id = req->params[0];
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct console c;
	const struct desk_act *done;
	int r;

	if (!console_enter(p, req, res, &c))
		return;
	done = desk_act_find(http_query(req, "done") != NULL ? http_query(req, "done") : "");
	r = store_desk_person(c.store, id, &person, &em);
	/* Word is left before the page is shown, and not without. */
	if (r == E_OK)
		r = console_note(&c, req, "console_viewed", id, person->user.login, &em);
	console_leave(p, &c);
	if (r == E_OK)
		reply_page(p, res, 200,
			   page_person(&c.base,
				       &(struct page_person){
					       .person = person, .now = clock_now(), .done = done},
				       &res->body));
	else if (r == E_NOTFOUND || r == E_FORMAT)
		reply_not_found(p, res);
	else
		reply_failure(p, res, r, &em);
	free(person);
}

/* Which enrolment is meant, by the hash of its code; false when it is none of this person's that are shown. */
static bool find_enrolment(const struct portal *p, const struct desk_person *person,
			   const char *ticket, struct desk_story_of *of, struct story_input *in)
{
	for (size_t i = 0; i < person->n_certs; i++) {
		const struct certrec *c = &person->certs[i].rec;

		if (strcmp(c->ticket, ticket) != 0)
			continue;
		in->cert = &person->certs[i];
		*of = (struct desk_story_of){.serial = c->serial,
					     .device = c->device,
					     .from = c->not_before - p->ticket_lifetime - 600,
					     .till = c->not_before + p->ticket_lifetime + 600};
		break;
	}
	for (size_t i = 0; in->cert == NULL && i < person->n_codes; i++) {
		const struct desk_code *c = &person->codes[i];

		if (strcmp(c->ticket, ticket) != 0)
			continue;
		in->expires = c->expires;
		*of = (struct desk_story_of){.serial = "",
					     .device = c->device,
					     .from = c->expires - p->ticket_lifetime - 60,
					     .till = c->expires + 60};
	}
	of->ticket = ticket;
	return of->device != NULL;
}

static int tell_story(struct portal *p, struct console *c, const struct http_request *req,
		      struct http_response *res, const struct desk_person *person,
		      struct errmsg *em)
{
	struct desk_event *events = calloc(DESK_EVENTS_MAX, sizeof(*events));
	struct story *story = calloc(1, sizeof(*story));
	const char *ticket = http_query(req, "ticket");
	struct story_input in = {.events = events,
				 .verdicts = person->verdicts,
				 .n_verdicts = person->n_verdicts,
				 .now = clock_now()};
	struct desk_story_of of = {0};
	int r = events != NULL && story != NULL ? E_OK : E_NOMEM;

	if (r == E_OK && (ticket == NULL || !find_enrolment(p, person, ticket, &of, &in)))
		r = E_NOTFOUND;
	if (r == E_OK)
		r = store_desk_story(c->store, &of, events, &in.n_events, em);
	if (r == E_OK)
		r = console_note(c, req, "console_viewed", person->user.id, "story", em);
	if (r == E_OK) {
		story_make(&in, story);
		reply_page(p, res, 200, page_story(&c->base, &person->user, story, &res->body));
	}
	free(events);
	free(story);
	return r;
}

void console_story_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct desk_person *person = NULL;
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct console c;
	int r;

	if (!console_enter(p, req, res, &c))
		return;
	r = store_desk_person(c.store, req->params[0], &person, &em);
	if (r == E_OK)
		r = tell_story(p, &c, req, res, person, &em);
	console_leave(p, &c);
	if (r == E_NOTFOUND || r == E_FORMAT)
		reply_not_found(p, res);
	else if (r != E_OK)
		reply_failure(p, res, r, &em);
	free(person);
}
