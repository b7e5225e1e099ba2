/*
 * What crosses the sockets of the signers: the structs of client.h, field by field in their order,
 * each in one frame (core/ipc/frame.h). docs/SIGNER-PROTOCOL.md says it in words. Pure.
 *
 * Decoders take hostile bytes: every length, enumeration and hash is checked, nothing may be left
 * over (E_FORMAT, E_TOOBIG; ret is void then). What they return borrows from the payload.
 */
#ifndef SCEP_CA_SIGNER_PROTO_H
#define SCEP_CA_SIGNER_PROTO_H

#include "scep_ca/signer/client.h"

enum proto_role { PROTO_FRONT, PROTO_RA, PROTO_CA };

/* The type of a frame; the answer to a request carries the same. */
enum proto_op { PROTO_OPEN = 1, PROTO_REPLY = 2, PROTO_ISSUE = 3, PROTO_CRL = 4, PROTO_OCSP = 5 };

enum {
	PROTO_OPEN_MAX = SIGNER_ENVELOPE_MAX + 4096,
	PROTO_REPLY_MAX = 2 * SIGNER_CERT_MAX + 4096,
	PROTO_ISSUE_MAX = 16384,
	PROTO_CRL_MAX = 512,
	PROTO_OCSP_MAX = SIGNER_QUESTION_MAX,
	PROTO_OPENED_MAX = 4096,
	PROTO_REPLIED_MAX = SIGNER_REPLY_MAX + 4096,
	PROTO_ISSUED_MAX = SIGNER_CERT_MAX + 4096,
	PROTO_CRL_MADE_MAX = SIGNER_CRL_MAX + 4096,
	PROTO_OCSP_DONE_MAX = SIGNER_OCSP_MAX + 4096,
};

/* Who serves what, to `front` alone; what is not in the table does not exist. */
struct proto_rule {
	enum proto_role server;
	enum proto_op op;
	size_t request_max, answer_max; /* bytes of payload */
};

/* NULL when this role does not serve that. */
const struct proto_rule *proto_find(enum proto_role server, unsigned op);
/* The largest request of a role. */
size_t proto_request_max(enum proto_role server);

void proto_put_open(struct buf *b, const struct signer_open_request *q);
void proto_put_reply(struct buf *b, const struct signer_reply_request *q);
void proto_put_issue(struct buf *b, const struct grant *g);
void proto_put_crl(struct buf *b, const char *profile, const char *known);

/* profile: where the name goes that ret->profile points to. */
int proto_get_open(struct bytes in, char profile[NAME_SIZE],
		   struct signer_open_request *ret) MUST_CHECK;
int proto_get_reply(struct bytes in, char profile[NAME_SIZE],
		    struct signer_reply_request *ret) MUST_CHECK;
int proto_get_issue(struct bytes in, struct grant *ret) MUST_CHECK;
int proto_get_crl(struct bytes in, char profile[NAME_SIZE], char known[HASH_SIZE]) MUST_CHECK;

/* An answer: result code, sentence for the log, and with E_OK what follows. */
void proto_put_result(struct buf *b, int code, const struct errmsg *em);
void proto_put_opened(struct buf *b, const struct signer_opened *o);
void proto_put_issued(struct buf *b, const struct signer_issued *i, struct bytes cert);
void proto_put_crl_made(struct buf *b, const struct signer_crl *c, struct bytes der);
void proto_put_ocsp_done(struct buf *b, const struct signer_ocsp *o, struct bytes der);

/* Each reads the result first; E_FORMAT (and a sentence) when the answer is malformed, else the code
 * that the signer returned. */
int proto_get_opened(struct bytes in, struct signer_opened *ret, struct errmsg *em) MUST_CHECK;
int proto_get_replied(struct bytes in, struct buf *out, struct errmsg *em) MUST_CHECK;
int proto_get_issued(struct bytes in, struct signer_issued *ret, struct buf *out,
		     struct errmsg *em) MUST_CHECK;
int proto_get_crl_made(struct bytes in, struct signer_crl *ret, struct buf *out,
		       struct errmsg *em) MUST_CHECK;
int proto_get_ocsp_done(struct bytes in, struct signer_ocsp *ret, struct buf *out,
			struct errmsg *em) MUST_CHECK;

#endif
