#include "core/ldap/dirsync.h"

/* BER as RFC 4511 section 5.1 allows it: definite lengths only. */
enum {
	TAG_BOOLEAN = 0x01,
	TAG_OCTETS = 0x04,
	TAG_ENUM = 0x0A,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_NEW_COOKIE = 0x80,
	TAG_REFRESH_DELETE = 0xA1,
	TAG_REFRESH_PRESENT = 0xA2,
	TAG_ID_SET = 0xA3,
	MODE_PERSIST = 3,
};

/* Takes one element off the front of *in. */
static int take(struct bytes *in, uint8_t *ret_tag, struct bytes *ret)
{
	size_t at = 2, n;

	if (in->n < 2)
		return E_FORMAT;
	n = in->p[1];
	if (n >= 0x80) {
		size_t more = n & 0x7F;

		if (more == 0 || more > 4 || in->n - 2 < more)
			return E_FORMAT;
		n = 0;
		for (size_t i = 0; i < more; i++)
			n = n << 8 | in->p[at++];
	}
	if (in->n - at < n)
		return E_FORMAT;
	*ret_tag = in->p[0];
	*ret = bytes_of(in->p + at, n);
	*in = bytes_of(in->p + at + n, in->n - at - n);
	return E_OK;
}

static bool next_is(const struct bytes *in, uint8_t tag)
{
	return in->n > 0 && in->p[0] == tag;
}

static int take_as(struct bytes *in, uint8_t tag, struct bytes *ret)
{
	uint8_t got = 0;

	return next_is(in, tag) ? take(in, &got, ret) : E_FORMAT;
}

static int take_cookie(struct bytes *in, struct bytes *ret)
{
	int rc;

	*ret = bytes_of(NULL, 0);
	if (!next_is(in, TAG_OCTETS))
		return E_OK;
	rc = take_as(in, TAG_OCTETS, ret);
	return rc == E_OK && ret->n > DIRSYNC_COOKIE_MAX ? E_TOOBIG : rc;
}

static int take_bool(struct bytes *in, bool *value)
{
	struct bytes v;
	int rc;

	if (!next_is(in, TAG_BOOLEAN))
		return E_OK;
	rc = take_as(in, TAG_BOOLEAN, &v);
	if (rc != E_OK || v.n != 1)
		return E_FORMAT;
	*value = v.p[0] != 0;
	return E_OK;
}

int dirsync_request(struct bytes cookie, struct buf *out)
{
	size_t inner = 3 + (cookie.n == 0 ? 0 : 4 + cookie.n);

	if (cookie.n > DIRSYNC_COOKIE_MAX)
		return E_TOOBIG;
	/* Long lengths throughout: BER, not DER. */
	buf_add_u8(out, TAG_SEQUENCE);
	buf_add_u8(out, 0x82);
	buf_add_u8(out, (uint8_t)(inner >> 8));
	buf_add_u8(out, (uint8_t)inner);
	buf_add_u8(out, TAG_ENUM);
	buf_add_u8(out, 1);
	buf_add_u8(out, MODE_PERSIST);
	if (cookie.n > 0) {
		buf_add_u8(out, TAG_OCTETS);
		buf_add_u8(out, 0x82);
		buf_add_u8(out, (uint8_t)(cookie.n >> 8));
		buf_add_u8(out, (uint8_t)cookie.n);
		buf_add_bytes(out, cookie);
	}
	return buf_error(out);
}

int dirsync_read_state(struct bytes value, struct dirsync_msg *ret)
{
	struct dirsync_msg m = {.kind = DIRSYNC_ENTRY};
	struct bytes seq, state, uuid;
	int rc = take_as(&value, TAG_SEQUENCE, &seq);

	if (rc == E_OK)
		rc = take_as(&seq, TAG_ENUM, &state);
	if (rc == E_OK)
		rc = take_as(&seq, TAG_OCTETS, &uuid);
	if (rc == E_OK)
		rc = take_cookie(&seq, &m.cookie);
	if (rc != E_OK)
		return rc;
	if (state.n != 1 || state.p[0] > DIRSYNC_DELETE || uuid.n != sizeof(m.uuid) || seq.n != 0 ||
	    value.n != 0)
		return E_FORMAT;
	m.state = (enum dirsync_state)state.p[0];
	memcpy(m.uuid, uuid.p, sizeof(m.uuid));
	*ret = m;
	return E_OK;
}

static int read_set(struct bytes in, struct buf *set, struct dirsync_msg *m)
{
	struct bytes ids, id;
	size_t n = 0;
	int rc = take_cookie(&in, &m->cookie);

	if (rc == E_OK)
		rc = take_bool(&in, &m->deletes);
	if (rc == E_OK)
		rc = take_as(&in, TAG_SET, &ids);
	if (rc == E_OK && in.n != 0)
		rc = E_FORMAT;
	while (rc == E_OK && ids.n > 0) {
		rc = take_as(&ids, TAG_OCTETS, &id);
		if (rc == E_OK && id.n != DIRSYNC_UUID_SIZE)
			rc = E_FORMAT;
		if (rc == E_OK && ++n > DIRSYNC_SET_MAX)
			rc = E_TOOBIG;
		if (rc == E_OK)
			buf_add_bytes(set, id);
	}
	if (rc == E_OK)
		rc = buf_error(set);
	m->uuids = buf_bytes(set);
	return rc;
}

int dirsync_read_info(struct bytes value, struct buf *set, struct dirsync_msg *ret)
{
	struct dirsync_msg m = {.kind = DIRSYNC_COOKIE};
	struct bytes in;
	uint8_t tag = 0;
	int rc = take(&value, &tag, &in);

	if (rc != E_OK || value.n != 0)
		return E_FORMAT;
	switch (tag) {
	case TAG_NEW_COOKIE:
		m.cookie = in;
		rc = in.n > DIRSYNC_COOKIE_MAX ? E_TOOBIG : E_OK;
		break;
	case TAG_REFRESH_DELETE:
	case TAG_REFRESH_PRESENT:
		m.kind = DIRSYNC_PHASE;
		m.present = tag == TAG_REFRESH_PRESENT;
		m.refresh_done = true;
		rc = take_cookie(&in, &m.cookie);
		if (rc == E_OK)
			rc = take_bool(&in, &m.refresh_done);
		if (rc == E_OK && in.n != 0)
			rc = E_FORMAT;
		break;
	case TAG_ID_SET:
		m.kind = DIRSYNC_SET;
		rc = read_set(in, set, &m);
		break;
	default:
		rc = E_FORMAT;
	}
	if (rc == E_OK)
		*ret = m;
	return rc;
}
