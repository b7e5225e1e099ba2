/* The operations of client.h, done in this very process: what the process of a signing role calls. */
#ifndef SCEP_CA_SIGNER_LOCAL_H
#define SCEP_CA_SIGNER_LOCAL_H

#include "core/base/conf.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/proto.h"

struct local;

/* Loads the keys of this role (PROTO_RA or PROTO_CA) for all profiles, no others, and checks that they
 * fit their certificates (E_CONFIG or E_DENIED with file and cure in em). max_handles: how many threads
 * will issue at once. Blocks on files. */
int local_new(const struct conf *c, enum proto_role role, unsigned max_handles, struct local **ret,
	      struct errmsg *em) MUST_CHECK;
/* The ca role: takes the journal and settles what a crash left, as far as the ledger is there. Nothing
 * is issued before. Errors as ledger_journal_open. Blocks on files and the store. */
int local_start(struct local *s, const struct conf *c, struct errmsg *em) MUST_CHECK;
void local_free(struct local *s); /* wipes the keys */

/* As signer_open, signer_reply (both the ra role's) and signer_issue,
 * signer_crl, signer_ocsp (the ca role's) of client.h. */
int local_open(struct local *s, const struct signer_open_request *req, struct signer_opened *ret,
	       struct errmsg *em) MUST_CHECK;
int local_reply(struct local *s, const struct signer_reply_request *req, struct buf *out,
		struct errmsg *em) MUST_CHECK;
int local_issue(struct local *s, const struct grant *g, struct signer_issued *ret, struct buf *out,
		struct errmsg *em) MUST_CHECK;
int local_crl(struct local *s, const char *profile, const char *known, struct signer_crl *ret,
	      struct buf *out, struct errmsg *em) MUST_CHECK;
int local_ocsp(struct local *s, struct bytes question, struct signer_ocsp *ret, struct buf *out,
	       struct errmsg *em) MUST_CHECK;

#endif
