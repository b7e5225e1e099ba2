#include "rlm_scepauth/rlm_scepauth.h"

#include "rlm_scepauth/certid.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/model/serial.h"

#include <arpa/inet.h>

#define ATTR_SERIAL "TLS-Client-Cert-Serial"
#define ATTR_ISSUER "TLS-Client-Cert-X509v3-Authority-Key-Identifier"

#define EAP_TYPE_TLS 13     /* RFC 5216 section 3 */
#define TUNNEL_TYPE_VLAN 13 /* RFC 3580 section 3.31 */
#define TUNNEL_MEDIUM_802 6
#define TERMINATION_RADIUS 1 /* RFC 2865 section 5.29: ask again instead of dropping the link */

/* Finds the only pair of an attribute; *ret_n says how many there are. These attributes are
 * internal to the server, so no packet from the network can carry one. */
static VALUE_PAIR *find_only(VALUE_PAIR *list, char const *attr, unsigned *ret_n)
{
	DICT_ATTR const *da = dict_attrbyname(attr);
	VALUE_PAIR *found = NULL;
	unsigned n = 0;

	for (VALUE_PAIR *vp = list; da && vp; vp = vp->next) {
		if (vp->da != da)
			continue;
		found = vp;
		n++;
	}
	*ret_n = n;
	return n == 1 ? found : NULL;
}

static bool is_eap_tls(REQUEST *request)
{
	VALUE_PAIR *vp;

	/* EAP-TLS runs its virtual server on a request of its own, made for the purpose. */
	if (!request->parent || !request->packet)
		return false;
	vp = fr_pair_find_by_num(request->packet->vps, PW_EAP_TYPE, 0, TAG_ANY);
	return vp && vp->vp_integer == EAP_TYPE_TLS;
}

enum authz_reason pairs_read(REQUEST *request, struct authz_request *ret)
{
	VALUE_PAIR *vp;
	unsigned n;

	memset(ret, 0, sizeof(*ret));
	ret->now = clock_now();
	if (!is_eap_tls(request))
		return AUTHZ_NOT_EAP_TLS;

	/* None: a resumed TLS 1.3 session, whose certificate the server has forgotten. Two: a server
	 * without the fix for FreeRADIUS issue 4785, which adds the issuing CA's serial. */
	vp = find_only(request->packet->vps, ATTR_SERIAL, &n);
	if (!vp)
		return n ? AUTHZ_TWO_SERIALS : AUTHZ_NO_SERIAL;
	if (vp->vp_length != SERIAL_SIZE - 1)
		return AUTHZ_BAD_SERIAL;
	memcpy(ret->serial, vp->vp_strvalue, SERIAL_SIZE - 1);
	if (!serial_is_canonical(ret->serial)) {
		memset(ret->serial, 0, sizeof(ret->serial));
		return AUTHZ_BAD_SERIAL;
	}

	vp = find_only(request->packet->vps, ATTR_ISSUER, &n);
	if (!vp || certid_issuer(ret->issuer, vp->vp_strvalue, vp->vp_length))
		return AUTHZ_NO_ISSUER;
	return AUTHZ_OK;
}

void pairs_log_word(char *dst, size_t size, char const *text, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	size_t len = 0;

	for (size_t i = 0; i < n && len + 4 <= size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c > 0x20 && c < 0x7f && c != '%' && c != '=' && c != '"' && c != '\\') {
			dst[len++] = (char)c;
		} else {
			dst[len++] = '%';
			dst[len++] = digits[c >> 4];
			dst[len++] = digits[c & 15];
		}
	}
	dst[len] = '\0';
}

static void log_word_of(char *dst, size_t size, REQUEST *request, unsigned attr)
{
	VALUE_PAIR *vp = fr_pair_find_by_num(request->packet->vps, attr, 0, TAG_ANY);

	dst[0] = '\0';
	if (vp && vp->vp_strvalue)
		pairs_log_word(dst, size, vp->vp_strvalue, vp->vp_length);
}

void pairs_asker(REQUEST *request, struct asker *ret)
{
	char address[INET6_ADDRSTRLEN] = "";
	RADIUS_PACKET *p = request->packet;

	log_word_of(ret->mac, sizeof(ret->mac), request, PW_CALLING_STATION_ID);
	log_word_of(ret->nas, sizeof(ret->nas), request, PW_NAS_IDENTIFIER);
	if (!ret->nas[0] &&
	    inet_ntop(p->src_ipaddr.af, &p->src_ipaddr.ipaddr, address, sizeof(address)))
		pairs_log_word(ret->nas, sizeof(ret->nas), address, strlen(address));
	if (!ret->nas[0])
		memcpy(ret->nas, "-", 2);
	if (!ret->mac[0])
		memcpy(ret->mac, "-", 2);
}

/* Replaces an attribute of the reply: a NAS that finds two VLANs picks one as it likes. */
static VALUE_PAIR *reply_new(REQUEST *request, unsigned attr)
{
	VALUE_PAIR *vp = fr_pair_afrom_num(request->reply, attr, 0);

	if (!vp)
		return NULL;
	vp->op = T_OP_SET;
	fr_pair_delete_by_num(&request->reply->vps, attr, 0, TAG_ANY);
	fr_pair_add(&request->reply->vps, vp);
	return vp;
}

static int reply_number(REQUEST *request, unsigned attr, int64_t value)
{
	VALUE_PAIR *vp = reply_new(request, attr);

	if (!vp)
		return E_NOMEM;
	vp->vp_integer = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	return E_OK;
}

static int reply_text(REQUEST *request, unsigned attr, char const *value)
{
	VALUE_PAIR *vp = reply_new(request, attr);

	if (!vp)
		return E_NOMEM;
	fr_pair_value_strcpy(vp, value);
	return vp->vp_strvalue ? E_OK : E_NOMEM;
}

static int reply_octets(REQUEST *request, unsigned attr, char const *value)
{
	VALUE_PAIR *vp = reply_new(request, attr);

	if (!vp)
		return E_NOMEM;
	fr_pair_value_memcpy(vp, (uint8_t const *)value, strlen(value));
	return vp->vp_octets ? E_OK : E_NOMEM;
}

/* RFC 3580 section 3.31: the three belong together, untagged. */
static int reply_vlan(REQUEST *request, char const *vlan)
{
	if (reply_number(request, PW_TUNNEL_TYPE, TUNNEL_TYPE_VLAN) ||
	    reply_number(request, PW_TUNNEL_MEDIUM_TYPE, TUNNEL_MEDIUM_802))
		return E_NOMEM;
	return reply_text(request, PW_TUNNEL_PRIVATE_GROUP_ID, vlan);
}

static int fill_reply(REQUEST *request, const struct authz_verdict *v, char const *class_token)
{
	if (v->vlan[0] && reply_vlan(request, v->vlan))
		return E_NOMEM;
	if (v->filter_id[0] && reply_text(request, PW_FILTER_ID, v->filter_id))
		return E_NOMEM;
	if (reply_number(request, PW_SESSION_TIMEOUT, v->session_timeout) ||
	    reply_number(request, PW_TERMINATION_ACTION, TERMINATION_RADIUS) ||
	    reply_octets(request, PW_CLASS, class_token) ||
	    reply_text(request, PW_USER_NAME, v->login))
		return E_NOMEM;
	return E_OK;
}

static void clear_reply(REQUEST *request)
{
	static const unsigned ours[] = {
		PW_TUNNEL_TYPE, PW_TUNNEL_MEDIUM_TYPE, PW_TUNNEL_PRIVATE_GROUP_ID,
		PW_FILTER_ID,   PW_SESSION_TIMEOUT,    PW_TERMINATION_ACTION,
		PW_CLASS,       PW_USER_NAME,
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		fr_pair_delete_by_num(&request->reply->vps, ours[i], 0, TAG_ANY);
}

int pairs_accept(REQUEST *request, const struct authz_verdict *v, char const *class_token)
{
	VALUE_PAIR *type = fr_pair_find_by_num(request->config, PW_AUTH_TYPE, 0, TAG_ANY);

	/* A policy that ran before us may have said no; a yes from it adds nothing to ours. */
	if (type && type->vp_integer != PW_AUTH_TYPE_ACCEPT)
		return E_STATE;
	if (fill_reply(request, v, class_token)) {
		clear_reply(request);
		return E_NOMEM;
	}
	if (!type && !pair_make_config("Auth-Type", "Accept", T_OP_SET)) {
		clear_reply(request);
		return E_NOMEM;
	}
	return E_OK;
}

/* --- the session, as the NAS names it -------------------------------------------------------------- */

/* Exactly, or not at all: a Disconnect-Request with half a name ends nothing, or something else. */
static void exact_text(char *dst, size_t size, RADIUS_PACKET *packet, unsigned attr)
{
	VALUE_PAIR *vp = fr_pair_find_by_num(packet->vps, attr, 0, TAG_ANY);

	if (!vp || !vp->vp_strvalue || vp->vp_length >= size)
		return;
	for (size_t i = 0; i < vp->vp_length; i++)
		if ((unsigned char)vp->vp_strvalue[i] < 0x20 || vp->vp_strvalue[i] == 0x7f)
			return;
	memcpy(dst, vp->vp_strvalue, vp->vp_length);
	dst[vp->vp_length] = '\0';
}

static void nas_address(char *dst, size_t size, RADIUS_PACKET *packet)
{
	VALUE_PAIR *vp = fr_pair_find_by_num(packet->vps, PW_NAS_IP_ADDRESS, 0, TAG_ANY);

	if (vp) {
		if (!inet_ntop(AF_INET, &vp->vp_ipaddr, dst, (socklen_t)size))
			dst[0] = '\0';
		return;
	}
	vp = fr_pair_find_by_num(packet->vps, PW_NAS_IPV6_ADDRESS, 0, TAG_ANY);
	if (vp && !inet_ntop(AF_INET6, &vp->vp_ipv6addr, dst, (socklen_t)size))
		dst[0] = '\0';
}

void pairs_session(REQUEST *request, struct nas_session *ret)
{
	RADIUS_PACKET *p;
	VALUE_PAIR *vp;

	/* EAP-TLS asks us with a request of its own; the NAS's is the one at the top. */
	while (request->parent)
		request = request->parent;
	p = request->packet;
	if (!p)
		return;
	if (!inet_ntop(p->src_ipaddr.af, &p->src_ipaddr.ipaddr, ret->nas, sizeof(ret->nas)))
		ret->nas[0] = '\0';
	exact_text(ret->nas_id, sizeof(ret->nas_id), p, PW_NAS_IDENTIFIER);
	exact_text(ret->nas_port_id, sizeof(ret->nas_port_id), p, PW_NAS_PORT_ID);
	exact_text(ret->acct, sizeof(ret->acct), p, PW_ACCT_SESSION_ID);
	exact_text(ret->mac, sizeof(ret->mac), p, PW_CALLING_STATION_ID);
	exact_text(ret->called, sizeof(ret->called), p, PW_CALLED_STATION_ID);
	nas_address(ret->nas_ip, sizeof(ret->nas_ip), p);
	vp = fr_pair_find_by_num(p->vps, PW_NAS_PORT, 0, TAG_ANY);
	if (vp)
		snprintf(ret->nas_port, sizeof(ret->nas_port), "%u", vp->vp_integer);
}

void pairs_place(REQUEST *request, struct authz_request *ret)
{
	struct nas_session x;
	VALUE_PAIR *name;

	memset(&x, 0, sizeof(x));
	pairs_session(request, &x);
	memcpy(ret->called, x.called, sizeof(ret->called));
	memcpy(ret->calling, x.mac, sizeof(ret->calling));
	memcpy(ret->nas_id, x.nas_id, sizeof(ret->nas_id));
	memcpy(ret->nas, x.nas, sizeof(ret->nas));
	while (request->parent)
		request = request->parent;
	if (!request->packet)
		return;
	exact_text(ret->user_name, sizeof(ret->user_name), request->packet, PW_USER_NAME);
	name = fr_pair_find_by_num(request->packet->vps, PW_USER_NAME, 0, TAG_ANY);
	/* One that cannot be repeated is not the same as none: nobody is called so. */
	if (name && name->vp_length > 0 && !ret->user_name[0])
		memcpy(ret->user_name, "?", 2);
}

static bool is_our_class(VALUE_PAIR *vp, char token[TOKEN_SIZE])
{
	static const size_t prefix = sizeof(CLASS_PREFIX) - 1;
	char const *hex;

	if (vp->vp_length != prefix + TOKEN_SIZE - 1 ||
	    (memcmp(vp->vp_octets, CLASS_PREFIX, prefix) != 0 &&
	     memcmp(vp->vp_octets, CLASS_KNOWN, prefix) != 0))
		return false;
	hex = (char const *)vp->vp_octets + prefix;
	for (size_t i = 0; i < TOKEN_SIZE - 1; i++)
		if (!memchr("0123456789abcdef", hex[i], 16))
			return false;
	memcpy(token, hex, TOKEN_SIZE - 1);
	token[TOKEN_SIZE - 1] = '\0';
	return true;
}

bool pairs_accounting(REQUEST *request, enum note_kind *ret, char token[TOKEN_SIZE])
{
	DICT_ATTR const *class = dict_attrbyvalue(PW_CLASS, 0);
	VALUE_PAIR *status =
		fr_pair_find_by_num(request->packet->vps, PW_ACCT_STATUS_TYPE, 0, TAG_ANY);

	if (!status || !class)
		return false;
	if (status->vp_integer == PW_STATUS_START || status->vp_integer == PW_STATUS_ALIVE)
		*ret = NOTE_UPDATE;
	else if (status->vp_integer == PW_STATUS_STOP)
		*ret = NOTE_STOP;
	else
		return false;
	for (VALUE_PAIR *vp = request->packet->vps; vp; vp = vp->next)
		if (vp->da == class && is_our_class(vp, token))
			return true;
	return false;
}
