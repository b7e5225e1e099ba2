/*
 * Facts -> verdict for one EAP-TLS connection. Pure: no clock, no store, no log.
 *
 * Default deny: accept is set on exactly one path, after every check passed.
 * Reason codes are stable words; rlm_scepauth(5) lists them with what to tell the user.
 */
#ifndef CORE_AUTHZ_AUTHZ_H
#define CORE_AUTHZ_AUTHZ_H

#include "core/authz/reason.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct facts; /* core/model/facts.h */

struct authz_verdict {
	bool accept;
	enum authz_reason reason; /* of an accept AUTHZ_OK, AUTHZ_QUARANTINED or AUTHZ_KNOWN_GOOD */
	bool bind;                /* the device's address is to be remembered (core/authz/mac.h) */
	char group[NAME_SIZE];    /* the effective group; "" on reject */
	char vlan[33];
	char filter_id[65];
	char login[LOGIN_SIZE];  /* reply User-Name */
	int64_t session_timeout; /* seconds, > 0 on accept */
	int64_t policy;          /* version of the group map, 0: not known; of a reject too */
};

const char *authz_reason_text(enum authz_reason r);

/* Fills *ret entirely, whatever happens. */
void authz_decide(const struct authz_request *req, const struct facts *f,
		  struct authz_verdict *ret);

/* A reject for a cause found before there were facts. */
void authz_reject(struct authz_verdict *ret, enum authz_reason reason);

#endif
