/* What people do for themselves in the portal, and the help desk's console for them. */
#ifndef ONBOARD_PORTAL_DAEMON_FOR_OTHERS_H
#define ONBOARD_PORTAL_DAEMON_FOR_OTHERS_H

#include "onboard_portal/daemon/portal.h"
#include "onboard_portal/flow/enrol.h"

/* The page that leads to the set-up page of a token from elsewhere. */
struct handover {
	const char *token;
	const char *device;   /* its name */
	int64_t expires;      /* of its ticket */
	const char *back;     /* path of where the page leads back to */
	const char *back_key; /* and what that is called */
};
/* Counts a code that somebody typed, before it is looked at: seconds to wait, 0: go ahead. */
int64_t code_try(struct portal *p, const struct http_request *req);
/* It was right, or was never looked at. */
void code_try_undo(struct portal *p, const struct http_request *req);

void handover_page(struct portal *p, struct http_response *res, const struct handover *h);

/* --- devices.c: also for others than their owner ---------------------------------------------------- */
/* A new device of u: d has name and platform and gets the rest. */
int device_add(struct store *s, const struct user *u, struct device *d,
	       struct errmsg *em) MUST_CHECK;
/* Mints a ticket for it; the token of its capability link is known to nobody else. The caller wipes it.
 * E_STATE: limit; E_DENIED: held or left. */
int device_ticket(struct portal *p, struct store *s, const struct user *u,
		  const struct choice *choice, const struct device *device,
		  char token[ENROL_TOKEN_SIZE], struct errmsg *em) MUST_CHECK;
/* The same with a token that the caller has; keyless: for a key that the portal makes. E_EXISTS: it was used. */
int device_ticket_of(struct portal *p, struct store *s, const struct user *u,
		     const struct choice *choice, const struct device *device, bool keyless,
		     const char *token, struct errmsg *em) MUST_CHECK;
/* --- setup.c ------------------------------------------------------------------------------------------ */
/* What files for the device are written from; borrows all. */
void setup_enrolment(const struct portal *p, const struct portal_profile *f, const char *device_id,
		     const char *challenge, struct enrolment *ret);
/*
 * What an app gets for the token of a ticket, once: eap-config with a key of the portal's making, else Apple's profile.
 * E_NOTFOUND: no such ticket, or it has ended, or its person is held; else as keyed_send.
 */
int setup_app_file(struct portal *p, const struct http_request *req, const char *token,
		   bool eap_config, struct http_response *res, struct errmsg *em) MUST_CHECK;
/* E_STATE: one more device would be too many. */
int device_room(struct store *s, const struct user *u, const struct choice *choice,
		struct errmsg *em) MUST_CHECK;

/*
 * The password of somebody who is signed in, once more, counted like one at the login. E_OK; E_DENIED: wrong; E_TIMEOUT:
 * too many tries, *ret_wait seconds to wait; E_STATE: this login has no password; E_UNAVAIL: it cannot be checked now.
 */
int login_confirm(struct portal *p, const struct http_request *req, const struct user *who,
		  const char *password, int64_t *ret_wait, struct errmsg *em) MUST_CHECK;

#endif
