/* The signed attributes of RFC 8894 section 3.2, read and written. */
#ifndef SCEP_CA_CODEC_ATTRS_H
#define SCEP_CA_CODEC_ATTRS_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "scep_ca/codec/message.h"

#include <openssl/cms.h>

/*
 * Reads messageType, transactionID and senderNonce, each at most once and with one value.
 * E_FORMAT when messageType or transactionID is absent, or anything is of the wrong type or size:
 * without them no CertRep could be addressed. A messageType that is no number is SCEP_MSG_JUNK.
 */
int attrs_read(const CMS_SignerInfo *si, struct scep_attrs *ret, struct errmsg *em) MUST_CHECK;

/* Adds an attribute of a CertRep. Text goes out as PrintableString, nonces as OCTET STRING. */
int attrs_add_text(CMS_SignerInfo *si, const char *oid, const char *text) MUST_CHECK;
int attrs_add_nonce(CMS_SignerInfo *si, const char *oid, struct bytes nonce) MUST_CHECK;

#define ATTR_MESSAGE_TYPE "2.16.840.1.113733.1.9.2"
#define ATTR_PKI_STATUS "2.16.840.1.113733.1.9.3"
#define ATTR_FAIL_INFO "2.16.840.1.113733.1.9.4"
#define ATTR_SENDER_NONCE "2.16.840.1.113733.1.9.5"
#define ATTR_RECIPIENT_NONCE "2.16.840.1.113733.1.9.6"
#define ATTR_TRANSACTION_ID "2.16.840.1.113733.1.9.7"

#endif
