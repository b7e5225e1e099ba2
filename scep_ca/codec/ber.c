#include "scep_ca/codec/ber.h"

struct header {
	uint8_t tag;
	bool indefinite;
	size_t head; /* bytes of tag and length */
	size_t body; /* 0 when indefinite */
};

static int header_read(struct bytes in, struct header *ret)
{
	struct header h = {0};
	size_t n_len;

	if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f)
		return E_FORMAT;
	h.tag = in.p[0];
	h.head = 2;
	if (in.p[1] < 0x80) {
		h.body = in.p[1];
	} else if (in.p[1] == 0x80) {
		/* X.690 section 8.1.3.2: the indefinite form is for constructed encodings only. */
		if ((h.tag & 0x20) == 0)
			return E_FORMAT;
		h.indefinite = true;
	} else {
		n_len = in.p[1] & 0x7f;
		if (n_len > 4 || in.n - 2 < n_len)
			return E_FORMAT;
		for (size_t i = 0; i < n_len; i++)
			h.body = h.body << 8 | in.p[2 + i];
		h.head += n_len;
	}
	if (!h.indefinite && h.body > in.n - h.head)
		return E_FORMAT;
	*ret = h;
	return E_OK;
}

static bool is_eoc(struct bytes in)
{
	return in.n >= 2 && in.p[0] == 0 && in.p[1] == 0;
}

static void skip(struct bytes *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

int ber_walk(struct bytes in)
{
	/* end of each open definite element, or NULL where end-of-contents closes it */
	const uint8_t *open[BER_DEPTH_MAX];
	unsigned depth = 0, elements = 0;
	struct header h;

	for (;;) {
		struct bytes rest = in;

		while (depth > 0 && open[depth - 1] == in.p)
			depth--;
		if (in.n == 0)
			return depth == 0 ? E_OK : E_FORMAT;
		for (unsigned i = depth; i > 0; i--) {
			if (open[i - 1]) {
				rest.n = (size_t)(open[i - 1] - in.p);
				break;
			}
		}
		if (depth > 0 && !open[depth - 1] && is_eoc(rest)) {
			skip(&in, 2);
			depth--;
			continue;
		}
		if (++elements > BER_ELEMENTS_MAX)
			return E_TOOBIG;
		if (header_read(rest, &h) != E_OK || h.tag == 0)
			return E_FORMAT;
		skip(&in, h.head);
		if ((h.tag & 0x20) == 0) {
			skip(&in, h.body);
			continue;
		}
		if (depth == BER_DEPTH_MAX)
			return E_TOOBIG;
		open[depth++] = h.indefinite ? NULL : in.p + h.body;
	}
}

/* Length of the content of an indefinite element, up to its end-of-contents octets. */
static int indefinite_end(struct bytes in, size_t *ret)
{
	const uint8_t *start = in.p;
	unsigned depth = 1;
	struct header h;

	for (;;) {
		if (is_eoc(in)) {
			if (--depth == 0) {
				*ret = (size_t)(in.p - start);
				return E_OK;
			}
			skip(&in, 2);
			continue;
		}
		if (header_read(in, &h) != E_OK || h.tag == 0)
			return E_FORMAT;
		if (h.indefinite && ++depth > BER_DEPTH_MAX)
			return E_TOOBIG;
		skip(&in, h.head + h.body);
	}
}

int ber_next(struct bytes *in, struct ber_tlv *ret)
{
	struct header h;
	size_t tail = 0;
	int r;

	if (in->n == 0)
		return E_NOTFOUND;
	r = header_read(*in, &h);
	if (r != E_OK)
		return r;
	if (h.tag == 0)
		return E_FORMAT;
	if (h.indefinite) {
		r = indefinite_end(bytes_of(in->p + h.head, in->n - h.head), &h.body);
		if (r != E_OK)
			return r;
		tail = 2;
	}
	ret->tag = h.tag;
	ret->body = bytes_of(in->p + h.head, h.body);
	ret->whole = bytes_of(in->p, h.head + h.body + tail);
	skip(in, ret->whole.n);
	return E_OK;
}

int ber_take(struct bytes *in, uint8_t tag, struct bytes *ret_body)
{
	struct bytes at = *in;
	struct ber_tlv t;

	if (ber_next(&at, &t) != E_OK || t.tag != tag)
		return E_FORMAT;
	*in = at;
	*ret_body = t.body;
	return E_OK;
}

uint8_t ber_peek(struct bytes in)
{
	return in.n == 0 ? 0 : in.p[0];
}

int ber_count(struct bytes in)
{
	struct ber_tlv t;
	int n = 0;

	while (in.n > 0) {
		if (ber_next(&in, &t) != E_OK)
			return -1;
		n++;
	}
	return n;
}

int ber_octets(const struct ber_tlv *t, uint8_t one_tag, uint8_t parts_tag, size_t *ret_n)
{
	struct bytes rest = t->body, part;
	size_t n = 0;

	if (t->tag == one_tag) {
		*ret_n = t->body.n;
		return E_OK;
	}
	if (t->tag != parts_tag)
		return E_FORMAT;
	while (rest.n > 0) {
		if (ber_take(&rest, BER_OCTETS, &part) != E_OK)
			return E_FORMAT;
		n += part.n;
	}
	*ret_n = n;
	return E_OK;
}
