/*
 * Files with a key of the server's making, for devices that make none when a web page asks. The key is made in
 * memory for one answer, enrolled by SCEP over the public front with the ticket's challenge as any device's is,
 * and forgotten; nothing of it is stored or logged. The ticket, bound to it by the CA, makes that once.
 */
#ifndef ONBOARD_PORTAL_DAEMON_KEYED_H
#define ONBOARD_PORTAL_DAEMON_KEYED_H

#include "onboard_portal/daemon/portal.h"

enum keyed_kind { KEYED_EAP_CONFIG, KEYED_PASSPOINT, KEYED_P12 };

struct keyed_order {
	enum keyed_kind kind;
	const struct portal_profile *profile;
	const struct enrolment *enrolment;
	const char *ticket;   /* hash of its challenge */
	const char *password; /* of the PKCS#12, where the format has one */
	const char *name;     /* of the file */
	const struct http_request *req;
};

/* The configuration for all this. Before the daemon starts. */
int keyed_open(struct portal *p, struct errmsg *em) MUST_CHECK;
void keyed_close(struct portal *p);

/* Seconds for which such certificates are valid. */
int64_t keyed_lifetime(const struct portal *p, const struct portal_profile *f);

/* Whether access points announce Passpoint. */
bool keyed_passpoint(const struct portal *p);

/* What a name of a file, its base and an ending, stands for; false when there is none such. */
bool keyed_kind(const struct portal *p, const char *base, const char *name, enum keyed_kind *ret);

/*
 * Makes all of the answer. E_DENIED: the CA refused, the ticket was used. E_STATE: too many at once, or this
 * ticket's is being made. Blocks for seconds.
 */
int keyed_send(struct portal *p, const struct keyed_order *o, struct http_response *res,
	       struct errmsg *em) MUST_CHECK;

#endif
