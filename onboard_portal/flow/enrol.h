/*
 * From a capability link to a ticket. The link /e/<token>/ is the only place where the token
 * exists in clear; the challenge is derived from it, and the store knows only the challenge's
 * hash. So the same link gives the same challenge again, and nothing stored gives either.
 * Pure: keys, time and random bytes come in as arguments.
 */
#ifndef ONBOARD_PORTAL_FLOW_ENROL_H
#define ONBOARD_PORTAL_FLOW_ENROL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/ticket.h"

#include <stdbool.h>

enum {
	ENROL_KEY_SIZE = 32,
	ENROL_RANDOM_SIZE = 24,    /* 192 bits */
	ENROL_TOKEN_SIZE = 33,     /* base64url of it */
	ENROL_CHALLENGE_SIZE = 33, /* 32 upper-case hex digits, RFC 2985 PrintableString */
	ENROL_PASSWORD_SIZE = 17,  /* 80 bits, without letters that look like others */
};

int enrol_token(const uint8_t rnd[ENROL_RANDOM_SIZE], char dst[ENROL_TOKEN_SIZE]) MUST_CHECK;
/* True for text that enrol_token could have made. */
bool enrol_token_ok(const char *token);

/* The challenge of a link and the hash under which the store knows it. The caller wipes dst. */
int enrol_challenge(const char *token, const uint8_t key[ENROL_KEY_SIZE],
		    char dst[ENROL_CHALLENGE_SIZE], char hash[HASH_SIZE]) MUST_CHECK;

/* The password of the PKCS#12 that is made for this link. The caller wipes dst. */
int enrol_password(const char *token, const uint8_t key[ENROL_KEY_SIZE],
		   char dst[ENROL_PASSWORD_SIZE]) MUST_CHECK;

struct enrol_order {
	const char *challenge_hash;
	const char *user;
	const char *device;
	const char *profile;
	int64_t cert_lifetime;   /* seconds */
	int64_t ticket_lifetime; /* seconds */
	int64_t now;
};

/*
 * Fills the ticket, its canonical content (appended) and the MAC. The subject is the opaque device
 * id and there is no SAN: TLS 1.2 shows client certificates in clear, and who owns the device is
 * the record's business (docs/THREATS.md).
 */
int enrol_ticket(const struct enrol_order *o, const uint8_t mac_key[ENROL_KEY_SIZE],
		 struct ticket *ret, struct buf *content, uint8_t mac[TICKET_MAC_SIZE]) MUST_CHECK;

#endif
