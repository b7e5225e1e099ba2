/* Reads what auto_revoke says of the directory that it follows. */
#ifndef CORE_LDAP_DIRSTATE_H
#define CORE_LDAP_DIRSTATE_H

#include "core/base/json.h"
#include "core/model/source.h"

/* E_FORMAT: a text is missing or too long; detail is cut. */
int dirstate_read(const struct json *j, struct source *ret) MUST_CHECK;

#endif
