/*
 * How the pages look at one place: a few colours instead of those shipped, a logo, sentences of its own. What nobody
 * could read, or what could do more than be looked at, is refused. Pure.
 */
#ifndef ONBOARD_PORTAL_FLOW_THEME_H
#define ONBOARD_PORTAL_FLOW_THEME_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum { THEME_COLOUR_SIZE = 8, THEME_LOGO_MAX = 128 * 1024 };

/* Each "#rrggbb", or "" for what is shipped; accent_dark "": made from accent. */
struct theme_colours {
	const char *accent, *accent_dark;
	const char *background, *background_dark;
};

/* What a picture that is made here takes up. */
struct theme_mark {
	char fill[THEME_COLOUR_SIZE], on_fill[THEME_COLOUR_SIZE];
};

/*
 * Appends the style sheet css with those colours at its end. E_CONFIG when a text would not stand out as WCAG 2.2 AA
 * wants it (4.5 to 1; 3 to 1 for borders and the mark of the focus), in light or in dark, with what was measured.
 */
int theme_css(const char *css, const struct theme_colours *c, struct buf *out,
	      struct theme_mark *ret, struct errmsg *em) MUST_CHECK;

enum theme_logo { THEME_LOGO_SVG, THEME_LOGO_PNG };
/* E_CONFIG for anything but a PNG of at most 2000 pixels a side, or an SVG that only draws: no script, no event
 * handler, no document type, nothing from elsewhere. */
int theme_logo(struct bytes file, enum theme_logo *ret, struct errmsg *em) MUST_CHECK;

#endif
