/*
 * A ticket: the right to one certificate for one person, one device, one profile. The portal mints
 * it and MACs its canonical content; the CA takes subject, SAN and lifetime from here and only the
 * public key from the request. Pure.
 *
 * Canonical content: "scepauth-ticket-1\n" then one line "key=value\n" per field in the order of
 * the struct, all fields always present (empty value allowed where said), no other byte.
 */
#ifndef CORE_MODEL_TICKET_H
#define CORE_MODEL_TICKET_H

#include "core/base/buf.h"
#include "core/model/limits.h"

#define TICKET_CONTENT_MAX 2048
#define TICKET_MAC_SIZE 32 /* HMAC-SHA256 over the canonical content */

struct ticket {
	char challenge[HASH_SIZE]; /* SHA-256 of the challenge, the ticket's key in the store */
	char user[ID_SIZE];
	char device[ID_SIZE];
	char profile[NAME_SIZE];
	char cn[65];      /* subject CN (RFC 5280 ub-common-name) */
	char email[255];  /* SAN rfc822Name, may be empty */
	char upn[255];    /* SAN otherName UPN, may be empty */
	int64_t lifetime; /* of the certificate, seconds */
	int64_t issued;   /* unix seconds */
	int64_t expires;  /* of the ticket, unix seconds */
};

/* Appends the canonical content. E_FORMAT when a field holds a control character or is too long. */
int ticket_encode(const struct ticket *t, struct buf *out) MUST_CHECK;

/* Strict inverse: re-encoding gives the same bytes. E_FORMAT otherwise. */
int ticket_decode(struct bytes content, struct ticket *ret) MUST_CHECK;

#endif
