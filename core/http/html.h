/*
 * Template renderer: {{name}} escapes for HTML text and quoted attributes (also right for XML),
 * {{#name}}...{{/name}} repeats per row or shows when set, {{^name}}...{{/name}} shows when not.
 * A name is looked for in the row, then outwards; a section of a name that was never set is not shown.
 * A text is "set" when it is not empty. Control characters and broken UTF-8 come out as U+FFFD.
 * There is no unescaped form. Pure.
 */
#ifndef CORE_HTTP_HTML_H
#define CORE_HTTP_HTML_H

#include "core/base/buf.h"
#include "core/base/err.h"

struct html_vars; /* names -> text or rows of vars */

struct html_vars *html_vars_new(void); /* NULL without memory */
void html_vars_free(struct html_vars *v);
/* Copies; failure is sticky and shows in html_render. */
void html_set(struct html_vars *v, const char *name, const char *value);
void html_setf(struct html_vars *v, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void html_flag(struct html_vars *v, const char *name, int on);
/* Appends a row to the list `name` and returns it (owned by v); inside it, outer names are seen. */
struct html_vars *html_row(struct html_vars *v, const char *name);

/* Appends the result to out. E_FORMAT: unbalanced section or unknown name (a bug in a template). */
int html_render(const char *tmpl, const struct html_vars *v, struct buf *out) MUST_CHECK;

void html_escape(struct buf *out, const char *s);

#endif
