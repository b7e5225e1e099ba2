#include "auto_revoke/disconnect/dyn_packet.h"

#include "core/base/digest.h"
#include "core/base/text.h"

enum {
	HEADER = 20,
	AUTHENTICATOR = 4, /* where it begins */
	MD5_SIZE = 16,
	EVENT_TIMESTAMP = 55,
	MESSAGE_AUTHENTICATOR = 80,
	ERROR_CAUSE = 101,
};

static int add(struct dyn_request *p, uint8_t type, const void *value, size_t n)
{
	if (n == 0 || n > DYN_VALUE_MAX || p->n + 2 + n > sizeof(p->bytes))
		return E_TOOBIG;
	p->bytes[p->n++] = type;
	p->bytes[p->n++] = (uint8_t)(n + 2);
	memcpy(p->bytes + p->n, value, n);
	p->n += n;
	return E_OK;
}

int dyn_request_make(enum dyn_code code, uint8_t id, const struct dyn_attr *attrs, size_t n,
		     int64_t now, struct bytes secret, struct dyn_request *ret)
{
	const uint8_t zero[MD5_SIZE] = {0};
	const uint8_t when[4] = {(uint8_t)(now >> 24), (uint8_t)(now >> 16), (uint8_t)(now >> 8),
				 (uint8_t)now};
	struct dyn_request p = {.n = HEADER};
	size_t mac;
	int rc = secret.n == 0 ? E_CRYPTO : E_OK;

	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = add(&p, attrs[i].type, attrs[i].value, attrs[i].n);
	if (rc == E_OK)
		rc = add(&p, EVENT_TIMESTAMP, when, sizeof(when));
	mac = p.n + 2;
	if (rc == E_OK)
		rc = add(&p, MESSAGE_AUTHENTICATOR, zero, sizeof(zero));
	if (rc != E_OK)
		return rc;
	p.bytes[0] = (uint8_t)code;
	p.bytes[1] = id;
	p.bytes[2] = (uint8_t)(p.n >> 8);
	p.bytes[3] = (uint8_t)p.n;
	/* Section 3.4: over sixteen zero octets first, then the authenticator over all of it. */
	rc = digest_hmac_md5(secret, bytes_of(p.bytes, p.n), p.bytes + mac);
	if (rc == E_OK) {
		const struct bytes parts[] = {bytes_of(p.bytes, p.n), secret};

		rc = digest_md5_parts(parts, 2, p.bytes + AUTHENTICATOR);
	}
	if (rc == E_OK)
		*ret = p;
	return rc;
}

/* Walks the attributes; *ret_mac: where the value of Message-Authenticator begins, 0: there is none. */
static int attributes_read(const uint8_t *p, size_t n, struct dyn_answer *a, size_t *ret_mac)
{
	size_t at = HEADER, mac = 0;

	while (at < n) {
		size_t len = n - at >= 2 ? p[at + 1] : 0;
		const uint8_t *v = p + at + 2;

		if (len < 2 || len > n - at)
			return E_FORMAT;
		if (p[at] == MESSAGE_AUTHENTICATOR) {
			if (len != 2 + MD5_SIZE || mac != 0)
				return E_FORMAT;
			mac = at + 2;
		} else if (p[at] == ERROR_CAUSE && len == 6) {
			a->cause = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
				   (uint32_t)v[2] << 8 | v[3];
		}
		at += len;
	}
	*ret_mac = mac;
	return E_OK;
}

/* Both are made with the request's authenticator in place of the answer's (RFC 2865 section 3, 3579 section 3.2). */
static int authenticators_check(const struct dyn_request *q, struct bytes secret,
				const uint8_t *answer, size_t n, size_t mac)
{
	uint8_t copy[DYN_ANSWER_MAX], want[MD5_SIZE];
	const struct bytes parts[] = {bytes_of(copy, n), secret};
	int rc;

	memcpy(copy, answer, n);
	memcpy(copy + AUTHENTICATOR, q->bytes + AUTHENTICATOR, MD5_SIZE);
	rc = digest_md5_parts(parts, 2, want);
	if (rc == E_OK && !text_ct_equal(want, answer + AUTHENTICATOR, MD5_SIZE))
		rc = E_DENIED;
	if (rc != E_OK || mac == 0)
		return rc;
	memset(copy + mac, 0, MD5_SIZE);
	rc = digest_hmac_md5(secret, bytes_of(copy, n), want);
	if (rc == E_OK && !text_ct_equal(want, answer + mac, MD5_SIZE))
		rc = E_DENIED;
	return rc;
}

int dyn_answer_check(const struct dyn_request *q, struct bytes secret, struct bytes answer,
		     struct dyn_answer *ret)
{
	struct dyn_answer a = {.cause = 0};
	size_t n, mac = 0;
	int rc;

	if (answer.n < HEADER || answer.n > DYN_ANSWER_MAX)
		return E_FORMAT;
	n = (size_t)answer.p[2] << 8 | answer.p[3];
	if (n < HEADER || n > answer.n)
		return E_FORMAT;
	if (answer.p[1] != q->bytes[1] ||
	    (answer.p[0] != q->bytes[0] + 1 && answer.p[0] != q->bytes[0] + 2))
		return E_NOTFOUND;
	rc = attributes_read(answer.p, n, &a, &mac);
	if (rc == E_OK)
		rc = authenticators_check(q, secret, answer.p, n, mac);
	if (rc != E_OK)
		return rc;
	a.ack = answer.p[0] == q->bytes[0] + 1;
	*ret = a;
	return E_OK;
}

const char *dyn_cause_text(uint32_t cause)
{
	static const struct {
		uint32_t cause;
		const char *text;
	} causes[] = {
		{0, "the access point gave no cause"},
		{201, "the session was removed, what was left of it too"},
		{202, "not an EAP packet"},
		{401, "it does not support an attribute that we sent: choose another vendor"},
		{402, "it wants an attribute that we did not send: choose another vendor"},
		{403, "it is not the access point that the attributes name"},
		{404, "it calls the request invalid"},
		{405, "it does not support this service"},
		{406, "it does not support this extension"},
		{407, "it calls the value of an attribute invalid"},
		{501, "it may not do this: disconnecting is switched off there"},
		{502, "the request cannot be routed"},
		{503, "it does not know this session (any more)"},
		{504, "the session cannot be removed"},
		{505, "a proxy on the way failed"},
		{506, "it has no resources for this now"},
		{507, "it has begun a request of its own"},
		{508, "it cannot pick one session of several"},
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++)
		if (causes[i].cause == cause)
			return causes[i].text;
	return "a cause that RFC 5176 does not know";
}
