/* The kinds of login, and what they share. */
#ifndef ONBOARD_PORTAL_DAEMON_LOGIN_H
#define ONBOARD_PORTAL_DAEMON_LOGIN_H

#include "onboard_portal/daemon/gate.h"

/* --- open_login.c ---------------------------------------------------------------------------------- */
int portal_open_login(struct portal *p, struct errmsg *em) MUST_CHECK;
void portal_close_login(struct portal *p);

/* --- admit.c ---------------------------------------------------------------------------------------- */
/* Somebody has proved who they are, at that time (0: not known when): brings them into the store, begins their session and sends them to the
 * page `next`. The reply is made in any case: also held, or somebody else's login name. */
void admit_person(struct portal *p, const struct http_request *req, struct http_response *res,
		  struct user *u, int64_t proven_ms, const char *next);
/* Who signs in next here goes to /lost first (a cookie for ten minutes). */
void login_next_lost(struct http_response *res);

/* --- login.c ---------------------------------------------------------------------------------------- */
/* The login page; what it offers is filled in. */
void login_page(struct portal *p, struct http_response *res, const struct visitor *v,
		unsigned status, struct page_login *page);

/* True when this person's password can be checked here. */
bool login_has_password(const struct portal *p, const struct user *who);

/* --- login_oidc.c, login_header.c ------------------------------------------------------------------- */
void login_oidc_get(void *ctx, const struct http_request *req, struct http_response *res);
void login_oidc_callback(void *ctx, const struct http_request *req, struct http_response *res);
void login_oidc_logout(void *ctx, const struct http_request *req, struct http_response *res);
/*
 * Before a step that a borrowed session must not take: true to go on. False when somebody of an OpenID provider
 * proved who they are longer ago than that, or nobody says when, and the reply is made: it has the provider ask
 * anew, and leads back to the page `next`, which is asked for by GET. May block.
 */
bool login_oidc_recent(struct portal *p, const struct http_request *req, struct http_response *res,
		       const struct visitor *v, int64_t within_ms, const char *next);
/* Is that provider the person's identity source? */
bool login_is_oidc(const struct portal *p, const struct user *u);
void login_header_get(void *ctx, const struct http_request *req, struct http_response *res);

#endif
