#include "onboard_portal/flow/page.h"

#include "onboard_portal/flow/page_base.h"
#include "onboard_portal/flow/platform.h"

#include <inttypes.h>

#define DAY 86400
#define EXPIRES_SOON (30 * (int64_t)DAY)

int page_login(const struct page_base *b, const struct page_login *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "login_title"), p->error_key != NULL);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "login", p->login);
	page_sentence(b, v, "notice", p->notice_key);
	page_sentence(b, v, "error", p->error_key);
	html_set(v, "error_field", p->error_field);
	if (p->wait > 0)
		html_setf(v, "wait", "%" PRId64, p->wait);
	else
		html_set(v, "wait", "");
	html_flag(v, "form", p->form);
	html_set(v, "oidc", p->oidc != NULL ? p->oidc : "");
	html_set(v, "sso", p->sso != NULL ? p->sso : "");
	html_flag(v, "both",
		  p->form && ((p->oidc != NULL && *p->oidc != '\0') ||
			      (p->sso != NULL && *p->sso != '\0')));
	html_flag(v, "oidc_logout", p->oidc_logout);
	return page_finish(b, "login", v, out);
}

enum device_state page_device_state(const struct page_device *d, int64_t now)
{
	const struct certrec *c = d->cert;
	bool has_cert = c->state == CERT_ACTIVE || c->state == CERT_RESERVED;

	if (has_cert && *c->revoked == '\0' && c->not_after > now) {
		if (c->state == CERT_RESERVED)
			return DEVICE_PENDING;
		return c->not_after - now < EXPIRES_SOON ? DEVICE_EXPIRING : DEVICE_ACTIVE;
	}
	if (d->ticket_open && d->ticket_expires > now)
		return DEVICE_WAITING;
	if (has_cert)
		return *c->revoked != '\0' ? DEVICE_REMOVED : DEVICE_EXPIRED;
	return DEVICE_UNFINISHED;
}

bool page_device_live(enum device_state s)
{
	return s == DEVICE_WAITING || s == DEVICE_PENDING || s == DEVICE_ACTIVE ||
	       s == DEVICE_EXPIRING;
}

static const struct {
	const char *key;
	const char *tone;
} states[] = {
	[DEVICE_WAITING] = {"state_waiting", "warn"},
	[DEVICE_UNFINISHED] = {"state_unfinished", "idle"},
	[DEVICE_PENDING] = {"state_pending", "warn"},
	[DEVICE_ACTIVE] = {"state_active", "good"},
	[DEVICE_EXPIRING] = {"state_expires_soon", "warn"},
	[DEVICE_EXPIRED] = {"state_expired", "bad"},
	[DEVICE_REMOVED] = {"state_removed", "idle"},
};

static const char *platform_key(const char *platform, char key[64])
{
	snprintf(key, 64, "platform_%s", platform_known(platform) ? platform : "unknown");
	return key;
}

static void set_date(const struct page_base *b, struct html_vars *v, const char *name, int64_t t)
{
	char date[64] = "";

	if (t > 0 && view_date(b->view, t, date, sizeof(date)) != E_OK)
		date[0] = '\0';
	html_set(v, name, date);
}

/* One flag of that name; "other" for whatever is not known. */
static void set_platform(struct html_vars *v, const char *platform)
{
	for (size_t i = 0; platforms[i] != NULL; i++)
		html_flag(v, platforms[i],
			  strcmp(platforms[i], platform_known(platform) ? platform : "other") == 0);
}

static void device_vars(const struct page_base *b, const struct page_devices *p,
			const struct page_device *row, struct html_vars *v)
{
	enum device_state s = page_device_state(row, p->now);
	bool has_cert = row->cert->state == CERT_ACTIVE || row->cert->state == CERT_RESERVED;
	int64_t left = row->ticket_open ? row->ticket_expires - p->now : 0;
	char key[64];

	html_set(v, "id", row->device->id);
	html_set(v, "name", row->device->name);
	html_set(v, "platform", view_text(b->view, platform_key(row->device->platform, key)));
	set_platform(v, row->device->platform);
	html_set(v, "state", view_text(b->view, states[s].key));
	html_set(v, "tone", states[s].tone);
	set_date(b, v, "added", has_cert ? 0 : row->device->created);
	set_date(b, v, "issued", has_cert ? row->cert->not_before : 0);
	set_date(b, v, "expires", has_cert ? row->cert->not_after : 0);
	set_date(b, v, "used", has_cert ? row->accept : 0);
	if (left > 0)
		html_setf(v, "minutes", "%" PRId64, (left + 59) / 60);
	else
		html_set(v, "minutes", "");
	html_flag(v, "may_renew", p->limit > 0 && s != DEVICE_PENDING);
	html_flag(v, "calm", s == DEVICE_ACTIVE);
	html_set(v, "renew",
		 view_text(b->view, s == DEVICE_ACTIVE     ? "device_again"
				    : s == DEVICE_EXPIRING ? "device_renew"
							   : "device_new_code"));
}

int page_devices(const struct page_base *b, const struct page_devices *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "devices_title"), false);
	long used = 0;
	bool any = false, earlier = false;

	if (v == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < p->n; i++) {
		enum device_state s = page_device_state(&p->rows[i], p->now);
		bool past = s == DEVICE_REMOVED || s == DEVICE_EXPIRED;
		struct html_vars *row = html_row(v, past ? "earlier" : "device");

		if (row != NULL)
			device_vars(b, p, &p->rows[i], row);
		used += page_device_live(s);
		any |= !past;
		earlier |= past;
	}
	page_sentence(b, v, "notice", p->notice_key);
	html_flag(v, "any", any);
	html_flag(v, "have_earlier", earlier);
	html_flag(v, "empty", !any && p->limit > 0);
	html_flag(v, "no_group", p->limit == 0);
	html_flag(v, "full", p->limit > 0 && used >= p->limit);
	html_flag(v, "may_add", used < p->limit);
	html_setf(v, "used", "%ld", used);
	if (p->limit > 0)
		html_setf(v, "limit", "%ld", p->limit);
	else
		html_set(v, "limit", "");
	return page_finish(b, "devices", v, out);
}

static void set_choices(const struct page_base *b, const struct page_new *p, struct html_vars *v)
{
	char key[64];

	for (size_t i = 0; platforms[i] != NULL; i++) {
		struct html_vars *row;

		if (platform_keyless(platforms[i]) && !p->server_keys)
			continue;
		row = html_row(v, "choice");
		if (row == NULL)
			continue; /* shows in html_render */
		html_set(row, "value", platforms[i]);
		html_set(row, "choice_title", view_text(b->view, platform_key(platforms[i], key)));
		snprintf(key, sizeof(key), "platform_%s_more", platforms[i]);
		html_set(row, "more", view_text(b->view, key));
		html_flag(row, "checked", strcmp(p->platform, platforms[i]) == 0);
		html_flag(row, "here", strcmp(p->detected, platforms[i]) == 0);
	}
}

int page_new(const struct page_base *b, const struct page_new *p, struct buf *out)
{
	bool error = p->name_key != NULL || p->platform_key != NULL || p->other_key != NULL;
	struct html_vars *v = page_vars(b, view_text(b->view, "add_title"), error);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "name", p->name);
	set_choices(b, p, v);
	html_flag(v, "android", strcmp(p->detected, "android") == 0 && !p->server_keys);
	html_flag(v, "error", error);
	page_sentence(b, v, "name_error", p->name_key);
	page_sentence(b, v, "platform_error", p->platform_key);
	page_sentence(b, v, "other_error", p->other_key);
	return page_finish(b, "new", v, out);
}

int page_setup(const struct page_base *b, const struct page_setup *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "setup_title"), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "device", p->device->name);
	html_set(v, "device_id", p->device->id);
	set_platform(v, p->device->platform);
	html_set(v, "challenge", p->challenge);
	html_setf(v, "minutes", "%" PRId64, p->minutes);
	html_set(v, "scep_url", p->scep_url);
	html_set(v, "profile", p->profile);
	html_set(v, "top_sha256", p->top_sha256);
	html_set(v, "top_sha1", p->top_sha1);
	html_set(v, "issuer_sha256", p->issuer_sha256 != NULL ? p->issuer_sha256 : "");
	html_set(v, "anchor_sha256", p->anchor_sha256);
	html_set(v, "anchor_sha1", p->anchor_sha1);
	html_set(v, "server_name", p->server_name);
	html_set(v, "identity", p->identity);
	html_set(v, "base", p->base);
	html_set(v, "before", p->before);
	html_set(v, "after", p->after);
	html_set(v, "nmcli", p->nmcli);
	html_set(v, "wpa", p->wpa);
	html_set(v, "iwd", p->iwd);
	html_set(v, "certmonger", p->certmonger);
	html_set(v, "certmonger_again", p->certmonger_again);
	html_set(v, "file", p->file);
	html_flag(v, "renews", p->renews);
	html_flag(v, "server_keys", p->server_keys);
	html_set(v, "password", p->server_keys ? p->password : "");
	html_setf(v, "days", "%" PRId64, p->days);
	html_flag(v, "passpoint", p->server_keys && p->passpoint);
	return page_finish(b, "setup", v, out);
}

int page_remove(const struct page_base *b, const struct device *d, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "remove_title"), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", d->id);
	html_set(v, "name", d->name);
	return page_finish(b, "remove", v, out);
}

int page_message(const struct page_base *b, const struct page_message *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, p->title_key), false);

	if (v == NULL)
		return E_NOMEM;
	html_setf(v, "message", "%s%s%s", view_text(b->view, p->text_key),
		  *p->detail != '\0' ? " " : "", p->detail);
	html_set(v, "action", p->action != NULL ? p->action : "");
	page_sentence(b, v, "action_text", p->action_key);
	return page_finish(b, "message", v, out);
}
