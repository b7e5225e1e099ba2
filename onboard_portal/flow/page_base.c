#include "onboard_portal/flow/page_base.h"

/* What leads to the same page in the others. */
static void set_languages(const struct page_base *b, struct html_vars *v)
{
	html_flag(v, "languages", b->n_views > 1);
	for (size_t i = 0; i < b->n_views; i++) {
		struct html_vars *row = html_row(v, "language");

		html_set(row, "code", view_text(b->views[i], "lang"));
		html_set(row, "language_name", view_text(b->views[i], "lang_name"));
		html_flag(row, "another", b->views[i] != b->view);
	}
}

struct html_vars *page_vars(const struct page_base *b, const char *title, bool error)
{
	struct html_vars *v = html_vars_new();

	if (v == NULL)
		return NULL;
	html_setf(v, "title", "%s%s%s", error ? view_text(b->view, "problem_title") : "",
		  error ? ": " : "", title);
	html_set(v, "organization", b->organization);
	html_set(v, "mark", b->mark != NULL ? b->mark : "/static/mark.svg");
	html_set(v, "support", b->support);
	html_set(v, "ssid", b->ssid);
	html_flag(v, "signed_in", b->person != NULL);
	html_flag(v, "desk", b->desk);
	html_flag(v, "sponsor", b->sponsor);
	html_flag(v, "guests", b->guests);
	html_flag(v, "server_makes", b->server_makes);
	html_set(v, "person", b->person != NULL ? b->person : "");
	html_set(v, "csrf", b->csrf);
	set_languages(b, v);
	return v;
}

void page_sentence(const struct page_base *b, struct html_vars *v, const char *name,
		   const char *key)
{
	html_set(v, name, key != NULL ? view_text(b->view, key) : "");
}

int page_finish(const struct page_base *b, const char *template, struct html_vars *v,
		struct buf *out)
{
	int r = v != NULL ? view_render(b->view, template, v, out) : E_NOMEM;

	html_vars_free(v);
	return r;
}
