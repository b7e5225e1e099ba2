/* The operations of client.h, done in this very process: what the process of a signing role calls. */
#ifndef SCEP_CA_SIGNER_KEEPER_H
#define SCEP_CA_SIGNER_KEEPER_H

#include "core/base/conf.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/proto.h"

struct keeper;

/* Loads the keys of this role (PROTO_RA or PROTO_CA) for all profiles, no others, and checks that they
 * fit their certificates (E_CONFIG or E_DENIED with file and cure in em). max_handles: how many threads
 * will issue at once. Blocks on files. */
int keeper_new(const struct conf *c, enum proto_role role, unsigned max_handles,
	       struct keeper **ret, struct errmsg *em) MUST_CHECK;
/* The ca role: takes the journal and settles what a crash left, as far as the ledger is there. Nothing
 * is issued before. Errors as ledger_journal_open. Blocks on files and the store. */
int keeper_start(struct keeper *s, const struct conf *c, struct errmsg *em) MUST_CHECK;
/* See keys_probe. */
int keeper_probe(struct keeper *s, struct errmsg *em) MUST_CHECK;
/* The ca role, every second or so: tells Redis how far the journal is, and makes its checkpoint when that is
 * due. Blocks on the store and the disk. */
void keeper_tick(struct keeper *s);
/* The ca role, after keeper_start and once the process is confined: a thread copies into the journal what
 * happens in Redis (follow.h). */
int keeper_follow(struct keeper *s, struct errmsg *em) MUST_CHECK;
void keeper_free(struct keeper *s); /* makes a last checkpoint; wipes the keys */

/* As signer_open, signer_reply (both the ra role's) and signer_issue,
 * signer_crl, signer_ocsp (the ca role's) of client.h. */
int keeper_open(struct keeper *s, const struct signer_open_request *req, struct signer_opened *ret,
		struct errmsg *em) MUST_CHECK;
int keeper_reply(struct keeper *s, const struct signer_reply_request *req, struct buf *out,
		 struct errmsg *em) MUST_CHECK;
int keeper_issue(struct keeper *s, const struct grant *g, struct signer_issued *ret,
		 struct buf *out, struct errmsg *em) MUST_CHECK;
int keeper_crl(struct keeper *s, const char *profile, const char *known, struct signer_crl *ret,
	       struct buf *out, struct errmsg *em) MUST_CHECK;
int keeper_ocsp(struct keeper *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
		struct errmsg *em) MUST_CHECK;

#endif
