/*
 * What pages look like and say at this place (section theme): read at the start and on SIGHUP. Each request keeps
 * what it began with, from looks_begin to looks_end; what is replaced goes with the last of them.
 */
#ifndef ONBOARD_PORTAL_DAEMON_LOOKS_H
#define ONBOARD_PORTAL_DAEMON_LOOKS_H

#include "core/base/buf.h"
#include "onboard_portal/daemon/portal.h"
#include "onboard_portal/flow/theme.h"

struct looks {
	unsigned users; /* with portal.lock held; one for being in use */
	struct view *views[LANGUAGE_MAX];
	size_t n_views;
	struct buf css;
	struct buf logo; /* empty: made from initials */
	enum theme_logo kind;
	struct theme_mark mark;
};

/* E_CONFIG and others with the file or key at fault in em. */
int looks_open(struct portal *p, struct errmsg *em) MUST_CHECK;
void looks_close(struct portal *p);

/* Files anew; when they cannot be used, all stays as it is. The log says either. */
void looks_reload(struct portal *p);

/* Around each request, on its thread. */
void looks_begin(struct portal *p);
void looks_end(struct portal *p);
const struct looks *looks_now(const struct portal *p);

#endif
