/*
 * The vocabulary of SCEP messages (RFC 8894 section 3): plain values that cross every wall of
 * scep_ca. No libcrypto type appears here.
 */
#ifndef SCEP_CA_CODEC_MESSAGE_H
#define SCEP_CA_CODEC_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum {
	SCEP_TXN_SIZE = 256,  /* transactionID: at most 255 characters, and the NUL */
	SCEP_NONCE_SIZE = 16, /* RFC 8894 section 3.2.1.5 */
	SCEP_NONCE_MAX = 64,  /* what clients may send: shorter and longer ones exist */
	SCEP_MESSAGE_MAX = 1 << 20,
	SCEP_SIGNER_CERT_MAX = 16384, /* DER; a larger one could not be sent a reply */
};

/* messageType (RFC 8894 section 3.2.1.2). Only PKCSReq is served; the rest is named to be refused. */
enum scep_message_type {
	SCEP_MSG_JUNK = -1,
	SCEP_CERT_REP = 3,
	SCEP_RENEWAL_REQ = 17,
	SCEP_UPDATE_REQ = 18,
	SCEP_PKCS_REQ = 19,
	SCEP_CERT_POLL = 20,
	SCEP_GET_CERT = 21,
	SCEP_GET_CRL = 22,
};

/* pkiStatus and failInfo (RFC 8894 sections 3.2.1.3 and 3.2.1.4). */
enum scep_status { SCEP_SUCCESS = 0, SCEP_FAILURE = 2 };
enum scep_fail_info {
	SCEP_BAD_ALG = 0,
	SCEP_BAD_MESSAGE_CHECK = 1,
	SCEP_BAD_REQUEST = 2,
	SCEP_BAD_TIME = 3,
	SCEP_BAD_CERT_ID = 4,
};

enum scep_digest {
	SCEP_DIGEST_NONE,
	SCEP_SHA1,
	SCEP_SHA256,
	SCEP_SHA384,
	SCEP_SHA512,
};

/* Content encryption of the envelope; all in CBC mode. */
enum scep_cipher {
	SCEP_CIPHER_NONE,
	SCEP_AES128,
	SCEP_AES192,
	SCEP_AES256,
	SCEP_DES3,
	SCEP_DES, /* only ever opened, never sent */
};

struct scep_attrs {
	int message_type; /* enum scep_message_type or another number; SCEP_MSG_JUNK: not a number */
	char txn[SCEP_TXN_SIZE];
	uint8_t nonce[SCEP_NONCE_MAX]; /* the client's senderNonce */
	size_t nonce_n;                /* 0: none came */
};

#endif
