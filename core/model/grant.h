/*
 * The typed right to one certificate. Whatever entitles somebody (a ticket now; renewal, MDM, ACME
 * later) ends in this struct, and there is one function that issues from it. Plain data, borrowed
 * pointers.
 */
#ifndef CORE_MODEL_GRANT_H
#define CORE_MODEL_GRANT_H

#include "core/base/bytes.h"
#include "core/model/limits.h"

enum grant_kind { GRANT_NONE, GRANT_TICKET };

#define GRANT_SEAL_SIZE 32

struct grant {
	enum grant_kind kind;
	struct bytes content;      /* canonical ticket, as the portal MACed it */
	struct bytes mac;          /* the portal's MAC over content */
	struct bytes spki;         /* DER SubjectPublicKeyInfo from the opened request */
	char challenge[HASH_SIZE]; /* SHA-256 of the challenge in the opened request */
	char txn[HASH_SIZE];       /* SHA-256 of the transactionID (RFC 8894 section 3.2.1.1) */
	struct bytes seal;         /* by the opener over challenge, spki and txn */
};

#endif
