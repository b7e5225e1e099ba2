/* PKIOperation: one message in, one reply out. */
#ifndef SCEP_CA_FRONT_ENROL_H
#define SCEP_CA_FRONT_ENROL_H

#include "core/http/router.h"
#include "scep_ca/front/service.h"

/*
 * Before the outer signature is verified the answer is an HTTP status; behind it, always a signed
 * CertRep: SUCCESS, or one and the same FAILURE. Only when the store is away (noticed before the
 * ticket is claimed, or while refusing) it is 503 with Retry-After: the client may come again with
 * the same message. client: numeric address. Blocks on store and signer; logs.
 */
void enrol_serve(struct service *s, const struct service_profile *p, const char *client,
		 struct bytes msg, struct http_response *res);

#endif
