/* CertRep (RFC 8894 section 3.3.2): the one kind of message that we send. */
#ifndef SCEP_CA_CODEC_REPLY_H
#define SCEP_CA_CODEC_REPLY_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "scep_ca/codec/message.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

struct reply_spec {
	enum scep_status status;
	enum scep_fail_info fail_info;         /* with SCEP_FAILURE */
	const char *txn;                       /* the request's transactionID */
	struct bytes recipient_nonce;          /* the request's senderNonce; empty: left out */
	uint8_t sender_nonce[SCEP_NONCE_SIZE]; /* fresh random bytes */
	enum scep_digest digest;               /* of our signature */
	enum scep_cipher cipher;               /* with SCEP_SUCCESS: of the envelope */
	struct bytes recipient; /* with SCEP_SUCCESS: the request's signer certificate, DER */
	struct bytes certs;     /* with SCEP_SUCCESS: DER, the issued certificate first */
};

/*
 * Appends the DER of the CertRep signed with the RA key. The RA certificate travels along; the
 * signature algorithm is named rsaEncryption (strongSwan 5.9.8 knows no other); a FAILURE has no
 * content and no text about its cause. E_CRYPTO, E_FORMAT for an unusable recipient.
 */
int reply_build(const struct reply_spec *spec, X509 *ra_cert, EVP_PKEY *ra_key,
		struct buf *out) MUST_CHECK;

#endif
