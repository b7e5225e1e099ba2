/* What `scepctl install` puts into Redis. */
#ifndef SCEPCTL_INSTALL_H
#define SCEPCTL_INSTALL_H

#include "scepctl/policy.h"

/* Only the Functions, from the templates in `share`. */
int install_functions(struct store *s, const char *share, struct errmsg *em) MUST_CHECK;
/* Functions, meta, actors and groups. */
int install_all(struct store *s, const struct conf *conf, const char *share,
		struct policy_changes *done, struct errmsg *em) MUST_CHECK;

#endif
