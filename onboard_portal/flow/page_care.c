#include "onboard_portal/flow/page_care.h"

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
