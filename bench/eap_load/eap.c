#include "bench/eap_load/eap.h"

enum { CODE_REQUEST = 1, CODE_RESPONSE = 2, CODE_SUCCESS = 3, CODE_FAILURE = 4 };
enum { TYPE_IDENTITY = 1, TYPE_NOTIFICATION = 2, TYPE_NAK = 3, TYPE_TLS = 13 };
enum { FLAG_LENGTH = 0x80, FLAG_MORE = 0x40, FLAG_START = 0x20 };
enum { REFUSED_MAX = 3 };

void eap_init(struct eap_peer *p, struct bytes identity, size_t fragment)
{
	*p = (struct eap_peer){.identity = identity, .fragment = fragment};
	buf_init(&p->in, EAP_TLS_MAX);
	buf_init(&p->out, EAP_TLS_MAX);
}

void eap_free(struct eap_peer *p)
{
	buf_free(&p->in);
	buf_free(&p->out);
}

static void respond(const struct eap_peer *p, uint8_t type, struct bytes body, struct buf *reply)
{
	size_t n = 5 + body.n;

	buf_reset(reply);
	buf_add_u8(reply, CODE_RESPONSE);
	buf_add_u8(reply, p->id);
	buf_add_u8(reply, (uint8_t)(n >> 8));
	buf_add_u8(reply, (uint8_t)n);
	buf_add_u8(reply, type);
	buf_add_bytes(reply, body);
}

void eap_hello(struct eap_peer *p, struct buf *reply)
{
	respond(p, TYPE_IDENTITY, p->identity, reply);
}

/* The next piece of p->out; with nothing left an acknowledgement (flags alone). */
static void send_fragment(struct eap_peer *p, struct buf *reply)
{
	uint8_t body[5 + EAP_FRAGMENT_MAX];
	size_t left = p->out.n - p->sent, take = left < p->fragment ? left : p->fragment, head = 1;

	body[0] = take < left ? FLAG_MORE : 0;
	if (p->sent == 0 &&
	    take < left) { /* L is owed on the first of several (RFC 5216 section 3.1) */
		body[0] |= FLAG_LENGTH;
		for (int shift = 24; shift >= 0; shift -= 8)
			body[head++] = (uint8_t)(p->out.n >> shift);
	}
	if (take > 0)
		memcpy(body + head, p->out.p + p->sent, take);
	p->sent += take;
	respond(p, TYPE_TLS, bytes_of(body, head + take), reply);
}

void eap_answer(struct eap_peer *p, struct bytes tls, struct buf *reply)
{
	buf_reset(&p->in);
	p->announced = 0;
	buf_reset(&p->out);
	p->sent = 0;
	buf_add_bytes(&p->out, tls);
	send_fragment(p, reply);
}

static enum eap_step broken(const char **why, const char *text)
{
	*why = text;
	return EAP_STEP_BROKEN;
}

static enum eap_step take_start(struct eap_peer *p, uint8_t flags, struct bytes data,
				const char **why)
{
	if (p->started)
		return broken(why, "EAP-TLS starts a second time");
	if (flags & FLAG_MORE || data.n > 0)
		return broken(why, "EAP-TLS start with data");
	p->started = true;
	return EAP_STEP_TLS;
}

static enum eap_step take_tls(struct eap_peer *p, struct bytes body, struct buf *reply,
			      const char **why)
{
	uint8_t flags = body.n > 0 ? body.p[0] : 0;
	size_t length = 0, skip = flags & FLAG_LENGTH ? 5 : 1;
	struct bytes data;

	if (body.n < skip)
		return broken(why, "EAP-TLS packet too short");
	data = bytes_of(body.p + skip, body.n - skip);
	for (size_t i = 1; i < skip; i++)
		length = length << 8 | body.p[i];
	if (flags & FLAG_START)
		return take_start(p, flags, data, why);
	if (!p->started)
		return broken(why, "EAP-TLS without a start");
	if (p->sent < p->out.n) {
		if (data.n > 0 || flags & FLAG_MORE)
			return broken(why, "EAP-TLS data in the midst of ours");
		send_fragment(p, reply);
		return EAP_STEP_SEND;
	}
	if (data.n == 0)
		return broken(why, "EAP-TLS packet without data");
	if (length > EAP_TLS_MAX || p->in.n + data.n > EAP_TLS_MAX)
		return broken(why, "TLS message too long");
	if (flags & FLAG_LENGTH) {
		if ((p->in.n > 0 && p->announced != length) || length == 0)
			return broken(why, "fragments of different lengths");
		p->announced = length;
	}
	buf_add_bytes(&p->in, data);
	if (buf_error(&p->in) != E_OK)
		return broken(why, "out of memory");
	if (p->announced > 0 &&
	    (p->in.n > p->announced || (!(flags & FLAG_MORE) && p->in.n < p->announced)))
		return broken(why, "fragments that are not as long as announced");
	if (!(flags & FLAG_MORE))
		return EAP_STEP_TLS;
	respond(p, TYPE_TLS, bytes_of("", 1), reply);
	return EAP_STEP_SEND;
}

/* What is no EAP-TLS yet. */
static enum eap_step take_other(struct eap_peer *p, uint8_t type, struct buf *reply,
				const char **why)
{
	static const uint8_t want[] = {TYPE_TLS};

	if (p->started && type != TYPE_NOTIFICATION)
		return broken(why, "another EAP method in the midst of EAP-TLS");
	switch (type) {
	case TYPE_IDENTITY:
		eap_hello(p, reply);
		break;
	case TYPE_NOTIFICATION:
		respond(p, TYPE_NOTIFICATION, bytes_of(NULL, 0), reply);
		break;
	default:
		if (type < 4) /* no method: RFC 3748 section 5.3.1 */
			return broken(why, "EAP request of a type that is none");
		respond(p, TYPE_NAK, bytes_of(want, sizeof(want)), reply);
	}
	if (++p->refused > REFUSED_MAX)
		return broken(why, "no EAP-TLS offered");
	return EAP_STEP_SEND;
}

enum eap_step eap_take(struct eap_peer *p, struct bytes packet, struct buf *reply, const char **why)
{
	size_t n;

	if (packet.n < 4)
		return broken(why, "no EAP packet");
	n = (size_t)packet.p[2] << 8 | packet.p[3];
	if (n < 4 || n > packet.n)
		return broken(why, "EAP packet of a wrong length");
	switch (packet.p[0]) {
	case CODE_SUCCESS:
		return EAP_STEP_SUCCESS;
	case CODE_FAILURE:
		return EAP_STEP_FAILURE;
	case CODE_REQUEST:
		break;
	default:
		return broken(why, "EAP packet that is no request");
	}
	if (n < 5)
		return broken(why, "EAP request without a type");
	p->id = packet.p[1];
	if (packet.p[4] == TYPE_TLS)
		return take_tls(p, bytes_of(packet.p + 5, n - 5), reply, why);
	return take_other(p, packet.p[4], reply, why);
}
