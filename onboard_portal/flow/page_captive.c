#include "onboard_portal/flow/page_captive.h"

#include "onboard_portal/flow/page_base.h"
#include "onboard_portal/flow/qr.h"

#include <ctype.h>
#include <inttypes.h>

#define SVG_MAX 65536
#define PARAGRAPH_MAX 4096

/* "https://" is what browsers add by themselves; the rest is what a person types. */
const char *page_typed(const char *url)
{
	return strncmp(url, "https://", 8) == 0 ? url + 8 : url;
}

/* No picture is no failure: the address beside it says the same. */
void page_set_qr(struct html_vars *v, const char *url)
{
	struct buf path;
	int side = 0;

	buf_init(&path, SVG_MAX);
	if (qr_path(url, &path, &side) == E_OK) {
		html_set(v, "qr", buf_str(&path));
		html_setf(v, "qr_side", "%d", side);
	} else {
		html_set(v, "qr", "");
	}
	buf_free(&path);
}

static void set_number(struct html_vars *v, const char *name, int64_t n)
{
	if (n > 0)
		html_setf(v, name, "%" PRId64, n);
	else
		html_set(v, name, "");
}

int page_welcome(const struct page_base *b, const struct page_welcome *p, struct buf *out)
{
	struct html_vars *v = page_vars(
		b, view_text(b->view, p->released > 0 ? "released_title" : "welcome_title"), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "url", p->url);
	html_set(v, "typed", page_typed(p->url));
	html_flag(v, "small", p->small);
	set_number(v, "released", p->released);
	if (p->released > 0)
		page_set_qr(v, p->url);
	return page_finish(b, "welcome", v, out);
}

void page_set_terms(struct html_vars *v, const char *terms)
{
	char paragraph[PARAGRAPH_MAX];

	html_flag(v, "have_terms", *terms != '\0');
	while (*(terms += strspn(terms, "\r\n")) != '\0') {
		const char *end = strstr(terms, "\n\n");
		size_t n = end != NULL ? (size_t)(end - terms) : strlen(terms);
		struct html_vars *row = html_row(v, "terms");

		if (n >= sizeof(paragraph)) {
			n = sizeof(paragraph) - 1;
			while (n > 1 && ((unsigned char)terms[n] & 0xC0) == 0x80)
				n--;
		}
		memcpy(paragraph, terms, n);
		paragraph[n] = '\0';
		for (size_t last = n; last > 0 && isspace((unsigned char)paragraph[last - 1]);
		     last--)
			paragraph[last - 1] = '\0';
		for (char *c = paragraph; *c != '\0'; c++)
			*c = (char)(*c == '\n' || *c == '\r' || *c == '\t' ? ' ' : *c);
		if (row != NULL)
			html_set(row, "paragraph", paragraph);
		terms += n;
	}
}

int page_about(const struct page_base *b, const struct page_about *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "about_title"), false);

	if (v == NULL)
		return E_NOMEM;
	page_set_terms(v, p->terms);
	html_flag(v, "directory", p->directory);
	html_setf(v, "keep", "%ld", p->keep);
	html_setf(v, "session", "%ld", p->session);
	return page_finish(b, "about", v, out);
}

int page_handover(const struct page_base *b, const struct page_handover *p, struct buf *out)
{
	struct html_vars *v = page_vars(b, view_text(b->view, "handover_title"), false);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "device", p->device);
	html_set(v, "back", p->back);
	page_sentence(b, v, "back_text", p->back_key);
	html_set(v, "code", p->code);
	html_set(v, "enter", page_typed(p->enter));
	html_setf(v, "minutes", "%" PRId64, p->minutes);
	page_set_qr(v, p->url);
	return page_finish(b, "handover", v, out);
}

int page_resume(const struct page_base *b, const struct page_resume *p, struct buf *out)
{
	struct html_vars *v =
		page_vars(b, view_text(b->view, "resume_title"), p->error_key != NULL);

	if (v == NULL)
		return E_NOMEM;
	html_set(v, "code", p->code);
	page_sentence(b, v, "error", p->error_key);
	set_number(v, "wait", p->wait);
	return page_finish(b, "resume", v, out);
}
