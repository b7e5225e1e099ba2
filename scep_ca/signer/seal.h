/*
 * The seal ties what the RA role opened to what the CA role may issue for: without it whoever sits
 * between them could swap the public key of a request in flight. Pure.
 */
#ifndef SCEP_CA_SIGNER_SEAL_H
#define SCEP_CA_SIGNER_SEAL_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/model/grant.h"

#include <stdbool.h>

/* HMAC-SHA256 over a domain word, profile, challenge hash, transaction hash and public key. */
int seal_make(struct bytes key, const char *profile, const char challenge[HASH_SIZE],
	      const char txn[HASH_SIZE], struct bytes spki,
	      uint8_t out[GRANT_SEAL_SIZE]) MUST_CHECK;

/* Constant time. */
bool seal_verify(struct bytes key, const char *profile, const char challenge[HASH_SIZE],
		 const char txn[HASH_SIZE], struct bytes spki, struct bytes seal);

#endif
