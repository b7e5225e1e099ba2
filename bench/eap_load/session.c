#include "bench/eap_load/session.h"

#include "core/base/text.h"

enum { ROUNDS_MAX = 300 }; /* a chain of 64 KiB in fragments of 253 bytes fits */

int session_open(struct session *s, SSL_CTX *ctx, struct identity *id, size_t fragment)
{
	int rc;

	*s = (struct session){.id = id};
	rc = tls_open(&s->tls, ctx, id);
	if (rc != E_OK)
		return rc;
	buf_init(&s->reply, EAP_PACKET_MAX);
	eap_init(&s->eap, bytes_str(id->name), fragment);
	eap_hello(&s->eap, &s->reply);
	rc = buf_error(&s->reply);
	if (rc != E_OK)
		session_close(s);
	return rc;
}

void session_close(struct session *s)
{
	tls_close(&s->tls);
	eap_free(&s->eap);
	buf_free(&s->reply);
}

static bool over(struct session *s, enum outcome outcome, const char *reason)
{
	s->outcome = outcome;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
	return false;
}

static bool challenge(struct session *s, const struct radius_reply *r, struct bytes eap)
{
	struct bytes state = radius_get(r, RADIUS_STATE);
	const char *why = "";
	struct buf tls;
	bool ok;

	s->state_n = state.n;
	if (state.n > 0)
		memcpy(s->state, state.p, state.n);
	switch (eap_take(&s->eap, eap, &s->reply, &why)) {
	case EAP_STEP_SEND:
		return buf_error(&s->reply) == E_OK || over(s, OUTCOME_PROTOCOL, "out of memory");
	case EAP_STEP_TLS:
		break;
	case EAP_STEP_BROKEN:
		return over(s, OUTCOME_PROTOCOL, why);
	default:
		return over(s, OUTCOME_PROTOCOL, "end of EAP within a challenge");
	}
	buf_init(&tls, EAP_TLS_MAX);
	tls_step(&s->tls, buf_bytes(&s->eap.in), &tls);
	ok = buf_error(&tls) == E_OK;
	if (ok)
		eap_answer(&s->eap, buf_bytes(&tls), &s->reply);
	ok = ok && buf_error(&s->reply) == E_OK && buf_error(&s->eap.out) == E_OK;
	buf_free(&tls);
	if (s->tls.failed && !s->tls.why[0])
		return over(s, OUTCOME_PROTOCOL, "the server's TLS makes no sense");
	/* With an alert it goes on: it is sent or acknowledged, and the server's reject ends it. */
	return ok || over(s, OUTCOME_PROTOCOL, "TLS message too long");
}

/* The keys of the accept must be those of the handshake: else the device would be let in and hear nothing. */
static bool keys_match(struct session *s, const struct radius_reply *r,
		       const uint8_t *authenticator, struct bytes secret)
{
	static const enum radius_mppe order[] = {RADIUS_MPPE_RECV_KEY, RADIUS_MPPE_SEND_KEY};
	uint8_t msk[TLS_MSK_SIZE], key[RADIUS_KEY_MAX];
	bool good = tls_msk(&s->tls, msk) == E_OK;
	size_t n = 0;

	for (size_t i = 0; good && i < 2; i++) {
		int rc = radius_mppe_key(r, order[i], authenticator, secret, key, &n);

		if (rc == E_NOTFOUND)
			continue;
		s->keys_seen = true;
		good = rc == E_OK && n == TLS_MSK_SIZE / 2 && text_ct_equal(key, msk + i * n, n);
	}
	text_wipe(msk, sizeof(msk));
	text_wipe(key, sizeof(key));
	return good;
}

static bool accepted(struct session *s, const struct radius_reply *r, struct bytes eap,
		     const uint8_t *authenticator, struct bytes secret)
{
	const char *why = "";

	if (eap_take(&s->eap, eap, &s->reply, &why) != EAP_STEP_SUCCESS)
		return over(s, OUTCOME_PROTOCOL, "Access-Accept without EAP-Success");
	if (!s->tls.done || s->tls.failed)
		return over(s, OUTCOME_PROTOCOL, "Access-Accept before the handshake was done");
	s->tls_version = SSL_version(s->tls.ssl);
	s->resumed = SSL_session_reused(s->tls.ssl) == 1;
	if (s->tls_version == TLS1_3_VERSION && !s->tls.committed)
		return over(s, OUTCOME_PROTOCOL,
			    "Access-Accept without the protected success of TLS 1.3");
	if (!keys_match(s, r, authenticator, secret))
		return over(s, OUTCOME_PROTOCOL, "Access-Accept with keys of another handshake");
	return over(s, OUTCOME_ACCEPT, "");
}

static bool rejected(struct session *s, const struct radius_reply *r)
{
	struct buf text;

	if (s->tls.why[0])
		return over(s, OUTCOME_TLS_ALERT, s->tls.why);
	buf_init(&text, RADIUS_MAX);
	radius_collect(r, RADIUS_REPLY_MESSAGE, &text);
	over(s, OUTCOME_REJECT, buf_str(&text));
	buf_free(&text);
	return false;
}

bool session_take(struct session *s, const struct radius_reply *r,
		  const uint8_t authenticator[RADIUS_AUTH_SIZE], struct bytes secret)
{
	struct buf eap;
	bool goes_on;

	if (++s->rounds > ROUNDS_MAX)
		return over(s, OUTCOME_PROTOCOL, "the server finds no end");
	if (r->code == RADIUS_REJECT)
		return rejected(s, r);
	buf_init(&eap, RADIUS_MAX);
	radius_collect(r, RADIUS_EAP_MESSAGE, &eap);
	if (buf_error(&eap) != E_OK)
		goes_on = over(s, OUTCOME_PROTOCOL, "out of memory");
	else if (r->code == RADIUS_ACCEPT)
		goes_on = accepted(s, r, buf_bytes(&eap), authenticator, secret);
	else
		goes_on = challenge(s, r, buf_bytes(&eap));
	buf_free(&eap);
	return goes_on;
}
