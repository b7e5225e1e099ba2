#include "onboard_portal/flow/page_app.h"

#include <inttypes.h>

int page_app(const struct page_base *b, const struct page_app *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "app_title"), p->name_key != NULL);
	char key[64];

	if (v == NULL)
		return E_NOMEM;
	(void)snprintf(key, sizeof(key), "platform_%s", p->platform);
	html_set(v, "client", p->client);
	html_set(v, "request", p->request);
	html_set(v, "name", p->name != NULL ? p->name : view_text(b->view, key));
	html_setf(v, "days", "%" PRId64, p->days);
	page_sentence(b, v, "name_error", p->name_key);
	return page_finish(b, "app", v, out);
}
