/* A pkiMessage from a client: parsed, and its signature verified (RFC 8894 section 3.1). */
#ifndef SCEP_CA_CODEC_REQUEST_H
#define SCEP_CA_CODEC_REQUEST_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "scep_ca/codec/message.h"

#include <stdbool.h>

struct scep_request {
	struct scep_attrs attrs;
	enum scep_digest digest; /* of the outer signature, mirrored in the reply */
	bool signer_rsa;         /* an EC signer cannot be sent an envelope */
	struct buf signer_cert;  /* DER, as it came: the recipient of the reply */
	struct buf signer_spki;  /* DER SubjectPublicKeyInfo of that certificate */
	struct buf envelope;     /* DER or BER pkcsPKIEnvelope, not looked at yet */
};

/*
 * Checks the shape, reads the attributes, verifies the signature with the certificate that came
 * along. That certificate proves nothing but possession of a key: its name, dates and extensions
 * are not looked at, because clients put anything there. E_FORMAT, E_TOOBIG, E_UNSUPPORTED,
 * E_CRYPTO (signature or digest wrong). Free ret with scep_request_free.
 */
int scep_request_parse(struct bytes msg, struct scep_request *ret, struct errmsg *em) MUST_CHECK;

void scep_request_free(struct scep_request *r); /* accepts a zeroed struct */

#endif
