/*
 * People from an LDIF export (RFC 2849), strict as csv.h: folded lines, base64 values, comments.
 *
 * login: sAMAccountName, else uid (each value of it). Disabled: nsAccountLock TRUE,
 * userAccountControl bit 2, shadowExpire 0. leave_at: shadowExpire in days, accountExpires in AD's
 * 100 ns since 1601. name: displayName, else cn; email: mail. An empty line closes each entry, the
 * last one too. Entries without a login (units, groups) are passed over. Groups are not read. Change records and url values are refused.
 * The comment "# numEntries: N" of ldapsearch, where present, must be right; its end marks the end. Pure.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDIF_H
#define AUTO_REVOKE_DIRECTORY_LDIF_H

#include "auto_revoke/directory/directory.h"
#include "core/base/bytes.h"

int ldif_read(struct bytes text, directory_emit *emit, void *emit_ctx, bool *ret_end_marked,
	      struct errmsg *em) MUST_CHECK;

#endif
