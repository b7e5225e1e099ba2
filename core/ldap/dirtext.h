/* Texts of LDAP: escaping for filters (RFC 4515) and the one spelling of a name (RFC 4514). Pure. */
#ifndef CORE_LDAP_DIRTEXT_H
#define CORE_LDAP_DIRTEXT_H

#include "core/base/buf.h"

#include <stdbool.h>

enum { DIRTEXT_DN_MAX = 2048 };

/* Appends v so that a filter takes every byte of it literally. */
void dirtext_filter_escape(struct buf *out, struct bytes v);

/* Appends v as the value of one attribute in a DN. */
void dirtext_dn_escape(struct buf *out, struct bytes v);

/*
 * Appends the spelling of a DN under which equal names compare equal: no blanks around separators,
 * ASCII letters in lower case, one kind of escape. E_FORMAT when it is none, E_TOOBIG.
 */
int dirtext_dn_norm(struct buf *out, struct bytes dn) MUST_CHECK;

/* Appends the value of the first RDN of a normal DN ("staff" of "cn=staff,ou=groups"), unescaped. */
int dirtext_dn_first(struct buf *out, const char *norm) MUST_CHECK;

/* A filter as a person writes it: parentheses pair up, nothing follows. Not a full parse. */
bool dirtext_filter_ok(const char *filter);

#endif
