/*
 * Packets of RFC 5176 (Disconnect-Request, CoA-Request and their answers), made and checked. Pure.
 * All of it is MD5, as RADIUS is: keep it on a management network.
 */
#ifndef AUTO_REVOKE_DISCONNECT_DYN_PACKET_H
#define AUTO_REVOKE_DISCONNECT_DYN_PACKET_H

#include "core/base/bytes.h"
#include "core/base/err.h"

enum dyn_code {
	DYN_DISCONNECT = 40,
	DYN_DISCONNECT_ACK,
	DYN_DISCONNECT_NAK,
	DYN_COA,
	DYN_COA_ACK,
	DYN_COA_NAK,
};

enum {
	DYN_REQUEST_MAX = 1536, /* bytes of a request; more than DYN_ATTRS_MAX of ours need */
	DYN_ANSWER_MAX = 4096,  /* RFC 2865 section 3 */
	DYN_ATTRS_MAX = 16,
	DYN_VALUE_MAX = 253,
	DYN_CAUSE_GONE = 503, /* Error-Cause: session context not found */
};

struct dyn_attr {
	uint8_t type;
	uint8_t n; /* bytes of value */
	uint8_t value[DYN_VALUE_MAX];
};

struct dyn_request {
	uint8_t bytes[DYN_REQUEST_MAX];
	size_t n;
};

struct dyn_answer {
	bool ack;
	uint32_t cause; /* Error-Cause of a NAK, 0: none was given */
};

/* now: unix seconds, for Event-Timestamp. Adds Message-Authenticator. E_TOOBIG; E_CRYPTO also without a secret. */
int dyn_request_make(enum dyn_code code, uint8_t id, const struct dyn_attr *attrs, size_t n,
		     int64_t now, struct bytes secret, struct dyn_request *ret) MUST_CHECK;

/*
 * Is this the answer to that request, from somebody who knows the secret? E_FORMAT: no packet;
 * E_NOTFOUND: of another request or another kind; E_DENIED: authenticator or Message-Authenticator wrong.
 * Nothing of it counts then. Bytes behind the packet's own length are padding.
 */
int dyn_answer_check(const struct dyn_request *q, struct bytes secret, struct bytes answer,
		     struct dyn_answer *ret) MUST_CHECK;

/* What an Error-Cause (RFC 5176 section 3.5) says, in words for a person. Never NULL. */
const char *dyn_cause_text(uint32_t cause);

#endif
