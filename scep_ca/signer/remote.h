/* The signer of client.h as the front has it: each call is one connection to the role that may do it.
 * No key and no secret is in here. */
#ifndef SCEP_CA_SIGNER_REMOTE_H
#define SCEP_CA_SIGNER_REMOTE_H

#include "core/base/conf.h"
#include "scep_ca/signer/client.h"
#include "scep_ca/signer/proto.h"

#include <limits.h>

/* Where a role listens: scep-ra.sock or scep-ca.sock in the folder of `sockets`. E_CONFIG: too long. */
int remote_path(const struct conf *c, enum proto_role role, char dst[PATH_MAX],
		struct errmsg *em) MUST_CHECK;

/* Connects to nothing yet: a role that is away makes calls fail with E_UNAVAIL or E_TIMEOUT. */
int remote_new(const struct conf *c, struct signer **ret, struct errmsg *em) MUST_CHECK;
void remote_free(struct signer *s);

#endif
