/*
 * A SCEP client for tests, with knobs for everything a client could do wrong: messages are made
 * anew with libcrypto, so no golden file can grow stale, and replies are read by code that shares
 * nothing with scep_ca.
 */
#ifndef TESTS_SUPPORT_SCEP_MSG_H
#define TESTS_SUPPORT_SCEP_MSG_H

#include "core/base/buf.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>

struct scep_client {
	EVP_PKEY *key;
	X509 *cert; /* self-signed */
};

/* bits > 0: RSA of that size; 0: EC P-256. */
bool scep_client_new(struct scep_client *c, unsigned bits);
/* RSA with these primes: many keys from few primes, for who needs many. */
bool scep_client_of_primes(struct scep_client *c, const BIGNUM *p, const BIGNUM *q);
void scep_client_free(struct scep_client *c);

/* A pair as a CA has it: issuer NULL makes a self-signed CA, else an RA certificate below it. */
bool scep_ca_new(const char *cn, const struct scep_client *issuer, struct scep_client *ret);

enum scep_quirk {
	SCEP_QUIRK_NONE = 0,
	SCEP_QUIRK_BER = 1 << 0,  /* indefinite lengths, OCTET STRING in parts, as Apple sends */
	SCEP_QUIRK_OAEP = 1 << 1, /* key transport by RSAES-OAEP */
	SCEP_QUIRK_TWO_RECIPIENTS = 1 << 2, /* the same one twice */
	SCEP_QUIRK_AUTH = 1 << 3,           /* AuthEnvelopedData, AES-128-GCM */
	SCEP_QUIRK_TWICE = 1 << 4,          /* transactionID comes twice, as two attributes */
	SCEP_QUIRK_NO_TXN = 1 << 5,
	SCEP_QUIRK_NO_TYPE = 1 << 6,
	SCEP_QUIRK_NO_NONCE = 1 << 7,
	SCEP_QUIRK_TYPE_INTEGER = 1 << 8, /* messageType as INTEGER */
	SCEP_QUIRK_TWO_SIGNERS = 1 << 9,
	SCEP_QUIRK_FOUR_CERTS = 1 << 10,
	SCEP_QUIRK_NO_CERTS = 1 << 11,
	SCEP_QUIRK_KEYID = 1 << 12,         /* recipient by subjectKeyIdentifier */
	SCEP_QUIRK_SHA_RSA_OID = 1 << 13,   /* signature algorithm shaXXXWithRSAEncryption */
	SCEP_QUIRK_WRONG_CONTENT = 1 << 14, /* the digest is that of other content */
	SCEP_QUIRK_TWO_VALUES = 1 << 15,    /* transactionID has two values */
	SCEP_QUIRK_FIVE_RECIPIENTS = 1 << 16,
	SCEP_QUIRK_OTHERS_TOO = 1 << 17, /* the client itself is a second recipient */
};

struct scep_msg {
	const char *type;       /* text of messageType; NULL: "19" */
	const char *txn;        /* NULL: "0123456789ABCDEF" */
	const char *challenge;  /* NULL: none in the CSR */
	const char *digest;     /* NULL: SHA256 */
	const char *cipher;     /* NULL: AES-128-CBC */
	const char *csr_digest; /* NULL: SHA256 */
	EVP_PKEY *csr_key;      /* NULL: the client's */
	struct bytes content;   /* what is encrypted instead of a CSR, when not empty */
	struct bytes envelope;  /* what is signed instead of an envelope, when not empty */
	X509 *recipient;        /* the RA certificate */
	unsigned quirks;        /* enum scep_quirk */
};

/* Each appends to out. */
bool scep_csr_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out);
bool scep_envelope_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out);
bool scep_msg_build(const struct scep_client *c, const struct scep_msg *m, struct buf *out);

struct scep_reply {
	int status, fail_info, type; /* -1: attribute absent */
	char txn[256];
	uint8_t sender_nonce[64], recipient_nonce[64];
	size_t sender_nonce_n, recipient_nonce_n;
	int digest_nid, signature_nid, cipher_nid;
	bool text_is_printable; /* all text attributes are PrintableString */
	bool has_content;
	struct buf cert; /* DER of the first certificate inside, with success */
	int certs;
};

/* Verifies the signature by ra and opens the envelope with the client's key. */
bool scep_reply_read(struct bytes der, const struct scep_client *c, X509 *ra,
		     struct scep_reply *ret);
void scep_reply_free(struct scep_reply *r);

/* The nonce that scep_msg_build sends. */
extern const uint8_t scep_msg_nonce[16];

#endif
