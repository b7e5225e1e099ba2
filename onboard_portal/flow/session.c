#include "onboard_portal/flow/session.h"

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/text.h"

#include <inttypes.h>

#define SEAL_LABEL "scepauth-session-3\n"
#define CSRF_LABEL "scepauth-csrf-1\n"
#define MAC_SIZE 32

static int keyed_hash(const uint8_t *key, const char *label, struct bytes data,
		      uint8_t out[MAC_SIZE])
{
	struct buf b;
	int r;

	buf_init(&b, 1024);
	buf_adds(&b, label);
	buf_add_bytes(&b, data);
	r = buf_error(&b);
	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(key, SESSION_KEY_SIZE), buf_bytes(&b), out);
	buf_free(&b);
	return r;
}

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
	uint8_t mac[MAC_SIZE];
	struct buf plain, out;
	int r;

	buf_init(&plain, SESSION_TEXT_SIZE);
	buf_init(&out, SESSION_TEXT_SIZE);
	buf_addf(&plain, "%s\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%" PRId64 "\n%s", s->user,
		 s->issued_ms, s->proven_ms, s->expires, s->idle_end, s->nonce);
	r = buf_error(&plain);
	if (r == E_OK)
		r = keyed_hash(key, SEAL_LABEL, buf_bytes(&plain), mac);
	if (r != E_OK)
		goto out;
	text_base64url(&out, buf_bytes(&plain));
	buf_addc(&out, '.');
	text_base64url(&out, bytes_of(mac, sizeof(mac)));
	r = buf_error(&out);
	if (r == E_OK)
		r = text_copy(dst, SESSION_TEXT_SIZE, buf_str(&out));
out:
	buf_free(&plain);
	buf_free(&out);
	return r;
}

static char *next_field(char **p)
{
	char *field = *p, *end;

	if (field == NULL)
		return NULL;
	end = strchr(field, '\n');
	if (end != NULL)
		*end++ = '\0';
	*p = end;
	return field;
}

static int parse_plain(const struct buf *plain, struct session *ret)
{
	char text[SESSION_TEXT_SIZE], *p = text;
	const char *user, *issued, *proven, *expires, *idle, *nonce;
	struct session s = {0};

	if (strlen(buf_str(plain)) != plain->n ||
	    text_copy(text, sizeof(text), buf_str(plain)) != E_OK)
		return E_FORMAT;
	user = next_field(&p);
	issued = next_field(&p);
	proven = next_field(&p);
	expires = next_field(&p);
	idle = next_field(&p);
	nonce = next_field(&p);
	if (user == NULL || issued == NULL || proven == NULL || expires == NULL || idle == NULL ||
	    nonce == NULL || p != NULL)
		return E_FORMAT;
	if (text_copy(s.user, sizeof(s.user), user) != E_OK ||
	    text_copy(s.nonce, sizeof(s.nonce), nonce) != E_OK ||
	    text_int64(issued, &s.issued_ms) != E_OK || text_int64(proven, &s.proven_ms) != E_OK ||
	    text_int64(expires, &s.expires) != E_OK || text_int64(idle, &s.idle_end) != E_OK)
		return E_FORMAT;
	*ret = s;
	return E_OK;
}

int session_open(const char *cookie, const uint8_t key[SESSION_KEY_SIZE], int64_t now,
		 struct session *ret)
{
	uint8_t mac[MAC_SIZE];
	struct buf plain, got;
	struct session s;
	const char *dot;
	int r = E_DENIED;

	buf_init(&plain, SESSION_TEXT_SIZE);
	buf_init(&got, MAC_SIZE);
	if (cookie == NULL || strnlen(cookie, SESSION_TEXT_SIZE) == SESSION_TEXT_SIZE)
		goto out;
	dot = strchr(cookie, '.');
	if (dot == NULL || text_unbase64url(&plain, cookie, (size_t)(dot - cookie)) != E_OK ||
	    text_unbase64url(&got, dot + 1, strlen(dot + 1)) != E_OK || got.n != MAC_SIZE)
		goto out;
	if (keyed_hash(key, SEAL_LABEL, buf_bytes(&plain), mac) != E_OK ||
	    !text_ct_equal(mac, got.p, MAC_SIZE))
		goto out;
	if (parse_plain(&plain, &s) != E_OK)
		goto out;
	if (now >= s.expires || now >= s.idle_end) {
		r = E_TIMEOUT;
		goto out;
	}
	*ret = s;
	r = E_OK;
out:
	buf_free(&plain);
	buf_free(&got);
	return r;
}

int session_csrf(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		 char dst[SESSION_CSRF_SIZE])
{
	uint8_t mac[MAC_SIZE];
	int r = keyed_hash(key, CSRF_LABEL, bytes_str(s->nonce), mac);

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
