#include "onboard_portal/flow/page_care.h"

#include "onboard_portal/flow/platform.h"

int page_rename(const struct page_base *b, const struct page_rename *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "rename_title"), p->name_key != NULL);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", p->device->id);
	html_set(v, "name", p->device->name);
	html_set(v, "typed", p->typed);
	page_sentence(b, v, "name_error", p->name_key);
	return page_finish(b, "rename", v, out);
}

static void lost_row(const struct page_base *b, const struct page_device *d, struct html_vars *row)
{
	char date[64] = "", key[64];

	(void)snprintf(key, sizeof(key), "platform_%s",
		       platform_known(d->device->platform) ? d->device->platform : "unknown");
	if (d->accept > 0 && view_date(b->view, d->accept, date, sizeof(date)) != E_OK)
		date[0] = '\0';
	html_set(row, "id", d->device->id);
	html_set(row, "name", d->device->name);
	html_set(row, "platform", view_text(b->view, key));
	html_set(row, "used", date);
}

int page_lost(const struct page_base *b, const struct page_devices *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "lost_title"), false), *row;
	bool any = false;

	if (v == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < p->n; i++) {
		if (!page_device_live(page_device_state(&p->rows[i], p->now)))
			continue;
		any = true;
		row = html_row(v, "device");
		if (row != NULL) /* else it shows in html_render */
			lost_row(b, &p->rows[i], row);
	}
	html_flag(v, "any", any);
	return page_finish(b, "lost", v, out);
}

int page_lost_device(const struct page_base *b, const struct page_lost_device *p, struct buf *out)
{
	struct html_vars *v = page_vars(
		b, view_text(b->view, p->cut ? "lost_cut_title" : "lost_sure_title"), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "id", p->device->id);
	html_set(v, "name", p->device->name);
	html_flag(v, "cut", p->cut);
	html_set(v, "tone", p->on ? "warn" : "good");
	html_set(v, "net", view_text(b->view, p->on ? "lost_still" : "proof_done"));
	html_flag(v, "waits", p->waits);
	return page_finish(b, "lost_device", v, out);
}

int page_mail_off(const struct page_base *b, const char *path, enum mail_off at, struct buf *out)
{
	static const char *const titles[] = {
		[MAIL_ASKED] = "mail_ask", [MAIL_OFF] = "mail_off", [MAIL_ON] = "mail_on"};
	struct html_vars *v = page_vars(b, view_text(b->view, titles[at]), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "path", path);
	html_flag(v, "off", at == MAIL_OFF);
	html_set(v, "text", view_text(b->view, "mail_text"));
	html_set(v, "button",
		 view_text(b->view, at == MAIL_OFF ? "mail_on_button" : "mail_off_button"));
	return page_finish(b, "mail_off", v, out);
}
