#include "scep_ca/codec/certs_only.h"

/* Tag and DER length. */
static void head(struct buf *out, uint8_t tag, size_t n)
{
	buf_add_u8(out, tag);
	if (n < 0x80) {
		buf_add_u8(out, (uint8_t)n);
	} else if (n < 0x100) {
		buf_add_u8(out, 0x81);
		buf_add_u8(out, (uint8_t)n);
	} else if (n < 0x10000) {
		buf_add_u8(out, 0x82);
		buf_add_u8(out, (uint8_t)(n >> 8));
		buf_add_u8(out, (uint8_t)n);
	} else {
		buf_add_u8(out, 0x84);
		buf_add_u32(out, (uint32_t)n);
	}
}

static size_t head_size(size_t n)
{
	return n < 0x80 ? 2 : n < 0x100 ? 3 : n < 0x10000 ? 4 : 6;
}

/* RFC 5652 section 5.1: version 1, no digest, id-data without content, the certificates, no signer. */
#define BAG_BEFORE "\x02\x01\x01\x31\x00\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define BAG_AFTER "\x31\x00"
#define SIGNED_OID "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"

int certs_only_build(struct bytes certs, struct buf *out)
{
	size_t set, seq, wrap;

	if (certs.n == 0 || certs.n > 1 << 20)
		return E_FORMAT;
	set = head_size(certs.n) + certs.n;
	seq = sizeof(BAG_BEFORE) - 1 + set + sizeof(BAG_AFTER) - 1;
	wrap = head_size(seq) + seq;
	head(out, 0x30, sizeof(SIGNED_OID) - 1 + head_size(wrap) + wrap);
	buf_add(out, SIGNED_OID, sizeof(SIGNED_OID) - 1);
	head(out, 0xa0, wrap);
	head(out, 0x30, seq);
	buf_add(out, BAG_BEFORE, sizeof(BAG_BEFORE) - 1);
	head(out, 0xa0, certs.n);
	buf_add_bytes(out, certs);
	buf_add(out, BAG_AFTER, sizeof(BAG_AFTER) - 1);
	return buf_error(out);
}
