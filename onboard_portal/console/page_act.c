#include "onboard_portal/console/page_act.h"

#include "onboard_portal/flow/platform.h"

#include <inttypes.h>

static const char *sentence(const struct page_base *b, const struct desk_act *act, const char *part)
{
	char key[64];

	snprintf(key, sizeof(key), "act_%s_%s", act->word, part);
	return view_text(b->view, key);
}

static void set_platforms(const struct page_base *b, const struct page_act *p, struct html_vars *v)
{
	char key[64];

	for (size_t i = 0; platforms[i] != NULL; i++) {
		struct html_vars *row;

		if (platform_keyless(platforms[i]) && !p->server_keys)
			continue;
		row = html_row(v, "choice");
		if (row == NULL)
			return; /* shows in html_render */
		snprintf(key, sizeof(key), "platform_%s", platforms[i]);
		html_set(row, "value", platforms[i]);
		html_set(row, "choice_title", view_text(b->view, key));
		html_flag(row, "checked", strcmp(p->platform, platforms[i]) == 0);
	}
}

int page_act(const struct page_base *b, const struct page_act *p, struct buf *out)
{
	bool error = p->reason_key != NULL || p->password_key != NULL || p->device_key != NULL ||
		     p->platform_key != NULL || p->other_key != NULL;
	struct html_vars *v = page_vars(b, sentence(b, p->act, "title"), error);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "heading", sentence(b, p->act, "title"));
	html_set(v, "lead", sentence(b, p->act, "lead"));
	html_set(v, "button", sentence(b, p->act, "button"));
	html_set(v, "word", p->act->word);
	html_flag(v, "final", p->act->final);
	html_set(v, "id", p->user->id);
	html_set(v, "name", *p->user->name != '\0' ? p->user->name : p->user->login);
	html_set(v, "login", p->user->login);
	html_set(v, "source", p->user->source);
	html_set(v, "serial", p->cert != NULL ? p->cert->rec.serial : "");
	html_set(v, "cert_device", p->cert != NULL ? p->cert->name : "");
	html_set(v, "reason", p->reason);
	html_flag(v, "ask_password", p->ask_password);
	html_flag(v, "code", p->act->deed == DEED_CODE);
	html_set(v, "device", p->device);
	set_platforms(b, p, v);
	html_flag(v, "error", error);
	page_sentence(b, v, "reason_error", p->reason_key);
	page_sentence(b, v, "password_error", p->password_key);
	page_sentence(b, v, "device_error", p->device_key);
	page_sentence(b, v, "platform_error", p->platform_key);
	page_sentence(b, v, "other_error", p->other_key);
	if (p->wait > 0)
		html_setf(v, "wait", "%" PRId64, p->wait);
	else
		html_set(v, "wait", "");
	return page_finish(b, "console_act", v, out);
}
