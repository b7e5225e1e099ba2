#include "rlm_scepauth/rlm_scepauth.h"

#define TEXT "selfcheck"
#define NUMBER 4711
#define REQUEST_NUMBER 0x15ca

static char const *check_pairs(RADIUS_PACKET *packet)
{
	VALUE_PAIR *text = fr_pair_make(packet, &packet->vps, "User-Name", TEXT, T_OP_SET);
	VALUE_PAIR *number = fr_pair_make(packet, &packet->vps, "NAS-Port", "4711", T_OP_EQ);

	if (!text || !number)
		return "out of memory, or the dictionary lacks User-Name";
	if (talloc_get_size(text) != sizeof(*text))
		return "the size of VALUE_PAIR differs";
	if (packet->vps != text)
		return "RADIUS_PACKET.vps is elsewhere";
	if (text->next != number || number->next)
		return "VALUE_PAIR.next is elsewhere";
	if (text->da != dict_attrbyname("User-Name") || text->da->attr != PW_USER_NAME)
		return "VALUE_PAIR.da or DICT_ATTR is laid out otherwise";
	if (text->op != T_OP_SET || number->op != T_OP_EQ)
		return "VALUE_PAIR.op is elsewhere";
	if (text->vp_length != strlen(TEXT) || strcmp(text->vp_strvalue, TEXT) != 0)
		return "VALUE_PAIR's value is elsewhere";
	if (number->vp_integer != NUMBER)
		return "VALUE_PAIR's integer value is elsewhere";
	if (fr_pair_find_by_num(packet->vps, PW_NAS_PORT, 0, TAG_ANY) != number)
		return "the list of pairs is laid out otherwise";
	return NULL;
}

static char const *check_inner(REQUEST *outer)
{
	REQUEST *inner = request_alloc_fake(outer);

	if (!inner)
		return "out of memory";
	if (inner->parent != outer)
		return "REQUEST.parent is elsewhere";
	if (!inner->packet || talloc_get_size(inner->packet) != sizeof(*inner->packet) ||
	    !inner->reply || talloc_get_size(inner->reply) != sizeof(*inner->reply))
		return "REQUEST.packet or REQUEST.reply is elsewhere, or RADIUS_PACKET differs in "
		       "size";
	if (inner->number != REQUEST_NUMBER || inner->packet->id != (REQUEST_NUMBER & 0xff))
		return "REQUEST.number is elsewhere";
	if (inner->packet->code != PW_CODE_ACCESS_REQUEST ||
	    inner->packet->src_ipaddr.af != AF_INET ||
	    inner->packet->src_ipaddr.ipaddr.ip4addr.s_addr != htonl(INADDR_LOOPBACK))
		return "RADIUS_PACKET is laid out otherwise";
	if (inner->server != outer->server || inner->root != &main_config || inner->config)
		return "REQUEST.server, .root or .config is elsewhere";
	return check_pairs(inner->packet);
}

char const *selfcheck_run(void)
{
	REQUEST *outer = request_alloc(NULL);
	char const *wrong;

	if (!outer)
		return "out of memory";
	if (talloc_get_size(outer) != sizeof(*outer)) {
		wrong = "the size of REQUEST differs";
		goto out;
	}
	outer->number = REQUEST_NUMBER;
	outer->root = &main_config;
	outer->server = TEXT;
	outer->packet = rad_alloc(outer, true);
	if (!outer->packet) {
		wrong = "out of memory";
		goto out;
	}
	if (talloc_get_size(outer->packet) != sizeof(*outer->packet)) {
		wrong = "the size of RADIUS_PACKET differs";
		goto out;
	}
	outer->packet->code = PW_CODE_ACCESS_REQUEST;
	outer->packet->src_ipaddr.af = AF_INET;
	outer->packet->src_ipaddr.ipaddr.ip4addr.s_addr = htonl(INADDR_LOOPBACK);
	wrong = check_inner(outer);
out:
	talloc_free(outer);
	return wrong;
}
