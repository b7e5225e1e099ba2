/*
 * RADIUS packets as a NAS sends and reads them (RFC 2865, 3579): pure, nothing here blocks or allocates.
 *
 * Every request begins with a Message-Authenticator, and an answer is believed only when its Response
 * Authenticator and its Message-Authenticator are both right.
 */
#ifndef BENCH_EAP_LOAD_RADIUS_H
#define BENCH_EAP_LOAD_RADIUS_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

enum {
	RADIUS_MAX = 4096, /* bytes of a packet, RFC 2865 section 3 */
	RADIUS_HEADER = 20,
	RADIUS_AUTH_SIZE = 16,
	RADIUS_VALUE_MAX = 253,
	RADIUS_KEY_MAX = 64 /* bytes of an MS-MPPE key taken */
};

enum radius_code {
	RADIUS_REQUEST = 1,
	RADIUS_ACCEPT = 2,
	RADIUS_REJECT = 3,
	RADIUS_CHALLENGE = 11
};

enum radius_type {
	RADIUS_USER_NAME = 1,
	RADIUS_NAS_IP_ADDRESS = 4,
	RADIUS_SERVICE_TYPE = 6,
	RADIUS_FRAMED_MTU = 12,
	RADIUS_REPLY_MESSAGE = 18,
	RADIUS_STATE = 24,
	RADIUS_VENDOR = 26,
	RADIUS_CALLED_STATION_ID = 30,
	RADIUS_CALLING_STATION_ID = 31,
	RADIUS_NAS_IDENTIFIER = 32,
	RADIUS_NAS_PORT_TYPE = 61,
	RADIUS_EAP_MESSAGE = 79,
	RADIUS_MESSAGE_AUTHENTICATOR = 80
};

enum radius_mppe {
	RADIUS_MPPE_SEND_KEY = 16,
	RADIUS_MPPE_RECV_KEY = 17
}; /* RFC 2548, vendor 311 */

/* A request under construction; what does not fit shows in radius_finish. */
struct radius_packet {
	uint8_t data[RADIUS_MAX];
	size_t n;
	bool overflow;
};

void radius_begin(struct radius_packet *p, uint8_t id,
		  const uint8_t authenticator[RADIUS_AUTH_SIZE]);
void radius_add(struct radius_packet *p, enum radius_type type, struct bytes value);
void radius_add_u32(struct radius_packet *p, enum radius_type type, uint32_t value);
void radius_add_eap(struct radius_packet *p, struct bytes eap); /* in pieces of 253 bytes */

/* Fills in length and Message-Authenticator. E_TOOBIG, E_CRYPTO (no MD5 in this OpenSSL). */
int radius_finish(struct radius_packet *p, struct bytes secret) MUST_CHECK;

/* Why an answer is not believed. Such an answer is to be ignored as if it had not come (RFC 3579 section 3.2). */
enum radius_flaw {
	RADIUS_GOOD,
	RADIUS_MALFORMED, /* lengths do not add up, or no code that answers an Access-Request */
	RADIUS_BAD_RESPONSE_AUTH, /* not made with this secret for this request */
	RADIUS_UNSIGNED,          /* carries no Message-Authenticator, or two */
	RADIUS_BAD_MESSAGE_AUTH,
	RADIUS_FLAWS
};

/* An answer; attributes lie within the datagram it was read from. */
struct radius_reply {
	uint8_t code, id;
	struct bytes attributes;
};

/* Shape alone. Bytes after the packet's own length are padding and ignored (RFC 2865 section 3). */
enum radius_flaw radius_parse(struct bytes datagram, struct radius_reply *ret) MUST_CHECK;

/* Both authenticators of a parsed answer to the request that carried `authenticator`. */
enum radius_flaw radius_verify(const struct radius_reply *r,
			       const uint8_t authenticator[RADIUS_AUTH_SIZE],
			       struct bytes secret) MUST_CHECK;

/* The first of this type; an empty value when there is none. */
struct bytes radius_get(const struct radius_reply *r, enum radius_type type);

/* Appends all of this type, in order. */
void radius_collect(const struct radius_reply *r, enum radius_type type, struct buf *out);

/* Decrypts an MS-MPPE key (RFC 2548 section 2.4.2) into out. E_NOTFOUND, E_FORMAT. */
int radius_mppe_key(const struct radius_reply *r, enum radius_mppe type,
		    const uint8_t authenticator[RADIUS_AUTH_SIZE], struct bytes secret,
		    uint8_t out[RADIUS_KEY_MAX], size_t *ret_n) MUST_CHECK;

/* A word for each flaw, for reports. */
const char *radius_flaw_text(enum radius_flaw flaw);

#endif
