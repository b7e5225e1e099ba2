#include "onboard_portal/flow/session.h"

#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#include <inttypes.h>

#define SEAL_LABEL "scepauth-session-3\n"
#define CSRF_LABEL "scepauth-csrf-1\n"

static int64_t idle_end(const struct session *s, int64_t now, int64_t idle)
{
	return now + idle < s->expires ? now + idle : s->expires;
}

int session_start(struct session *ret, const char *user, int64_t now_ms, int64_t lifetime,
		  int64_t idle, const uint8_t rnd[SESSION_NONCE_SIZE])
{
	struct session s = {.issued_ms = now_ms, .expires = now_ms / 1000 + lifetime};

	s.idle_end = idle_end(&s, now_ms / 1000, idle);

	if (*user != '\0' && !text_is_name(user, ID_SIZE - 1))
		return E_FORMAT;
	if (text_copy(s.user, sizeof(s.user), user) != E_OK)
		return E_TOOBIG;
	text_hex(s.nonce, rnd, SESSION_NONCE_SIZE);
	*ret = s;
	return E_OK;
}

bool session_recent(const struct session *s, int64_t now_ms, int64_t within_ms)
{
	int64_t age = now_ms - s->proven_ms;

	return s->proven_ms > 0 && age >= 0 && age < within_ms;
}

bool session_used(struct session *s, int64_t now, int64_t idle)
{
	int64_t end = idle_end(s, now, idle);

	if (end <= s->idle_end || (end < s->expires && end - s->idle_end < idle / 4))
		return false;
	s->idle_end = end;
	return true;
}

int session_seal(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		 char dst[SESSION_TEXT_SIZE])
{
	struct buf plain;
	int r;

	buf_init(&plain, SESSION_TEXT_SIZE);
	buf_addf(&plain, "%s\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%s", s->user,
		 s->issued_ms, s->proven_ms, s->expires, s->idle_end, s->nonce);
	r = seal_text(key, SEAL_LABEL, bytes_str(""), &plain, dst, SESSION_TEXT_SIZE);
	buf_free(&plain);
	return r;
}

static int parse_plain(const char *plain, struct session *ret)
{
	char text[SESSION_TEXT_SIZE], *field[6];
	struct session s = {0};

	if (text_copy(text, sizeof(text), plain) != E_OK || !seal_split(text, field, 6) ||
	    text_copy(s.user, sizeof(s.user), field[0]) != E_OK ||
	    text_int64(field[1], &s.issued_ms) != E_OK ||
	    text_int64(field[2], &s.proven_ms) != E_OK ||
	    text_int64(field[3], &s.expires) != E_OK || text_int64(field[4], &s.idle_end) != E_OK ||
	    text_copy(s.nonce, sizeof(s.nonce), field[5]) != E_OK)
		return E_DENIED;
	*ret = s;
	return E_OK;
}

int session_open(const char *cookie, const uint8_t key[SESSION_KEY_SIZE], int64_t now,
		 struct session *ret)
{
	struct buf plain;
	struct session s;
	int r;

	buf_init(&plain, SESSION_TEXT_SIZE);
	r = seal_open(cookie, SESSION_TEXT_SIZE, key, SEAL_LABEL, bytes_str(""), &plain);
	if (r == E_OK)
		r = parse_plain(buf_str(&plain), &s);
	if (r == E_OK && (now >= s.expires || now >= s.idle_end))
		r = E_TIMEOUT;
	if (r == E_OK)
		*ret = s;
	buf_free(&plain);
	return r;
}

int session_csrf(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		 char dst[SESSION_CSRF_SIZE])
{
	uint8_t mac[DIGEST_SIZE];
	int r = seal_hash(key, CSRF_LABEL, bytes_str(""), bytes_str(s->nonce), mac);

	if (r != E_OK)
		return r;
	text_hex(dst, mac, sizeof(mac));
	return E_OK;
}

bool session_csrf_ok(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		     const char *token)
{
	char want[SESSION_CSRF_SIZE];

	if (token == NULL || session_csrf(s, key, want) != E_OK)
		return false;
	return strlen(token) == SESSION_CSRF_SIZE - 1 &&
	       text_ct_equal(want, token, SESSION_CSRF_SIZE - 1);
}
