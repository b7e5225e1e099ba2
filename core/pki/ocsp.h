/*
 * Questions and answers of RFC 6960, as a responder sees them. A question is hostile: it is taken
 * only in strict DER, up to OCSP_REQUEST_MAX bytes, unsigned, with 1 to OCSP_IDS_MAX certificates named by
 * SHA-1 or SHA-256 hashes of their issuer, and a nonce of 1 to 32 bytes (RFC 9654) or none.
 */
#ifndef CORE_PKI_OCSP_H
#define CORE_PKI_OCSP_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/revocation.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>

enum { OCSP_REQUEST_MAX = 4096, OCSP_IDS_MAX = 8, OCSP_ANSWER_MAX = 16384 };

struct ocsp_query;

/* E_FORMAT with the reason in em. */
int ocsp_query_parse(struct bytes der, struct ocsp_query **ret, struct errmsg *em) MUST_CHECK;
void ocsp_query_free(struct ocsp_query *q);

size_t ocsp_query_count(const struct ocsp_query *q);
bool ocsp_query_has_nonce(const struct ocsp_query *q);
/* Does certificate i name this issuer, by name and key? */
bool ocsp_query_names(const struct ocsp_query *q, size_t i, X509 *issuer);
/* E_FORMAT when it is no serial that we would ever have given. */
int ocsp_query_serial(const struct ocsp_query *q, size_t i, char out[SERIAL_SIZE]) MUST_CHECK;

/*
 * Signs the answer as `responder` (named by key identifier, its certificate enclosed), reads it again
 * and verifies the own signature. answers: one per certificate asked for, in order; why.at > 0
 * where revoked. The nonce is echoed. Appends the DER of the OCSPResponse to out.
 */
int ocsp_answer(const struct ocsp_query *q, const struct standing *answers, int64_t this_update,
		int64_t next_update, X509 *responder, EVP_PKEY *key, struct buf *out,
		struct errmsg *em) MUST_CHECK;

/* RFC 6960 section 4.2.1. */
enum ocsp_refusal {
	OCSP_MALFORMED = 1,
	OCSP_INTERNAL = 2,
	OCSP_TRY_LATER = 3,
	OCSP_UNAUTHORIZED = 6,
};
/* Appends an answer without any statement, which is never signed. */
int ocsp_refuse(enum ocsp_refusal why, struct buf *out) MUST_CHECK;

/* May this certificate answer for certificates of issuer (RFC 6960 section 4.2.2.2)? */
bool ocsp_is_responder(X509 *cert, X509 *issuer);

#endif
