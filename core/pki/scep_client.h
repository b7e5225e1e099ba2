/*
 * One enrolment by SCEP (RFC 8894) from the client's side, for a process that makes a key for somebody else.
 * Only the messages; who carries them is the caller's business. RSA, SHA-256, AES.
 */
#ifndef CORE_PKI_SCEP_CLIENT_H
#define CORE_PKI_SCEP_CLIENT_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#define SCEP_CLIENT_TYPE "application/x-pki-message"

enum { SCEP_CLIENT_NONCE = 16, SCEP_CLIENT_TXN_SIZE = 65, SCEP_CLIENT_MAX = 65536 };

struct scep_client_run {
	EVP_PKEY *key; /* RSA, borrowed */
	X509 *ra;      /* borrowed: opens the request and must sign the answer */
	X509 *issuer;  /* borrowed: must have signed the certificate */
	X509 *self;    /* the request's own signer; owned */
	char txn[SCEP_CLIENT_TXN_SIZE];
	uint8_t nonce[SCEP_CLIENT_NONCE];
};

/* Appends the DER of a PKCSReq to out. The caller calls scep_client_end afterwards in any case. */
int scep_client_request(struct scep_client_run *run, const char *cn, const char *challenge,
			struct buf *out) MUST_CHECK;

/*
 * Reads the CertRep. E_OK only when it is signed by the RA, belongs to this request, and holds a certificate for
 * this key that the issuer signed. E_DENIED: it says FAILURE. E_FORMAT, E_CRYPTO for anything else.
 */
int scep_client_answer(struct scep_client_run *run, struct bytes der, X509 **ret) MUST_CHECK;

void scep_client_end(struct scep_client_run *run);

#endif
