/*
 * What access points of each make want in a request: port, and which attributes in which order. Pure.
 * Too many make some refuse (each must match), too few make others: docs/LEAVERS.md has the table.
 */
#ifndef AUTO_REVOKE_DISCONNECT_DYN_VENDOR_H
#define AUTO_REVOKE_DISCONNECT_DYN_VENDOR_H

#include "auto_revoke/disconnect/dyn_packet.h"
#include "core/model/nas_session.h"

struct dyn_vendor {
	const char *name;
	uint16_t port;     /* of Disconnect-Request */
	uint16_t coa_port; /* of CoA-Request */
	bool moves;        /* takes a new VLAN by CoA-Request; others are disconnected for it */
	uint8_t attrs[8];  /* types, in this order, 0 ends */
};

const struct dyn_vendor *dyn_vendor_find(const char *name); /* NULL: no such vendor */
const struct dyn_vendor *dyn_vendor_at(size_t i);           /* NULL past the last */

/*
 * The attributes that name this session; with a VLAN (CoA-Request) those that change it after them.
 * What the session lacks is left out. E_NOTFOUND when nothing would be left that names this one session
 * rather than others of the access point: better no request than one that cuts off strangers.
 */
int dyn_vendor_attrs(const struct dyn_vendor *v, const struct nas_session *x, const char *vlan,
		     struct dyn_attr ret[DYN_ATTRS_MAX], size_t *ret_n) MUST_CHECK;

#endif
