/* One certificate that is not to be trusted any more, or not now: what CRL and OCSP say of it. Pure. */
#ifndef CORE_MODEL_REVOCATION_H
#define CORE_MODEL_REVOCATION_H

#include "core/model/limits.h"

#include <stddef.h>
#include <stdint.h>

/* The numbers of RFC 5280 section 5.3.1. */
enum revocation_reason {
	REVOCATION_UNSPECIFIED = 0,
	REVOCATION_KEY_COMPROMISE = 1,
	REVOCATION_AFFILIATION_CHANGED = 3,
	REVOCATION_SUPERSEDED = 4,
	REVOCATION_CESSATION = 5,
	REVOCATION_HOLD = 6, /* the person is held or has left: it may end */
	REVOCATION_PRIVILEGE_WITHDRAWN = 9,
};

struct revocation {
	char serial[SERIAL_SIZE];
	int64_t at; /* 0: not known */
	enum revocation_reason reason;
};

/*
 * Reads the ledger's record "<unix> <actor> <words>". Words that begin with a name of RFC 5280
 * (keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn; any
 * case) mean that reason; whom auto_revoke put out has left (affiliationChanged). What was
 * written by hand in another form is unspecified, at 0.
 */
void revocation_read(const char *record, int64_t *ret_at, enum revocation_reason *ret_reason);

/* Sorts by serial and leaves one of each: a revocation before a hold, then the earliest. Returns how many. */
size_t revocation_tidy(struct revocation *list, size_t n);

/* What is known of one serial. */
enum standing_word { STANDING_UNKNOWN, STANDING_GOOD, STANDING_REVOKED };

struct standing {
	enum standing_word word;
	char issuer[AKI_SIZE];
	struct revocation why; /* with STANDING_REVOKED */
};

#endif
