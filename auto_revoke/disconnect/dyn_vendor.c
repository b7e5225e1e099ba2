#include "auto_revoke/disconnect/dyn_vendor.h"

#include "core/base/text.h"

#include <arpa/inet.h>

enum {
	USER_NAME = 1,
	NAS_IP_ADDRESS = 4,
	NAS_PORT = 5,
	CALLED_STATION_ID = 30,
	CALLING_STATION_ID = 31,
	NAS_IDENTIFIER = 32,
	ACCT_SESSION_ID = 44,
	TUNNEL_TYPE = 64,
	TUNNEL_MEDIUM_TYPE = 65,
	TUNNEL_PRIVATE_GROUP_ID = 81,
	NAS_PORT_ID = 87,
	NAS_IPV6_ADDRESS = 95,
	VLAN = 13,    /* Tunnel-Type */
	IEEE_802 = 6, /* Tunnel-Medium-Type */
};

/* NAS_IP_ADDRESS stands for NAS-IPv6-Address too, whichever the access point uses. */
static const struct dyn_vendor vendors[] = {
	{"generic",
	 3799,
	 3799,
	 false,
	 {NAS_IP_ADDRESS, NAS_IDENTIFIER, USER_NAME, CALLING_STATION_ID, ACCT_SESSION_ID}},
	/* Refuses attributes that it does not know, NAS-Port among them. */
	{"hostapd", 3799, 3799, false, {CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"aruba",
	 3799,
	 3799,
	 true,
	 {NAS_IP_ADDRESS, USER_NAME, CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"cisco", 1700, 1700, false, {NAS_IP_ADDRESS, CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"dell", 3799, 3799, false, {ACCT_SESSION_ID}},
	{"extreme",
	 3799,
	 3799,
	 false,
	 {NAS_IP_ADDRESS, NAS_IDENTIFIER, CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"lancom", 3799, 3799, false, {NAS_IDENTIFIER, USER_NAME, CALLING_STATION_ID}},
	{"meraki", 3799, 1700, false, {CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"mikrotik", 3799, 3799, false, {USER_NAME, ACCT_SESSION_ID, CALLING_STATION_ID}},
	{"ruckus",
	 3799,
	 3799,
	 true,
	 {NAS_IP_ADDRESS, USER_NAME, CALLING_STATION_ID, ACCT_SESSION_ID}},
	{"switch",
	 3799,
	 3799,
	 false,
	 {NAS_IP_ADDRESS, CALLING_STATION_ID, NAS_PORT, ACCT_SESSION_ID}},
};

const struct dyn_vendor *dyn_vendor_at(size_t i)
{
	return i < sizeof(vendors) / sizeof(*vendors) ? &vendors[i] : NULL;
}

const struct dyn_vendor *dyn_vendor_find(const char *name)
{
	for (size_t i = 0; i < sizeof(vendors) / sizeof(*vendors); i++)
		if (strcmp(vendors[i].name, name) == 0)
			return &vendors[i];
	return NULL;
}

static bool put(struct dyn_attr *a, uint8_t type, const void *value, size_t n)
{
	if (n == 0 || n > DYN_VALUE_MAX)
		return false;
	a->type = type;
	a->n = (uint8_t)n;
	memcpy(a->value, value, n);
	return true;
}

static bool put_number(struct dyn_attr *a, uint8_t type, uint32_t v)
{
	const uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
			      (uint8_t)v};

	return put(a, type, b, sizeof(b));
}

static bool put_text(struct dyn_attr *a, uint8_t type, const char *s)
{
	return put(a, type, s, strlen(s));
}

static bool put_address(struct dyn_attr *a, const char *s)
{
	uint8_t b[16];

	if (inet_pton(AF_INET, s, b) == 1)
		return put(a, NAS_IP_ADDRESS, b, 4);
	return inet_pton(AF_INET6, s, b) == 1 && put(a, NAS_IPV6_ADDRESS, b, 16);
}

static bool put_field(struct dyn_attr *a, uint8_t type, const struct nas_session *x)
{
	int64_t port;

	switch (type) {
	case USER_NAME:
		return put_text(a, type, x->login);
	case NAS_IP_ADDRESS:
		return put_address(a, x->nas_ip);
	case NAS_PORT:
		return text_int64(x->nas_port, &port) == E_OK && port >= 0 && port <= UINT32_MAX &&
		       put_number(a, type, (uint32_t)port);
	case CALLED_STATION_ID:
		return put_text(a, type, x->called);
	case CALLING_STATION_ID:
		return put_text(a, type, x->mac);
	case NAS_IDENTIFIER:
		return put_text(a, type, x->nas_id);
	case ACCT_SESSION_ID:
		return put_text(a, type, x->acct);
	case NAS_PORT_ID:
		return put_text(a, type, x->nas_port_id);
	default:
		return false;
	}
}

int dyn_vendor_attrs(const struct dyn_vendor *v, const struct nas_session *x, const char *vlan,
		     struct dyn_attr ret[DYN_ATTRS_MAX], size_t *ret_n)
{
	bool names_it = false;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(v->attrs) && v->attrs[i] != 0; i++) {
		if (!put_field(&ret[n], v->attrs[i], x))
			continue;
		if (v->attrs[i] == CALLING_STATION_ID || v->attrs[i] == ACCT_SESSION_ID)
			names_it = true;
		n++;
	}
	if (!names_it)
		return E_NOTFOUND;
	if (vlan != NULL) {
		/* Untagged: the tag octet of the two numbers is zero, of the text left out (RFC 2868). */
		if (!put_number(&ret[n], TUNNEL_TYPE, VLAN) ||
		    !put_number(&ret[n + 1], TUNNEL_MEDIUM_TYPE, IEEE_802) ||
		    !put_text(&ret[n + 2], TUNNEL_PRIVATE_GROUP_ID, vlan))
			return E_FORMAT;
		n += 3;
	}
	*ret_n = n;
	return E_OK;
}
