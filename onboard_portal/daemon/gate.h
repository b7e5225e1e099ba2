/* Who is asking: visitors, people who are signed in, and whether a form is theirs. */
#ifndef ONBOARD_PORTAL_DAEMON_GATE_H
#define ONBOARD_PORTAL_DAEMON_GATE_H

#include "onboard_portal/daemon/portal.h"

struct visitor {
	struct session session;
	char csrf[SESSION_CSRF_SIZE];
	bool signed_in;   /* the session has a person */
	struct user user; /* filled by gate_person */
	struct choice choice;
	bool may_enrol; /* choice is filled */
};
/* Reads the cookie. No session or a bad one: a fresh visitor's session, whose cookie is set. */
int gate_visitor(struct portal *p, const struct http_request *req, struct http_response *res,
		 struct visitor *ret) MUST_CHECK;
/* The person as the ledger has them now. E_DENIED: held, or left, with *ret filled; E_NOTFOUND. */
int gate_read_person(struct store *s, const char *id, struct user *ret,
		     struct errmsg *em) MUST_CHECK;
/*
 * A page that needs a person: false when the reply is already made (login page, held, store away).
 * store is a handle from the pool, put back by the caller with store_pool_put.
 */
bool gate_person(struct portal *p, const struct http_request *req, struct http_response *res,
		 struct visitor *ret, struct store **ret_store);
/* A form: Origin and Sec-Fetch-Site, then the CSRF token. */
enum gate_verdict { GATE_OK, GATE_ORIGIN, GATE_TOKEN };
enum gate_verdict gate_check(const struct portal *p, const struct http_request *req,
			     const struct visitor *v);
/* The same; false when the reply (403) is already made. */
bool gate_form(struct portal *p, const struct http_request *req, struct http_response *res,
	       const struct visitor *v);
void gate_refuse(struct portal *p, struct http_response *res, const struct visitor *v,
		 enum gate_verdict why);
/* Starts a new session for user ("" for a visitor), who proved who they are then (0: not known), and sets
 * its cookie. */
int gate_start(struct portal *p, struct http_response *res, const char *user, int64_t proven_ms,
	       struct session *ret) MUST_CHECK;
void gate_drop_cookie(struct http_response *res);
int64_t gate_now_ms(void);

#endif
