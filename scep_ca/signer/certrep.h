/* The RA role's other duty: signing replies. See signer_reply() in client.h. */
#ifndef SCEP_CA_SIGNER_CERTREP_H
#define SCEP_CA_SIGNER_CERTREP_H

#include "scep_ca/signer/client.h"
#include "scep_ca/signer/keys.h"

int ra_certrep(const struct keys *k, const struct signer_reply_request *req, struct buf *out,
	       struct errmsg *em) MUST_CHECK;

#endif
