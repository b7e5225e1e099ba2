#include "onboard_portal/console/page_console.h"

#include "onboard_portal/console/desk.h"
#include "onboard_portal/flow/platform.h"

#include <inttypes.h>

static const char *name_of(const struct user *u)
{
	return *u->name != '\0' ? u->name : u->login;
}

static void set_platform(const struct page_base *b, struct html_vars *v, const char *platform)
{
	char key[64];

	snprintf(key, sizeof(key), "platform_%s", platform_known(platform) ? platform : "unknown");
	html_set(v, "platform", view_text(b->view, key));
}

static void set_time(struct html_vars *v, const char *name, int64_t t)
{
	char text[DESK_TIME_SIZE];

	desk_time(t, text);
	html_set(v, name, text);
}

static void set_say(const struct page_base *b, struct html_vars *v, const char *name,
		    const char *reason)
{
	char key[64];

	desk_say_key(reason, key);
	html_set(v, name, view_text(b->view, key));
}

static void hit_row(const struct page_base *b, struct html_vars *row, const struct desk_hit *h)
{
	char key[64];

	snprintf(key, sizeof(key), "find_by_%s", h->kind);
	html_set(row, "id", h->user.id);
	html_set(row, "name", name_of(&h->user));
	html_set(row, "login", h->user.login);
	html_set(row, "source", h->user.source);
	html_set(row, "held", h->hold);
	html_set(row, "what", h->what);
	html_set(row, "by",
		 strcmp(h->kind, "login") == 0 || strcmp(h->kind, "like") == 0
			 ? ""
			 : view_text(b->view, key));
}

int page_find(const struct page_base *b, const struct page_find *p, struct buf *out)
{
	struct html_vars *v =
		page_vars(b, view_text(b->view, "console_title"), p->error_key != NULL);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "typed", p->typed);
	page_sentence(b, v, "error", p->error_key);
	for (size_t i = 0; i < p->n; i++) {
		struct html_vars *row = html_row(v, "hit");

		if (row != NULL)
			hit_row(b, row, &p->hits[i]);
	}
	html_flag(v, "found", p->n > 0);
	html_flag(v, "nobody", p->n == 0 && *p->typed != '\0' && p->error_key == NULL);
	html_flag(v, "more", p->more);
	return page_finish(b, "console", v, out);
}

static const struct {
	const char *key;
	const char *tone;
} cert_states[] = {
	[DESK_ACTIVE] = {"state_active", "good"},    [DESK_SOON] = {"state_expires_soon", "warn"},
	[DESK_EXPIRED] = {"state_expired", "bad"},   [DESK_REVOKED] = {"cstate_revoked", "bad"},
	[DESK_RESERVED] = {"state_pending", "warn"}, [DESK_ABORTED] = {"cstate_aborted", "idle"},
};

static void record_vars(struct html_vars *row, const char *record)
{
	struct desk_record r = {0};

	desk_record_read(record, &r);
	set_time(row, "at", r.at);
	html_set(row, "actor", r.actor);
	html_set(row, "reason", r.reason);
}

static void cert_row(const struct page_base *b, struct html_vars *row, const struct desk_cert *c,
		     int64_t now)
{
	enum desk_cert_state s = desk_cert_state(&c->rec, now);

	html_set(row, "device", *c->name != '\0' ? c->name : c->rec.device);
	set_platform(b, row, c->platform);
	html_set(row, "state", view_text(b->view, cert_states[s].key));
	html_set(row, "tone", cert_states[s].tone);
	html_flag(row, "good", s <= DESK_SOON || s == DESK_RESERVED);
	html_set(row, "serial", c->rec.serial);
	html_set(row, "profile", c->rec.profile);
	set_time(row, "issued", c->rec.not_before);
	set_time(row, "expires", c->rec.not_after);
	html_set(row, "ticket", c->rec.ticket);
	html_flag(row, "revoked", *c->rec.revoked != '\0');
	record_vars(row, c->rec.revoked);
	set_time(row, "accept", c->accept);
	html_set(row, "mac", c->mac);
	html_set(row, "nas", c->nas);
	set_time(row, "reject", c->reject);
	html_set(row, "reject_word", c->reason);
	html_set(row, "reject_mac", c->reject_mac);
	html_set(row, "reject_nas", c->reject_nas);
}

static void verdict_row(const struct page_base *b, struct html_vars *row,
			const struct desk_verdict *d)
{
	set_time(row, "at", d->at);
	html_set(row, "tone", d->accept ? "good" : "bad");
	html_set(row, "result",
		 view_text(b->view, d->accept ? "verdict_accept" : "verdict_reject"));
	html_set(row, "word", d->reason);
	set_say(b, row, "say", d->reason);
	html_set(row, "group", d->group);
	html_set(row, "vlan", d->vlan);
	html_set(row, "mac", d->mac);
	html_set(row, "nas", d->nas);
	html_setf(row, "short", "%.8s", d->serial);
	html_set(row, "serial", d->serial);
}

static void code_row(const struct page_base *b, struct html_vars *row, const struct desk_code *c)
{
	html_set(row, "device", *c->name != '\0' ? c->name : c->device);
	set_platform(b, row, c->platform);
	set_time(row, "expires", c->expires);
	html_set(row, "ticket", c->ticket);
}

static void set_lists(const struct page_base *b, const struct desk_person *d, int64_t now,
		      struct html_vars *v)
{
	struct html_vars *row;

	for (size_t i = 0; i < d->n_holds; i++) {
		row = html_row(v, "hold");
		if (row == NULL)
			return; /* shows in html_render */
		html_set(row, "hold_source", d->holds[i].source);
		record_vars(row, d->holds[i].record);
	}
	for (size_t i = 0; i < d->n_groups && (row = html_row(v, "group")) != NULL; i++) {
		html_set(row, "group_name", d->groups[i].name);
		html_flag(row, "known", d->groups[i].known);
		html_set(row, "vlan", d->groups[i].vlan);
	}
	for (size_t i = 0; i < d->n_certs && (row = html_row(v, "cert")) != NULL; i++)
		cert_row(b, row, &d->certs[i], now);
	for (size_t i = 0; i < d->n_codes && (row = html_row(v, "code")) != NULL; i++)
		code_row(b, row, &d->codes[i]);
	for (size_t i = 0; i < d->n_verdicts && (row = html_row(v, "verdict")) != NULL; i++)
		verdict_row(b, row, &d->verdicts[i]);
}

static void set_acts(const struct page_base *b, const struct desk_person *d,
		     const struct desk_act *done, struct html_vars *v)
{
	bool ours = false;
	char key[64] = "";

	for (size_t i = 0; i < d->n_holds; i++)
		ours = ours || strcmp(d->holds[i].source, "helpdesk") == 0;
	html_flag(v, "may_hold", !ours);
	html_flag(v, "may_restore", ours);
	if (done != NULL)
		snprintf(key, sizeof(key), "act_%s_done", done->word);
	page_sentence(b, v, "done", done != NULL && done->deed != DEED_CODE ? key : NULL);
}

int page_person(const struct page_base *b, const struct page_person *p, struct buf *out)
{
	const struct desk_person *d = p->person;
	const char *advice = desk_advice(d, p->now);
	struct html_vars *v = page_vars(b, name_of(&d->user), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", d->user.id);
	html_set(v, "name", name_of(&d->user));
	set_acts(b, d, p->done, v);
	html_set(v, "login", d->user.login);
	html_set(v, "source", d->user.source);
	html_set(v, "email", d->user.email);
	set_time(v, "leaves", d->user.leave_at);
	html_flag(v, "left", user_left(d->user.leave_at, p->now));
	html_set(v, "advice", advice);
	set_say(b, v, "say", advice);
	html_flag(v, "fine", strcmp(advice, "ok") == 0);
	html_flag(v, "held", d->n_holds > 0);
	html_flag(v, "no_groups", d->n_groups == 0);
	html_flag(v, "any_cert", d->n_certs > 0);
	html_flag(v, "any_code", d->n_codes > 0);
	html_flag(v, "any_verdict", d->n_verdicts > 0);
	if (d->all_certs > (int64_t)d->n_certs)
		html_setf(v, "left_out", "%" PRId64, d->all_certs - (int64_t)d->n_certs);
	else
		html_set(v, "left_out", "");
	set_lists(b, d, p->now, v);
	return page_finish(b, "console_person", v, out);
}

static void step_row(const struct page_base *b, struct html_vars *row, const struct story_step *s,
		     bool stuck)
{
	static const struct {
		const char *tone, *key;
	} states[] = {[STORY_DONE] = {"good", "story_done"},
		      [STORY_FAILED] = {"bad", "story_failed"},
		      [STORY_WAITING] = {"warn", "story_waiting"}};

	set_time(row, "at", s->at);
	html_set(row, "what", view_text(b->view, s->key));
	html_set(row, "tone", states[s->state].tone);
	html_set(row, "state", view_text(b->view, states[s->state].key));
	html_set(row, "word", s->word);
	html_set(row, "detail", s->detail);
	html_set(row, "say", *s->say != '\0' ? view_text(b->view, s->say) : "");
	html_flag(row, "stuck", stuck);
}

int page_story(const struct page_base *b, const struct user *u, const struct story *s,
	       struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "story_title"), false);
	struct html_vars *row;

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", u->id);
	html_set(v, "name", name_of(u));
	html_flag(v, "fine", !s->stuck);
	html_set(v, "say", view_text(b->view, s->stuck ? s->steps[s->n - 1].say : "say_ok"));
	for (size_t i = 0; i < s->n && (row = html_row(v, "step")) != NULL; i++)
		step_row(b, row, &s->steps[i], s->stuck && i + 1 == s->n);
	return page_finish(b, "console_story", v, out);
}
