/* Certificate revocation lists (RFC 5280 section 5). Blocks on nothing but the signature. */
#ifndef CORE_PKI_CRL_H
#define CORE_PKI_CRL_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/revocation.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { CRL_ENTRIES_MAX = 200000 };

struct crl_spec {
	const struct revocation *list; /* strictly ascending by serial, at > 0; borrowed */
	size_t n;
	uint64_t number;                  /* has to grow from list to list */
	int64_t this_update, next_update; /* unix seconds */
};

/*
 * Builds a complete v2 list with CRL number, authority key identifier and a reason with each entry
 * that has one, signs with SHA-256, reads it again and verifies the own signature. Appends the DER
 * to out. E_DENIED when the issuer may not sign lists; E_FORMAT for a list in disorder; E_TOOBIG.
 */
int crl_build(const struct crl_spec *spec, X509 *issuer, EVP_PKEY *key, struct buf *out,
	      struct errmsg *em) MUST_CHECK;

#endif
