#include "onboard_portal/flow/page_proof.h"

#include <string.h>

/* What the person can do about a refusal. The words are those of core/authz/reason.h. */
static const struct {
	const char *word, *key;
} sayings[] = {
	{"ssid_not_allowed", "proof_elsewhere"},
	{"nas_not_allowed", "proof_elsewhere"},
	{"time_not_allowed", "proof_elsewhere"},
	{"no_group", "proof_elsewhere"},
	{"user_held", "proof_account"},
	{"user_left", "proof_account"},
	{"unknown_user", "proof_account"},
	{"cert_revoked", "proof_anew"},
	{"cert_expired", "proof_anew"},
	{"unknown_cert", "proof_anew"},
	{"cert_not_active", "proof_anew"},
	{"wrong_issuer", "proof_anew"},
	{"no_serial", "proof_anew"},
	{"two_serials", "proof_anew"},
	{"user_name_mismatch", "proof_anew"},
	{"cert_not_yet_valid", "proof_clock"},
	{"backend_down", "proof_ours"},
	{"backend_timeout", "proof_ours"},
	{"backend_error", "proof_ours"},
	{"store_not_ready", "proof_ours"},
	{"store_rolled_back", "proof_ours"},
	{"store_foreign", "proof_ours"},
	{"store_stale", "proof_ours"},
};

static const char *saying(const char *reason)
{
	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++)
		if (strcmp(sayings[i].word, reason) == 0)
			return sayings[i].key;
	return "proof_desk";
}

enum proof {
	PROOF_CODE, /* nothing came of the code yet */
	PROOF_ISSUING,
	PROOF_CONNECT, /* it has its certificate and never came */
	PROOF_REFUSED,
	PROOF_ON,
	PROOF_OVER, /* the code ran out, the certificate ended, or it was removed */
};

static enum proof stands(const struct page_proof *p)
{
	enum device_state s = page_device_state(&p->row, p->now);

	if (s == DEVICE_WAITING)
		return PROOF_CODE;
	if (s == DEVICE_PENDING)
		return PROOF_ISSUING;
	if (s != DEVICE_ACTIVE && s != DEVICE_EXPIRING)
		return PROOF_OVER;
	if (p->accept == 0 && p->reject == 0)
		return PROOF_CONNECT;
	return p->accept >= p->reject ? PROOF_ON : PROOF_REFUSED;
}

bool page_proof_waits(const struct page_proof *p)
{
	enum proof at = stands(p);

	return at != PROOF_ON && at != PROOF_OVER && p->tries < PROOF_TRIES;
}

/* Done, at it, or still to come: said in words too. */
static void set_step(const struct page_base *b, struct html_vars *v, const char *title_key,
		     int place, int now)
{
	struct html_vars *row = html_row(v, "step");
	const char *tone = place < now ? "good" : place == now ? "warn" : "idle";

	if (row == NULL)
		return; /* shows in html_render */
	html_set(row, "step_title", view_text(b->view, title_key));
	html_set(row, "tone", tone);
	html_set(row, "step_state",
		 view_text(b->view, place < now    ? "proof_done"
				    : place == now ? "proof_now"
						   : "proof_later"));
}

int page_proof(const struct page_base *b, const struct page_proof *p, struct buf *out)
{
	static const int place[] = {[PROOF_CODE] = 1,    [PROOF_ISSUING] = 1, [PROOF_CONNECT] = 2,
				    [PROOF_REFUSED] = 2, [PROOF_ON] = 3,      [PROOF_OVER] = 1};
	enum proof at = stands(p);
	struct html_vars *v =
		page_vars(b, view_text(b->view, at == PROOF_ON ? "proof_on_title" : "proof_title"),
			  at == PROOF_REFUSED);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", p->row.device->id);
	html_set(v, "name", p->row.device->name);
	set_step(b, v, "proof_step_added", 0, place[at]);
	set_step(b, v, "proof_step_issued", 1, place[at]);
	set_step(b, v, "proof_step_on", 2, place[at]);
	html_flag(v, "on", at == PROOF_ON);
	html_flag(v, "refused", at == PROOF_REFUSED);
	html_flag(v, "code", at == PROOF_CODE || at == PROOF_ISSUING);
	html_flag(v, "connect", at == PROOF_CONNECT);
	html_flag(v, "over", at == PROOF_OVER);
	html_flag(v, "has_end", place[at] > 1);
	html_flag(v, "waits", page_proof_waits(p));
	html_set(v, "when", p->when);
	html_set(v, "reason", at == PROOF_REFUSED ? p->reason : "");
	html_set(v, "say", at == PROOF_REFUSED ? view_text(b->view, saying(p->reason)) : "");
	html_set(v, "nas", p->nas);
	html_set(v, "vlan", strcmp(p->vlan, "-") != 0 ? p->vlan : "");
	return page_finish(b, "proof", v, out);
}
