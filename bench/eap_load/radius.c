#include "bench/eap_load/radius.h"

#include "core/base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { MD5_SIZE = 16, VENDOR_MICROSOFT = 311, MESSAGE_AUTH_AT = RADIUS_HEADER };

static int md5(uint8_t out[MD5_SIZE], const struct bytes *parts, size_t n)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? E_OK : E_CRYPTO;
}

static int hmac_md5(uint8_t out[MD5_SIZE], struct bytes key, struct bytes in)
{
	unsigned n = 0;

	if (!HMAC(EVP_md5(), key.p, (int)key.n, in.p, in.n, out, &n) || n != MD5_SIZE)
		return E_CRYPTO;
	return E_OK;
}

static void put_u16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void radius_begin(struct radius_packet *p, uint8_t id,
		  const uint8_t authenticator[RADIUS_AUTH_SIZE])
{
	static const uint8_t nothing[MD5_SIZE];

	p->data[0] = RADIUS_REQUEST;
	p->data[1] = id;
	memcpy(p->data + 4, authenticator, RADIUS_AUTH_SIZE);
	p->n = RADIUS_HEADER;
	p->overflow = false;
	/* First, where CVE-2024-3596 has nothing to put before it. */
	radius_add(p, RADIUS_MESSAGE_AUTHENTICATOR, bytes_of(nothing, sizeof(nothing)));
}

void radius_add(struct radius_packet *p, enum radius_type type, struct bytes value)
{
	if (value.n == 0 || value.n > RADIUS_VALUE_MAX || p->n + 2 + value.n > sizeof(p->data)) {
		p->overflow = true;
		return;
	}
	p->data[p->n] = (uint8_t)type;
	p->data[p->n + 1] = (uint8_t)(2 + value.n);
	memcpy(p->data + p->n + 2, value.p, value.n);
	p->n += 2 + value.n;
}

void radius_add_u32(struct radius_packet *p, enum radius_type type, uint32_t value)
{
	uint8_t v[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			(uint8_t)value};

	radius_add(p, type, bytes_of(v, sizeof(v)));
}

void radius_add_eap(struct radius_packet *p, struct bytes eap)
{
	while (eap.n > 0) {
		size_t n = eap.n < RADIUS_VALUE_MAX ? eap.n : RADIUS_VALUE_MAX;

		radius_add(p, RADIUS_EAP_MESSAGE, bytes_of(eap.p, n));
		eap = bytes_of(eap.p + n, eap.n - n);
	}
}

int radius_finish(struct radius_packet *p, struct bytes secret)
{
	if (p->overflow)
		return E_TOOBIG;
	put_u16(p->data + 2, p->n);
	return hmac_md5(p->data + MESSAGE_AUTH_AT + 2, secret, bytes_of(p->data, p->n));
}

/* Next attribute of *rest into type and value; false at the end or when the lengths do not add up, and then
 * rest->n is 0 only at the end. */
static bool next(struct bytes *rest, uint8_t *type, struct bytes *value)
{
	size_t n;

	if (rest->n < 2)
		return false;
	n = rest->p[1];
	if (n < 2 || n > rest->n)
		return false;
	*type = rest->p[0];
	*value = bytes_of(rest->p + 2, n - 2);
	*rest = bytes_of(rest->p + n, rest->n - n);
	return true;
}

enum radius_flaw radius_parse(struct bytes d, struct radius_reply *ret)
{
	struct bytes rest, value;
	uint8_t type;
	size_t n;

	if (d.n < RADIUS_HEADER)
		return RADIUS_MALFORMED;
	n = (size_t)d.p[2] << 8 | d.p[3];
	if (n < RADIUS_HEADER || n > RADIUS_MAX || n > d.n)
		return RADIUS_MALFORMED;
	if (d.p[0] != RADIUS_ACCEPT && d.p[0] != RADIUS_REJECT && d.p[0] != RADIUS_CHALLENGE)
		return RADIUS_MALFORMED;
	rest = bytes_of(d.p + RADIUS_HEADER, n - RADIUS_HEADER);
	while (next(&rest, &type, &value))
		;
	if (rest.n > 0)
		return RADIUS_MALFORMED;
	*ret = (struct radius_reply){.code = d.p[0],
				     .id = d.p[1],
				     .attributes =
					     bytes_of(d.p + RADIUS_HEADER, n - RADIUS_HEADER)};
	return RADIUS_GOOD;
}

/* Where the only Message-Authenticator lies; NULL when there is none, two, or one of a wrong size. */
static const uint8_t *message_auth(const struct radius_reply *r)
{
	struct bytes rest = r->attributes, value;
	const uint8_t *found = NULL;
	uint8_t type;

	while (next(&rest, &type, &value)) {
		if (type != RADIUS_MESSAGE_AUTHENTICATOR)
			continue;
		if (found || value.n != MD5_SIZE)
			return NULL;
		found = value.p;
	}
	return found;
}

enum radius_flaw radius_verify(const struct radius_reply *r,
			       const uint8_t authenticator[RADIUS_AUTH_SIZE], struct bytes secret)
{
	const uint8_t *packet = r->attributes.p - RADIUS_HEADER, *signature;
	uint8_t copy[RADIUS_MAX], want[MD5_SIZE];
	size_t n = RADIUS_HEADER + r->attributes.n;
	struct bytes parts[] = {bytes_of(packet, 4), bytes_of(authenticator, RADIUS_AUTH_SIZE),
				r->attributes, secret};

	if (md5(want, parts, 4) != E_OK || !text_ct_equal(want, packet + 4, MD5_SIZE))
		return RADIUS_BAD_RESPONSE_AUTH;
	signature = message_auth(r);
	if (!signature)
		return RADIUS_UNSIGNED;
	memcpy(copy, packet, n);
	memcpy(copy + 4, authenticator, RADIUS_AUTH_SIZE);
	memset(copy + (signature - packet), 0, MD5_SIZE);
	if (hmac_md5(want, secret, bytes_of(copy, n)) != E_OK ||
	    !text_ct_equal(want, signature, MD5_SIZE))
		return RADIUS_BAD_MESSAGE_AUTH;
	return RADIUS_GOOD;
}

struct bytes radius_get(const struct radius_reply *r, enum radius_type type)
{
	struct bytes rest = r->attributes, value;
	uint8_t t;

	while (next(&rest, &t, &value)) {
		if (t == type)
			return value;
	}
	return bytes_of(NULL, 0);
}

void radius_collect(const struct radius_reply *r, enum radius_type type, struct buf *out)
{
	struct bytes rest = r->attributes, value;
	uint8_t t;

	while (next(&rest, &t, &value)) {
		if (t == type)
			buf_add_bytes(out, value);
	}
}

/* Salt and ciphertext of a Microsoft vendor attribute; several in one attribute are looked through too. */
static struct bytes find_mppe(const struct radius_reply *r, enum radius_mppe type)
{
	static const uint8_t vendor[4] = {0, 0, VENDOR_MICROSOFT >> 8, VENDOR_MICROSOFT & 255};
	struct bytes rest = r->attributes, value, inner, v;
	uint8_t t;

	while (next(&rest, &t, &value)) {
		if (t != RADIUS_VENDOR || value.n < 4 || memcmp(value.p, vendor, 4) != 0)
			continue;
		inner = bytes_of(value.p + 4, value.n - 4);
		while (next(&inner, &t, &v)) {
			if (t == type)
				return v;
		}
	}
	return bytes_of(NULL, 0);
}

int radius_mppe_key(const struct radius_reply *r, enum radius_mppe type,
		    const uint8_t authenticator[RADIUS_AUTH_SIZE], struct bytes secret,
		    uint8_t out[RADIUS_KEY_MAX], size_t *ret_n)
{
	struct bytes v = find_mppe(r, type);
	uint8_t pad[MD5_SIZE], plain[RADIUS_VALUE_MAX];
	size_t n = v.n > 2 ? v.n - 2 : 0;
	int rc = E_FORMAT;

	if (v.n == 0)
		return E_NOTFOUND;
	if (n == 0 || n % MD5_SIZE != 0)
		return E_FORMAT;
	for (size_t at = 0; at < n; at += MD5_SIZE) {
		struct bytes first[] = {secret, bytes_of(authenticator, RADIUS_AUTH_SIZE),
					bytes_of(v.p, 2)};
		struct bytes later[] = {secret, bytes_of(v.p + 2 + at - MD5_SIZE, MD5_SIZE)};

		rc = at == 0 ? md5(pad, first, 3) : md5(pad, later, 2);
		if (rc != E_OK)
			return rc;
		for (size_t i = 0; i < MD5_SIZE; i++)
			plain[at + i] = v.p[2 + at + i] ^ pad[i];
	}
	rc = E_FORMAT;
	if (plain[0] > 0 && plain[0] < n && plain[0] <= RADIUS_KEY_MAX) {
		memcpy(out, plain + 1, plain[0]);
		*ret_n = plain[0];
		rc = E_OK;
	}
	text_wipe(plain, sizeof(plain));
	return rc;
}

const char *radius_flaw_text(enum radius_flaw flaw)
{
	static const char *const words[RADIUS_FLAWS] = {
		[RADIUS_GOOD] = "good",
		[RADIUS_MALFORMED] = "malformed",
		[RADIUS_BAD_RESPONSE_AUTH] = "wrong response authenticator",
		[RADIUS_UNSIGNED] = "no Message-Authenticator",
		[RADIUS_BAD_MESSAGE_AUTH] = "wrong Message-Authenticator",
	};

	return words[flaw];
}
