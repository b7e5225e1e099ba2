/* The help desk's console: a connection to Redis of its own, and pages that strangers cannot tell from none. */
#ifndef ONBOARD_PORTAL_DAEMON_CONSOLE_H
#define ONBOARD_PORTAL_DAEMON_CONSOLE_H

#include "onboard_portal/daemon/gate.h"

/* console_open.c: reads section console. E_CONFIG. Without groups there is none, and no connection. */
int console_open(struct portal *p, struct errmsg *em) MUST_CHECK;
void console_close(struct portal *p);

/* console_figures.c: what the overview has counted; E_NOMEM. */
struct console_figures;
int console_figures_open(struct console_figures **ret) MUST_CHECK;
void console_figures_close(struct console_figures *f);

/* True when there is a console and this person may use it. */
bool console_allows(const struct portal *p, const struct user *u);

/* One request of somebody who may. */
struct console {
	struct visitor visitor;
	struct store *store; /* as the Redis user of the console */
	struct page_base base;
};
/* False when the reply is already made: there is no such page, for whoever may not. The caller then does not leave. */
bool console_enter(struct portal *p, const struct http_request *req, struct http_response *res,
		   struct console *ret);
void console_leave(struct portal *p, struct console *c);

/*
 * Leaves word in the console's stream and in the audit trail: `word` about the person `user` ("": none).
 * E_BACKEND and so on: not in the stream; then a page is not shown.
 */
int console_note(struct console *c, const struct http_request *req, const char *word,
		 const char *user, const char *detail, struct errmsg *em) MUST_CHECK;

void console_get(void *ctx, const struct http_request *req, struct http_response *res);
void console_story_get(void *ctx, const struct http_request *req, struct http_response *res);
void console_overview_get(void *ctx, const struct http_request *req,
			  struct http_response *res); /* console_figures.c */
void console_person_get(void *ctx, const struct http_request *req, struct http_response *res);
/* console_act.c: what the help desk does, each act with a page to confirm it. */
void console_act_get(void *ctx, const struct http_request *req, struct http_response *res);
void console_act_post(void *ctx, const struct http_request *req, struct http_response *res);

#endif
