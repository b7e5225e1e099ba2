/* The walls of each role: what it may still do once it has what it needs. */
#ifndef SCEP_CA_CONFINE_H
#define SCEP_CA_CONFINE_H

#include "core/base/conf.h"
#include "scep_ca/signer/proto.h"

#include <sys/types.h>

/* The system user of a role: run-as-ra, run-as-ca, else run-as. "": stays who it is. */
const char *confine_user(const struct conf *c, enum proto_role role);

/* Its uid. E_CONFIG when there is no such user. */
int confine_uid(const struct conf *c, enum proto_role role, uid_t *ret,
		struct errmsg *em) MUST_CHECK;

/* See sandbox_enter. The process also ends with the one that started it. */
int confine(const struct conf *c, enum proto_role role, struct errmsg *em) MUST_CHECK;

/* The process that starts the others: it keeps files and the changing of users, for theirs. */
int confine_parent(struct errmsg *em) MUST_CHECK;

#endif
