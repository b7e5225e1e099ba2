/*
 * What a SCEP request may look like from outside, decided before any CMS_* call reads it. Most CVEs
 * of CMS parsers need a shape that no SCEP client sends: that shape ends here. Pure, no libcrypto.
 */
#ifndef SCEP_CA_CODEC_SHAPE_H
#define SCEP_CA_CODEC_SHAPE_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "scep_ca/codec/algs.h"
#include "scep_ca/codec/message.h"

struct shape_signed {
	enum scep_digest digest;
	enum algs_signature signature;
	size_t certs; /* 1 to 3 */
};

struct shape_enveloped {
	enum scep_cipher cipher;
	bool oaep;         /* at least one recipient by RSAES-OAEP */
	size_t recipients; /* 1 to 4; that one of them is us is for envelope_open to say */
};

/*
 * pkiMessage (RFC 8894 section 3.1): SignedData over id-data with content, 1 to 3 plain
 * certificates, no CRL, exactly one signer with signed attributes, digest and signature from the
 * allow-list and matching one another. BER or DER, no byte behind it. E_FORMAT, E_TOOBIG, or
 * E_UNSUPPORTED for an algorithm.
 */
int shape_signed(struct bytes msg, struct shape_signed *ret, struct errmsg *em) MUST_CHECK;

/*
 * pkcsPKIEnvelope (RFC 8894 section 3.1): EnvelopedData over id-data with content for 1 to 4
 * recipients, all KeyTransRecipientInfo by rsaEncryption or by RSAES-OAEP whose parameters are all
 * spelled out where they need to be (CVE-2026-28390), cipher from the allow-list with an IV of exactly its
 * size. AuthEnvelopedData is another content type and so refused.
 */
int shape_enveloped(struct bytes msg, struct shape_enveloped *ret, struct errmsg *em) MUST_CHECK;

#endif
