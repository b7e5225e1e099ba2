#include "core/authz/change.h"

#include <stdio.h>
#include <string.h>

enum authz_change authz_compare(const struct authz_verdict *now, const struct authz_verdict *then)
{
	if (now->accept != then->accept)
		return now->accept ? AUTHZ_REFUSED : AUTHZ_LET_IN;
	if (!now->accept)
		return AUTHZ_SAME;
	if (strncmp(now->vlan, then->vlan, sizeof(now->vlan)) != 0)
		return AUTHZ_MOVED;
	if (now->session_timeout != then->session_timeout ||
	    strncmp(now->filter_id, then->filter_id, sizeof(now->filter_id)) != 0)
		return AUTHZ_OTHER_SESSION;
	return AUTHZ_SAME;
}

const char *authz_change_text(enum authz_change c)
{
	switch (c) {
	case AUTHZ_SAME:
		return "same";
	case AUTHZ_REFUSED:
		return "refused";
	case AUTHZ_LET_IN:
		return "let_in";
	case AUTHZ_MOVED:
		return "moved";
	case AUTHZ_OTHER_SESSION:
		return "session";
	}
	return "same";
}

void authz_describe(const struct authz_verdict *v, char ret[AUTHZ_DESCRIBED_SIZE])
{
	if (!v->accept)
		(void)snprintf(ret, AUTHZ_DESCRIBED_SIZE, "refused (%s)",
			       authz_reason_text(v->reason));
	else
		(void)snprintf(ret, AUTHZ_DESCRIBED_SIZE, "group %s, VLAN %s, %lld s%s%s", v->group,
			       v->vlan[0] ? v->vlan : "none", (long long)v->session_timeout,
			       v->filter_id[0] ? ", filter " : "", v->filter_id);
}
