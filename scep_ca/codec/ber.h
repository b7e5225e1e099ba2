/*
 * A reader of BER (ITU-T X.690) that never recurses, never allocates and never trusts a length.
 * It exists so that the shape of a message is known before libcrypto's CMS code sees one byte.
 * Indefinite lengths are read because Apple and Java clients send them.
 */
#ifndef SCEP_CA_CODEC_BER_H
#define SCEP_CA_CODEC_BER_H

#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

enum {
	BER_DEPTH_MAX = 32,
	BER_ELEMENTS_MAX = 4096,

	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_NULL = 0x05,
	BER_OID = 0x06,
	BER_OCTETS_PARTS = 0x24, /* constructed OCTET STRING */
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31,
	BER_CONTEXT = 0x80,       /* + number */
	BER_CONTEXT_PARTS = 0xa0, /* + number, constructed */
};

struct ber_tlv {
	uint8_t tag;
	struct bytes body; /* without the end-of-contents octets */
	struct bytes whole;
};

/*
 * Walks everything in `in` once: each length inside its parent, no end-of-contents astray, at most
 * BER_DEPTH_MAX levels and BER_ELEMENTS_MAX elements, tag numbers below 31. E_FORMAT or E_TOOBIG.
 */
int ber_walk(struct bytes in) MUST_CHECK;

/* Takes the next element off in. E_NOTFOUND at the end. */
int ber_next(struct bytes *in, struct ber_tlv *ret) MUST_CHECK;

/* The same, and the tag must be this one. */
int ber_take(struct bytes *in, uint8_t tag, struct bytes *ret_body) MUST_CHECK;

/* Tag of the next element without taking it; 0 at the end. */
uint8_t ber_peek(struct bytes in);

/* Number of elements left, or -1 when they are malformed. */
int ber_count(struct bytes in);

/* Length of an OCTET STRING's content, whether in one piece or (RFC 5652 section 5.2, BER) in parts
 * of primitive OCTET STRINGs. one_tag and parts_tag are those of its two forms. */
int ber_octets(const struct ber_tlv *t, uint8_t one_tag, uint8_t parts_tag,
	       size_t *ret_n) MUST_CHECK;

#endif
