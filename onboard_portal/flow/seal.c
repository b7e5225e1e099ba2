#include "onboard_portal/flow/seal.h"

#include "core/base/text.h"

int seal_hash(const uint8_t key[SEAL_KEY_SIZE], const char *label, struct bytes context,
	      struct bytes data, uint8_t out[DIGEST_SIZE])
{
	struct buf b;
	int r;

	buf_init(&b, 2048);
	buf_adds(&b, label);
	buf_add_bytes(&b, context);
	buf_add_bytes(&b, data);
	r = buf_error(&b);
	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(key, SEAL_KEY_SIZE), buf_bytes(&b), out);
	buf_free(&b);
	return r;
}

int seal_text(const uint8_t key[SEAL_KEY_SIZE], const char *label, struct bytes context,
	      const struct buf *plain, char *dst, size_t size)
{
	uint8_t mac[DIGEST_SIZE];
	struct buf out;
	int r = buf_error(plain);

	buf_init(&out, size);
	if (r == E_OK)
		r = seal_hash(key, label, context, buf_bytes(plain), mac);
	if (r == E_OK) {
		text_base64url(&out, buf_bytes(plain));
		buf_addc(&out, '.');
		text_base64url(&out, bytes_of(mac, sizeof(mac)));
		r = buf_error(&out);
	}
	if (r == E_OK)
		r = text_copy(dst, size, buf_str(&out));
	buf_free(&out);
	return r;
}

int seal_open(const char *sealed, size_t size, const uint8_t key[SEAL_KEY_SIZE], const char *label,
	      struct bytes context, struct buf *plain)
{
	uint8_t mac[DIGEST_SIZE];
	const char *dot;
	struct buf got;
	int r = E_DENIED;

	buf_init(&got, DIGEST_SIZE);
	if (sealed == NULL || strnlen(sealed, size) == size)
		goto out;
	dot = strchr(sealed, '.');
	if (dot == NULL || text_unbase64url(plain, sealed, (size_t)(dot - sealed)) != E_OK ||
	    text_unbase64url(&got, dot + 1, strlen(dot + 1)) != E_OK || got.n != sizeof(mac))
		goto out;
	if (seal_hash(key, label, context, buf_bytes(plain), mac) == E_OK &&
	    text_ct_equal(mac, got.p, sizeof(mac)) && strlen(buf_str(plain)) == plain->n)
		r = E_OK;
out:
	buf_free(&got);
	return r;
}

bool seal_split(char *text, char *field[], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		field[i] = text;
		text = strchr(text, '\n');
		if ((text == NULL) != (i == n - 1))
			return false;
		if (text != NULL)
			*text++ = '\0';
	}
	return true;
}
