#include "onboard_portal/flow/letswifi.h"

#include "core/base/text.h"
#include "onboard_portal/flow/seal.h"

#include <inttypes.h>
#include <strings.h>

#define REQUEST_LABEL "scepauth-app-request-1\n"
#define CODE_LABEL "scepauth-app-code-1\n"
#define TOKEN_LABEL "scepauth-app-token-1\n"
#define DEVICE_LABEL "scepauth-app-device-1\n"
#define TICKET_LABEL "scepauth-app-ticket-1\n"
#define SCOPE "eap-metadata"
#define VERIFIER_MIN 43 /* RFC 7636 section 4.1 */
#define VERIFIER_MAX 128

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* As the apps are registered with letswifi servers; loopback: any port (RFC 8252 section 7.3). */
static const struct client {
	const char *id;
	const char *redirect; /* NULL: loopback */
	const char *target;
} clients[] = {
	{"app.eduroam.geteduroam", "app.eduroam.geteduroam:/", "app.eduroam.geteduroam:"},
	{"app.geteduroam.win", NULL, NULL},
	{"app.geteduroam.sh", NULL, NULL},
};

static const struct client *find_client(const char *id)
{
	for (size_t i = 0; id != NULL && i < sizeof(clients) / sizeof(clients[0]); i++)
		if (strcmp(clients[i].id, id) == 0)
			return &clients[i];
	return NULL;
}

/* http://127.0.0.1:PORT/ or http://[::1]:PORT/, in this one spelling. */
static bool is_loopback(const char *uri)
{
	static const char *const hosts[] = {"http://127.0.0.1:", "http://[::1]:"};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const char *port = uri + strlen(hosts[i]);
		size_t n;
		long value = 0;

		if (strncmp(uri, hosts[i], strlen(hosts[i])) != 0)
			continue;
		n = strspn(port, "0123456789");
		if (n == 0 || n > 5 || *port == '0' || strcmp(port + n, "/") != 0)
			return false;
		for (size_t k = 0; k < n; k++)
			value = value * 10 + (port[k] - '0');
		return value <= 65535;
	}
	return false;
}

static bool is_redirect(const struct client *c, const char *uri)
{
	if (uri == NULL)
		return false;
	return c->redirect != NULL ? strcmp(c->redirect, uri) == 0 : is_loopback(uri);
}

/* RFC 6749 appendix A.5: visible ASCII; long enough for any app seen. */
static bool is_state(const char *s)
{
	size_t n = strnlen(s, LETSWIFI_STATE_SIZE);

	if (n >= LETSWIFI_STATE_SIZE)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return true;
}

static bool is_hash(const char *s)
{
	return s != NULL && strnlen(s, LETSWIFI_HASH_SIZE) == LETSWIFI_HASH_SIZE - 1 &&
	       strspn(s, base64url) == LETSWIFI_HASH_SIZE - 1;
}

static const char *fault(const struct letswifi_asked *a)
{
	if (a->type == NULL || *a->type == '\0')
		return "invalid_request";
	if (strcmp(a->type, "code") != 0)
		return "unsupported_response_type";
	if (a->scope != NULL && strcmp(a->scope, SCOPE) != 0)
		return "invalid_scope";
	/* No method means "plain" (RFC 7636 section 4.3), which protects nothing. */
	if (a->method == NULL || strcmp(a->method, "S256") != 0 || !is_hash(a->challenge))
		return "invalid_request";
	return NULL;
}

int letswifi_read(const struct letswifi_asked *a, int64_t now, struct letswifi_request *ret,
		  const char **ret_error)
{
	const struct client *c = find_client(a->client);
	struct letswifi_request q = {.started = now};

	if (c == NULL || !is_redirect(c, a->redirect) ||
	    text_copy(q.client, sizeof(q.client), c->id) != E_OK ||
	    text_copy(q.redirect, sizeof(q.redirect), a->redirect) != E_OK)
		return E_DENIED;
	*ret_error = fault(a);
	if (a->state != NULL && is_state(a->state)) {
		if (text_copy(q.state, sizeof(q.state), a->state) != E_OK)
			return E_INTERNAL;
	} else if (a->state != NULL) {
		*ret_error = "invalid_request";
	}
	if (*ret_error == NULL && text_copy(q.challenge, sizeof(q.challenge), a->challenge) != E_OK)
		return E_INTERNAL;
	*ret = q;
	return *ret_error == NULL ? E_OK : E_FORMAT;
}

/* --- seals -------------------------------------------------------------------------------------------- */

int letswifi_seal(const struct letswifi_request *q, const uint8_t key[LETSWIFI_KEY_SIZE],
		  char dst[LETSWIFI_REQUEST_TEXT_SIZE])
{
	struct buf plain;
	int r;

	buf_init(&plain, LETSWIFI_REQUEST_TEXT_SIZE);
	buf_addf(&plain, "%s\n%s\n%s\n%" PRId64 "\n%s", q->client, q->redirect, q->challenge,
		 q->started, q->state);
	r = seal_text(key, REQUEST_LABEL, bytes_str(""), &plain, dst, LETSWIFI_REQUEST_TEXT_SIZE);
	buf_free(&plain);
	return r;
}

static int parse_request(const char *plain, struct letswifi_request *ret)
{
	char text[LETSWIFI_REQUEST_TEXT_SIZE], *field[5];
	struct letswifi_request q = {.started = 0};

	if (text_copy(text, sizeof(text), plain) != E_OK || !seal_split(text, field, 5) ||
	    text_copy(q.client, sizeof(q.client), field[0]) != E_OK ||
	    text_copy(q.redirect, sizeof(q.redirect), field[1]) != E_OK ||
	    text_copy(q.challenge, sizeof(q.challenge), field[2]) != E_OK ||
	    text_int64(field[3], &q.started) != E_OK ||
	    text_copy(q.state, sizeof(q.state), field[4]) != E_OK)
		return E_DENIED;
	*ret = q;
	return E_OK;
}

int letswifi_open(const char *sealed, const uint8_t key[LETSWIFI_KEY_SIZE], int64_t now,
		  struct letswifi_request *ret)
{
	struct letswifi_request q;
	struct buf plain;
	int r;

	buf_init(&plain, LETSWIFI_REQUEST_TEXT_SIZE);
	r = seal_open(sealed, LETSWIFI_REQUEST_TEXT_SIZE, key, REQUEST_LABEL, bytes_str(""),
		      &plain);
	if (r == E_OK)
		r = parse_request(buf_str(&plain), &q);
	if (r == E_OK && (now < q.started || now - q.started >= LETSWIFI_REQUEST_LIFETIME))
		r = E_TIMEOUT;
	if (r == E_OK)
		*ret = q;
	buf_free(&plain);
	return r;
}

/* --- the way back ------------------------------------------------------------------------------------ */

int letswifi_answer(const struct letswifi_request *q, const char *name, const char *value,
		    struct buf *out)
{
	buf_addf(out, "%s?%s=%s", q->redirect, name, value);
	if (*q->state != '\0')
		buf_adds(out, "&state=");
	for (const char *s = q->state; *s != '\0'; s++) {
		if (strchr(base64url, *s) != NULL || *s == '.' || *s == '~')
			buf_addc(out, *s);
		else
			buf_addf(out, "%%%02X", (unsigned char)*s);
	}
	return buf_error(out);
}

/* A policy has no way to write an address of IPv6: its scheme then. */
int letswifi_form_target(const struct letswifi_request *q, char *dst, size_t size)
{
	const struct client *c = find_client(q->client);
	int r;

	if (c == NULL)
		return E_INTERNAL;
	if (c->target != NULL)
		return text_copy(dst, size, c->target);
	if (strchr(q->redirect, '[') != NULL)
		return text_copy(dst, size, "http:");
	r = text_copy(dst, size, q->redirect);
	if (r == E_OK)
		dst[strlen(dst) - 1] = '\0'; /* its path */
	return r;
}

/* --- codes and tokens ---------------------------------------------------------------------------------- */

/* For whom a code is: the client's name holds no line end, and the challenge has one size. */
static int bound(const char *client, const char *redirect, const char *challenge,
		 uint8_t out[DIGEST_SIZE])
{
	struct buf b;
	int r;

	buf_init(&b, 512);
	buf_addf(&b, "%s\n%s\n%s", client, redirect, challenge);
	r = buf_error(&b);
	if (r == E_OK)
		r = digest_sha256(buf_bytes(&b), out);
	buf_free(&b);
	return r;
}

int letswifi_code(const struct letswifi_grant *g, const struct letswifi_request *q,
		  const uint8_t key[LETSWIFI_KEY_SIZE], char dst[LETSWIFI_CODE_TEXT_SIZE])
{
	char nonce[2 * LETSWIFI_NONCE + 1];
	uint8_t to[DIGEST_SIZE];
	struct buf plain;
	int r = bound(q->client, q->redirect, q->challenge, to);

	buf_init(&plain, LETSWIFI_CODE_TEXT_SIZE);
	text_hex(nonce, g->nonce, sizeof(g->nonce));
	buf_addf(&plain, "%s\n%s\n%" PRId64 "\n%s\n%s", g->user, g->platform, g->expires, nonce,
		 g->name);
	if (r == E_OK)
		r = seal_text(key, CODE_LABEL, bytes_of(to, sizeof(to)), &plain, dst,
			      LETSWIFI_CODE_TEXT_SIZE);
	buf_free(&plain);
	text_wipe(nonce, sizeof(nonce));
	return r;
}

/* RFC 7636 section 4.6. */
static int challenge_of(const char *verifier, char dst[LETSWIFI_HASH_SIZE])
{
	size_t n = verifier != NULL ? strnlen(verifier, VERIFIER_MAX + 1) : 0;
	uint8_t hash[DIGEST_SIZE];
	struct buf b;
	int r;

	if (n < VERIFIER_MIN || n > VERIFIER_MAX)
		return E_DENIED;
	r = digest_sha256(bytes_str(verifier), hash);
	buf_init(&b, LETSWIFI_HASH_SIZE);
	if (r == E_OK) {
		text_base64url(&b, bytes_of(hash, sizeof(hash)));
		r = buf_error(&b);
	}
	if (r == E_OK)
		r = text_copy(dst, LETSWIFI_HASH_SIZE, buf_str(&b));
	buf_free(&b);
	return r;
}

static int parse_grant(const char *plain, struct letswifi_grant *ret)
{
	char text[LETSWIFI_CODE_TEXT_SIZE], *field[5];
	struct letswifi_grant g = {.expires = 0};

	if (text_copy(text, sizeof(text), plain) != E_OK || !seal_split(text, field, 5) ||
	    text_copy(g.user, sizeof(g.user), field[0]) != E_OK ||
	    text_copy(g.platform, sizeof(g.platform), field[1]) != E_OK ||
	    text_int64(field[2], &g.expires) != E_OK ||
	    text_unhex(g.nonce, sizeof(g.nonce), field[3]) != E_OK ||
	    text_copy(g.name, sizeof(g.name), field[4]) != E_OK)
		return E_DENIED;
	*ret = g;
	return E_OK;
}

int letswifi_redeem(const struct letswifi_claim *c, const uint8_t key[LETSWIFI_KEY_SIZE],
		    int64_t now, struct letswifi_grant *ret)
{
	char challenge[LETSWIFI_HASH_SIZE];
	struct letswifi_grant g;
	uint8_t to[DIGEST_SIZE];
	struct buf plain;
	int r;

	if (c->code == NULL || find_client(c->client) == NULL || c->redirect == NULL ||
	    strnlen(c->redirect, LETSWIFI_REDIRECT_SIZE) == LETSWIFI_REDIRECT_SIZE)
		return E_DENIED;
	r = challenge_of(c->verifier, challenge);
	if (r != E_OK)
		return r;
	r = bound(c->client, c->redirect, challenge, to);
	buf_init(&plain, LETSWIFI_CODE_TEXT_SIZE);
	if (r == E_OK)
		r = seal_open(c->code, LETSWIFI_CODE_TEXT_SIZE, key, CODE_LABEL,
			      bytes_of(to, sizeof(to)), &plain);
	if (r == E_OK)
		r = parse_grant(buf_str(&plain), &g);
	if (r == E_OK && now >= g.expires)
		r = E_TIMEOUT;
	if (r == E_OK)
		*ret = g;
	buf_free(&plain);
	return r;
}

static int derive(const uint8_t *key, const char *label, struct bytes from,
		  char dst[ENROL_TOKEN_SIZE])
{
	uint8_t mac[DIGEST_SIZE];
	int r = seal_hash(key, label, bytes_str(""), from, mac);

	if (r == E_OK)
		r = enrol_token(mac, dst);
	text_wipe(mac, sizeof(mac));
	return r;
}

int letswifi_token(const struct letswifi_grant *g, const uint8_t key[LETSWIFI_KEY_SIZE],
		   char token[ENROL_TOKEN_SIZE], char device[ID_SIZE])
{
	struct bytes nonce = bytes_of(g->nonce, sizeof(g->nonce));
	uint8_t mac[DIGEST_SIZE];
	int r = seal_hash(key, DEVICE_LABEL, bytes_str(""), nonce, mac);

	if (r == E_OK) {
		device[0] = 'd';
		text_hex(device + 1, mac, 16);
		r = derive(key, TOKEN_LABEL, nonce, token);
	}
	return r;
}

int letswifi_ticket(const char *token, const uint8_t key[LETSWIFI_KEY_SIZE],
		    char dst[ENROL_TOKEN_SIZE])
{
	return enrol_token_ok(token) ? derive(key, TICKET_LABEL, bytes_str(token), dst) : E_DENIED;
}

const char *letswifi_bearer(const char *header)
{
	if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0)
		return NULL;
	header += 7 + strspn(header + 7, " ");
	return enrol_token_ok(header) ? header : NULL;
}
