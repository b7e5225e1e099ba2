/* PKCS#10 requests (RFC 2986), strict: proof of possession, at most one challengePassword. */
#ifndef CORE_PKI_CSR_H
#define CORE_PKI_CSR_H

#include "core/base/buf.h"
#include "core/base/err.h"

#define CSR_MAX 16384
#define CHALLENGE_MAX 256

struct csr {
	struct buf spki;               /* DER SubjectPublicKeyInfo */
	char challenge[CHALLENGE_MAX]; /* "" when absent; wiped by csr_free */
};

/*
 * Parses DER, checks the self-signature and the key policy. E_FORMAT, E_CRYPTO (signature) or
 * E_DENIED (key). Everything but key and challenge is ignored on purpose: names come from tickets.
 */
int csr_parse(struct bytes der, struct csr *ret, struct errmsg *em) MUST_CHECK;
void csr_free(struct csr *c); /* accepts a zeroed struct */

#endif
