/*
 * The portal's pages in one language: templates with the catalogue's sentences put in once at
 * start ({{t:key}}), rendered per request. Pure. A view is read-only after view_new and may be
 * shared by threads.
 */
#ifndef ONBOARD_PORTAL_FLOW_VIEW_H
#define ONBOARD_PORTAL_FLOW_VIEW_H

#include "core/http/html.h"
#include "onboard_portal/flow/text.h"

struct view;

/* From the compiled-in text_<language>.txt and templates. E_FORMAT names the missing sentence. */
int view_new(const char *language, struct view **ret, struct errmsg *em) MUST_CHECK;
/* The same, with sentences of a catalogue of one's own before the compiled-in ones; NULL: none. E_FORMAT when they
 * do not fit (text_fits), or would change what the pages are made by (lang, lang_name, dir). */
int view_new_with(const char *language, const char *own, struct view **ret,
		  struct errmsg *em) MUST_CHECK;
void view_free(struct view *v);

/* A sentence of the catalogue; a key that is not there is a bug and gives the key. */
const char *view_text(const struct view *v, const char *key);

/* Appends head.html, <name>.html and foot.html. */
int view_render(const struct view *v, const char *name, const struct html_vars *vars,
		struct buf *out) MUST_CHECK;

/* "22 November 2026" (UTC) */
int view_date(const struct view *v, int64_t t, char *dst, size_t size) MUST_CHECK;

#endif
