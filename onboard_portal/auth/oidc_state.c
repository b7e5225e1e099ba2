#include "onboard_portal/auth/oidc_state.h"

#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#include <inttypes.h>
#include <stdlib.h>

#define SEAL_LABEL "scepauth-oidc-seal-1\n"

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
	struct buf plain;
	int r;

	buf_init(&plain, OIDC_STATE_TEXT_SIZE);
	buf_addf(&plain, "%s\n%" PRId64 "\n%s\n%s", s->random, s->started, s->again, s->next);
	r = seal_text(key, SEAL_LABEL, bytes_str(""), &plain, dst, OIDC_STATE_TEXT_SIZE);
	buf_free(&plain);
	return r;
}

static int parse(const char *plain, struct oidc_state *ret)
{
	char text[OIDC_STATE_TEXT_SIZE], *field[4];
	struct oidc_state s = {.started = 0};

	if (text_copy(text, sizeof(text), plain) != E_OK || !seal_split(text, field, 4) ||
	    text_copy(s.random, sizeof(s.random), field[0]) != E_OK ||
	    text_int64(field[1], &s.started) != E_OK ||
	    text_copy(s.again, sizeof(s.again), field[2]) != E_OK ||
	    text_copy(s.next, sizeof(s.next), field[3]) != E_OK || !is_own_path(s.next))
		return E_DENIED;
	*ret = s;
	return E_OK;
}

int oidc_state_open(const char *cookie, const uint8_t key[OIDC_STATE_KEY_SIZE], int64_t now,
		    struct oidc_state *ret)
{
	struct oidc_state s;
	struct buf plain;
	int r;

	buf_init(&plain, OIDC_STATE_TEXT_SIZE);
	r = seal_open(cookie, OIDC_STATE_TEXT_SIZE, key, SEAL_LABEL, bytes_str(""), &plain);
	if (r == E_OK)
		r = parse(buf_str(&plain), &s);
	if (r == E_OK && (now < s.started || now - s.started >= OIDC_STATE_LIFETIME))
		r = E_TIMEOUT;
	if (r == E_OK)
		*ret = s;
	buf_free(&plain);
	return r;
}

int oidc_state_value(const struct oidc_state *s, const uint8_t key[OIDC_STATE_KEY_SIZE],
		     enum oidc_value what, char dst[OIDC_VALUE_SIZE])
{
	static const char *const labels[] = {
		[OIDC_VALUE_STATE] = "scepauth-oidc-state-1\n",
		[OIDC_VALUE_NONCE] = "scepauth-oidc-nonce-1\n",
		[OIDC_VALUE_VERIFIER] = "scepauth-oidc-verifier-1\n",
	};
	uint8_t mac[DIGEST_SIZE];
	int r = seal_hash(key, labels[what], bytes_str(""), bytes_str(s->random), mac);

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
