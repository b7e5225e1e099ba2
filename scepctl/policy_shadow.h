/* scepctl policy shadow: a version of the group map that live connections are judged by too, and what it would change. */
#ifndef SCEPCTL_POLICY_SHADOW_H
#define SCEPCTL_POLICY_SHADOW_H

#include "core/store/store.h"

/* Prints what was seen of the version in shadow, or of the last one that was; *ret_code is an exit code. */
int policy_shadow_report(struct store *s, bool json, int *ret_code, struct errmsg *em) MUST_CHECK;

#endif
