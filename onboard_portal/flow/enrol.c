#include "onboard_portal/flow/enrol.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#define CHALLENGE_LABEL "scepauth-challenge-1\n"
#define PASSWORD_LABEL "scepauth-p12-1\n"

int enrol_token(const uint8_t rnd[ENROL_RANDOM_SIZE], char dst[ENROL_TOKEN_SIZE])
{
	struct buf b;
	int r;

	buf_init(&b, ENROL_TOKEN_SIZE);
	text_base64url(&b, bytes_of(rnd, ENROL_RANDOM_SIZE));
	r = buf_error(&b);
	if (r == E_OK)
		r = text_copy(dst, ENROL_TOKEN_SIZE, buf_str(&b));
	buf_free(&b);
	return r;
}

bool enrol_token_ok(const char *token)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return token != NULL && strnlen(token, ENROL_TOKEN_SIZE) == ENROL_TOKEN_SIZE - 1 &&
	       strspn(token, alphabet) == ENROL_TOKEN_SIZE - 1;
}

int enrol_challenge(const char *token, const uint8_t key[ENROL_KEY_SIZE],
		    char dst[ENROL_CHALLENGE_SIZE], char hash[HASH_SIZE])
{
	char challenge[ENROL_CHALLENGE_SIZE], digest[HASH_SIZE];
	uint8_t mac[32] = {0};
	int r = E_FORMAT;

	if (enrol_token_ok(token))
		r = seal_hash(key, CHALLENGE_LABEL, bytes_str(""), bytes_str(token), mac);
	if (r != E_OK)
		goto out;
	text_hex_upper(challenge, mac, (ENROL_CHALLENGE_SIZE - 1) / 2);
	r = digest_sha256_hex(bytes_str(challenge), digest);
	if (r != E_OK)
		goto out;
	memcpy(dst, challenge, sizeof(challenge));
	memcpy(hash, digest, sizeof(digest));
out:
	text_wipe(challenge, sizeof(challenge));
	text_wipe(mac, sizeof(mac));
	return r;
}

int enrol_password(const char *token, const uint8_t key[ENROL_KEY_SIZE],
		   char dst[ENROL_PASSWORD_SIZE])
{
	static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint8_t mac[32] = {0};
	int r = E_FORMAT;

	if (enrol_token_ok(token))
		r = seal_hash(key, PASSWORD_LABEL, bytes_str(""), bytes_str(token), mac);
	for (size_t i = 0; i < ENROL_PASSWORD_SIZE - 1; i++)
		dst[i] = alphabet[mac[i] % (sizeof(alphabet) - 1)];
	dst[ENROL_PASSWORD_SIZE - 1] = '\0';
	if (r != E_OK)
		dst[0] = '\0';
	text_wipe(mac, sizeof(mac));
	return r;
}

int enrol_ticket(const struct enrol_order *o, const uint8_t mac_key[ENROL_KEY_SIZE],
		 struct ticket *ret, struct buf *content, uint8_t mac[TICKET_MAC_SIZE])
{
	struct ticket t = {
		.lifetime = o->cert_lifetime,
		.issued = o->now,
		.expires = o->now + o->ticket_lifetime,
	};
	int r;

	if (text_copy(t.challenge, sizeof(t.challenge), o->challenge_hash) != E_OK ||
	    text_copy(t.user, sizeof(t.user), o->user) != E_OK ||
	    text_copy(t.device, sizeof(t.device), o->device) != E_OK ||
	    text_copy(t.profile, sizeof(t.profile), o->profile) != E_OK ||
	    text_copy(t.cn, sizeof(t.cn), o->device) != E_OK)
		return E_TOOBIG;
	r = ticket_encode(&t, content);
	if (r == E_OK)
		r = buf_error(content);
	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(mac_key, ENROL_KEY_SIZE), buf_bytes(content), mac);
	if (r == E_OK)
		*ret = t;
	return r;
}
