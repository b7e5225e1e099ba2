/* The RA role's first duty: opening envelopes. See signer_open() in client.h. */
#ifndef SCEP_CA_SIGNER_OPEN_H
#define SCEP_CA_SIGNER_OPEN_H

#include "scep_ca/signer/client.h"
#include "scep_ca/signer/keys.h"

int ra_open(const struct keys *k, const struct signer_open_request *req, struct signer_opened *ret,
	    struct errmsg *em) MUST_CHECK;

#endif
