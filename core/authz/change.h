/* Two verdicts about one connection, by two versions of the group map: what would be otherwise. Pure. */
#ifndef CORE_AUTHZ_CHANGE_H
#define CORE_AUTHZ_CHANGE_H

#include "core/authz/authz.h"

#include <stddef.h>

/* The weightiest one that applies: MOVED to another VLAN, else SESSION: other length of the session, or filter. */
enum authz_change {
	AUTHZ_SAME,
	AUTHZ_REFUSED,
	AUTHZ_LET_IN,
	AUTHZ_MOVED,
	AUTHZ_OTHER_SESSION,
};

enum { AUTHZ_DESCRIBED_SIZE = 200 };

/* Two refusals are the same, whatever their reasons. */
enum authz_change authz_compare(const struct authz_verdict *now, const struct authz_verdict *then);

/* "same", "refused", "let_in", "moved" or "session". */
const char *authz_change_text(enum authz_change c);

/* "refused (no_group)" or "group staff, VLAN 20, 28800 s, filter x". */
void authz_describe(const struct authz_verdict *v, char ret[AUTHZ_DESCRIBED_SIZE]);

#endif
