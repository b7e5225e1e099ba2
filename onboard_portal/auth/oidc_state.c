#include "onboard_portal/auth/oidc_state.h"

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/text.h"

#include <inttypes.h>
#include <stdlib.h>

static int keyed_hash(const uint8_t *key, const char *label, const char *text,
		      uint8_t out[DIGEST_SIZE])
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	buf_addf(&b, "%s\n%s", label, text);
	r = buf_error(&b);
	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(key, OIDC_STATE_KEY_SIZE), buf_bytes(&b), out);
	buf_free(&b);
	return r;
}

static int base64url_text(struct bytes in, char *dst, size_t size)
{
	struct buf b;
	int r;

	buf_init(&b, size);
	text_base64url(&b, in);
	r = buf_error(&b);
	if (r == E_OK)
		r = text_copy(dst, size, buf_str(&b));
	buf_free(&b);
	return r;
}

/* "//host" and "/\host" are other sites to a browser. */
static bool is_own_path(const char *s)
{
	size_t n = strnlen(s, OIDC_NEXT_SIZE);

	return n > 0 && n < OIDC_NEXT_SIZE && s[0] == '/' && s[1] != '/' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_-.?=") ==
		       n;
}

int oidc_state_start(struct oidc_state *ret, const char *again, const char *next, int64_t now,
		     const uint8_t rnd[OIDC_STATE_RANDOM])
{
	struct oidc_state s = {.started = now};

	if (!is_own_path(next) || (*again != '\0' && !text_is_name(again, ID_SIZE - 1)))
		return E_FORMAT;
	if (text_copy(s.next, sizeof(s.next), next) != E_OK ||
	    text_copy(s.again, sizeof(s.again), again) != E_OK)
		return E_TOOBIG;
	text_hex(s.random, rnd, OIDC_STATE_RANDOM);
	*ret = s;
	return E_OK;
}

int oidc_state_seal(const struct oidc_state *s, const uint8_t key[OIDC_STATE_KEY_SIZE],
		    char dst[OIDC_STATE_TEXT_SIZE])
{
	uint8_t mac[DIGEST_SIZE];
	struct buf plain, out;
	int r;

	buf_init(&plain, OIDC_STATE_TEXT_SIZE);
	buf_init(&out, OIDC_STATE_TEXT_SIZE - 1);
	buf_addf(&plain, "%s\n%" PRId64 "\n%s\n%s", s->random, s->started, s->again, s->next);
	r = buf_error(&plain);
	if (r == E_OK)
		r = keyed_hash(key, "scepauth-oidc-seal-1", buf_str(&plain), mac);
	if (r == E_OK) {
		text_base64url(&out, buf_bytes(&plain));
		buf_addc(&out, '.');
		text_base64url(&out, bytes_of(mac, sizeof(mac)));
		r = buf_error(&out);
	}
	if (r == E_OK)
		r = text_copy(dst, OIDC_STATE_TEXT_SIZE, buf_str(&out));
	buf_free(&plain);
	buf_free(&out);
	return r;
}

/* The text was sealed by us, so that a bent one is a mistake of ours. */
static int parse(const char *plain, struct oidc_state *ret)
{
	char text[OIDC_STATE_TEXT_SIZE], *field[4], *p = text;
	struct oidc_state s = {.started = 0};

	if (text_copy(text, sizeof(text), plain) != E_OK)
		return E_FORMAT;
	for (size_t i = 0; i < 4; i++) {
		field[i] = p;
		p = strchr(p, '\n');
		if ((p == NULL) != (i == 3))
			return E_FORMAT;
		if (p != NULL)
			*p++ = '\0';
	}
	if (text_copy(s.random, sizeof(s.random), field[0]) != E_OK ||
	    text_int64(field[1], &s.started) != E_OK ||
	    text_copy(s.again, sizeof(s.again), field[2]) != E_OK ||
	    text_copy(s.next, sizeof(s.next), field[3]) != E_OK || !is_own_path(s.next))
		return E_FORMAT;
	*ret = s;
	return E_OK;
}

int oidc_state_open(const char *cookie, const uint8_t key[OIDC_STATE_KEY_SIZE], int64_t now,
		    struct oidc_state *ret)
{
	uint8_t mac[DIGEST_SIZE];
	struct buf plain, got;
	struct oidc_state s;
	const char *dot;
	int r = E_DENIED;

	buf_init(&plain, OIDC_STATE_TEXT_SIZE);
	buf_init(&got, DIGEST_SIZE);
	if (cookie == NULL || strnlen(cookie, OIDC_STATE_TEXT_SIZE) == OIDC_STATE_TEXT_SIZE)
		goto out;
	dot = strchr(cookie, '.');
	if (dot == NULL || text_unbase64url(&plain, cookie, (size_t)(dot - cookie)) != E_OK ||
	    text_unbase64url(&got, dot + 1, strlen(dot + 1)) != E_OK || got.n != DIGEST_SIZE)
		goto out;
	if (keyed_hash(key, "scepauth-oidc-seal-1", buf_str(&plain), mac) != E_OK ||
	    !text_ct_equal(mac, got.p, DIGEST_SIZE) || parse(buf_str(&plain), &s) != E_OK)
		goto out;
	r = E_TIMEOUT;
	if (now < s.started || now - s.started >= OIDC_STATE_LIFETIME)
		goto out;
	*ret = s;
	r = E_OK;
out:
	buf_free(&plain);
	buf_free(&got);
	return r;
}

int oidc_state_value(const struct oidc_state *s, const uint8_t key[OIDC_STATE_KEY_SIZE],
		     enum oidc_value what, char dst[OIDC_VALUE_SIZE])
{
	static const char *const labels[] = {
		[OIDC_VALUE_STATE] = "scepauth-oidc-state-1",
		[OIDC_VALUE_NONCE] = "scepauth-oidc-nonce-1",
		[OIDC_VALUE_VERIFIER] = "scepauth-oidc-verifier-1",
	};
	uint8_t mac[DIGEST_SIZE];
	int r = keyed_hash(key, labels[what], s->random, mac);

	if (r == E_OK)
		r = base64url_text(bytes_of(mac, sizeof(mac)), dst, OIDC_VALUE_SIZE);
	text_wipe(mac, sizeof(mac));
	return r;
}

int oidc_state_challenge(const char *verifier, char dst[OIDC_VALUE_SIZE])
{
	uint8_t hash[DIGEST_SIZE];
	int r = digest_sha256(bytes_str(verifier), hash);

	return r == E_OK ? base64url_text(bytes_of(hash, sizeof(hash)), dst, OIDC_VALUE_SIZE) : r;
}

struct oidc_used {
	size_t n, next;
	char random[][2 * OIDC_STATE_RANDOM + 1];
};

struct oidc_used *oidc_used_new(size_t n)
{
	struct oidc_used *u = calloc(1, sizeof(*u) + n * sizeof(u->random[0]));

	if (u != NULL)
		u->n = n;
	return u;
}

void oidc_used_free(struct oidc_used *u)
{
	free(u);
}

bool oidc_used_take(struct oidc_used *u, const struct oidc_state *s)
{
	for (size_t i = 0; i < u->n; i++)
		if (strcmp(u->random[i], s->random) == 0)
			return false;
	memcpy(u->random[u->next], s->random, sizeof(s->random));
	u->next = u->next + 1 < u->n ? u->next + 1 : 0;
	return true;
}
