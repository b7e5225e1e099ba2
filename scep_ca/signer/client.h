/*
 * The wall around the keys. Whole operations, never "sign these bytes"; only plain, bounded
 * bytes cross, so that what is behind can be a process of its own.
 *
 *   open   holds the RA key:      envelope -> public key, hash of the challenge, seal
 *   reply  holds the RA key:      outcome -> signed CertRep
 *   issue  holds the issuing key: grant -> certificate, after its own checks
 *   crl    holds the issuing key: profile -> list of what is revoked or held
 *   ocsp   holds the responder keys: question -> signed answer
 *
 * Safe for many threads at once. A challenge in clear never comes out of open.
 */
#ifndef SCEP_CA_SIGNER_CLIENT_H
#define SCEP_CA_SIGNER_CLIENT_H

#include "core/base/buf.h"
#include "core/model/grant.h"
#include "scep_ca/codec/message.h"
#include "scep_ca/policy/rule.h"

#include <stdbool.h>

enum {
	SIGNER_SPKI_MAX = 1024,
	SIGNER_ENVELOPE_MAX = SCEP_MESSAGE_MAX,
	SIGNER_CERT_MAX = SCEP_SIGNER_CERT_MAX, /* of the reply's recipient */
	SIGNER_REPLY_MAX = 65536,
	SIGNER_CRL_MAX = 16777216,  /* about 300,000 entries */
	SIGNER_QUESTION_MAX = 4096, /* OCSP */
	SIGNER_OCSP_MAX = 16384,
};

struct signer;

struct signer_open_request {
	const char *profile;
	struct bytes envelope;    /* pkcsPKIEnvelope as it came */
	struct bytes signer_spki; /* DER public key that signed the message around it */
	char txn[HASH_SIZE];      /* SHA-256 of the transactionID */
};

struct signer_opened {
	enum scep_rule rule;     /* RULE_NONE, or why it was not opened; the rest is void then */
	enum scep_cipher cipher; /* to be used for the reply */
	bool old_ra;             /* it was for the RA before this one */
	bool key_match;          /* the CSR's key is signer_spki */
	bool has_challenge;
	char challenge[HASH_SIZE];
	uint8_t spki[SIGNER_SPKI_MAX]; /* DER SubjectPublicKeyInfo of the CSR */
	size_t spki_n;
	uint8_t seal[GRANT_SEAL_SIZE];
};

/* E_OK also when the request is no good (see rule, and em for the log); an error only when the
 * signer itself failed. */
int signer_open(struct signer *s, const struct signer_open_request *req, struct signer_opened *ret,
		struct errmsg *em) MUST_CHECK;

struct signer_reply_request {
	const char *profile;
	enum scep_status status;
	enum scep_fail_info fail_info;
	enum scep_digest digest; /* of the request; SHA-256 is used where the profile forbids it */
	enum scep_cipher cipher;
	bool old_ra; /* as open said: that one signs */
	char txn[SCEP_TXN_SIZE];
	uint8_t nonce[SCEP_NONCE_MAX]; /* the client's */
	size_t nonce_n;
	struct bytes recipient; /* DER certificate of the request's signer, with SCEP_SUCCESS */
	struct bytes cert;      /* DER, what was issued, with SCEP_SUCCESS */
};

/* Appends the DER of the CertRep to out. */
int signer_reply(struct signer *s, const struct signer_reply_request *req, struct buf *out,
		 struct errmsg *em) MUST_CHECK;

struct signer_issued {
	enum scep_rule rule; /* RULE_NONE, or why nothing was issued */
	bool again;          /* the same certificate as before, to the same key */
	char serial[SERIAL_SIZE];
	char user[ID_SIZE], device[ID_SIZE];
};

/*
 * Checks everything anew, claims the ticket, signs, commits. Appends the DER certificate to out.
 * E_OK also when it is refused (see rule, and em for the log). E_UNAVAIL or E_TIMEOUT: the ledger
 * is away; the same request may be repeated. Blocks on the store; requests with the same challenge
 * go one after the other.
 */
int signer_issue(struct signer *s, const struct grant *g, struct signer_issued *ret,
		 struct buf *out, struct errmsg *em) MUST_CHECK;

struct signer_crl {
	bool made; /* false: nothing has changed, no list was made and the times are void */
	char revision[HASH_SIZE];
	int64_t this_update, next_update;
};

/*
 * Appends the DER of the profile's CRL to out, unless the ledger's revision is still `known` ("": make
 * one). E_UNAVAIL or E_TIMEOUT: the ledger is away; E_NOTFOUND: no such profile. Blocks on the store.
 */
int signer_crl(struct signer *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em) MUST_CHECK;

struct signer_ocsp {
	bool answered; /* signed; otherwise one of the refusals of RFC 6960, why in em */
	bool nonce;    /* so it is for this client only */
	int64_t this_update, next_update; /* where answered */
};

/* Appends the DER of an OCSPResponse to out, whatever the question. Blocks on the store. */
int signer_ocsp(struct signer *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em) MUST_CHECK;

#endif
