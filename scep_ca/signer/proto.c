#include "scep_ca/signer/proto.h"

#include "core/base/text.h"
#include "core/ipc/frame.h"
#include "core/model/ticket.h"

static const struct proto_rule rules[] = {
	{PROTO_RA, PROTO_OPEN, PROTO_OPEN_MAX, PROTO_OPENED_MAX},
	{PROTO_RA, PROTO_REPLY, PROTO_REPLY_MAX, PROTO_REPLIED_MAX},
	{PROTO_CA, PROTO_ISSUE, PROTO_ISSUE_MAX, PROTO_ISSUED_MAX},
	{PROTO_CA, PROTO_CRL, PROTO_CRL_MAX, PROTO_CRL_MADE_MAX},
	{PROTO_CA, PROTO_OCSP, PROTO_OCSP_MAX, PROTO_OCSP_DONE_MAX},
};

#define N_RULES (sizeof(rules) / sizeof(rules[0]))

const struct proto_rule *proto_find(enum proto_role server, unsigned op)
{
	for (size_t i = 0; i < N_RULES; i++) {
		if (rules[i].server == server && (unsigned)rules[i].op == op)
			return &rules[i];
	}
	return NULL;
}

size_t proto_request_max(enum proto_role server)
{
	size_t max = 0;

	for (size_t i = 0; i < N_RULES; i++) {
		if (rules[i].server == server && rules[i].request_max > max)
			max = rules[i].request_max;
	}
	return max;
}

/* --- fields -------------------------------------------------------------------------------------- */

/* Lower-case hex of a SHA-256 and nothing else: these strings go under the seal, where a line feed
 * in one would make two inputs read alike. */
static void get_hash(struct frame_reader *r, char dst[HASH_SIZE])
{
	frame_get_str(r, dst, HASH_SIZE);
	if (strlen(dst) != HASH_SIZE - 1 || strspn(dst, "0123456789abcdef") != HASH_SIZE - 1) {
		frame_bad(r);
		dst[0] = '\0';
	}
}

static void get_name(struct frame_reader *r, char dst[NAME_SIZE])
{
	frame_get_str(r, dst, NAME_SIZE);
	if (!text_is_name(dst, NAME_SIZE - 1))
		frame_bad(r);
}

/* --- requests ------------------------------------------------------------------------------------ */

void proto_put_open(struct buf *b, const struct signer_open_request *q)
{
	frame_put_str(b, q->profile);
	frame_put(b, q->envelope);
	frame_put(b, q->signer_spki);
	frame_put_str(b, q->txn);
}

int proto_get_open(struct bytes in, char profile[NAME_SIZE], struct signer_open_request *ret)
{
	struct frame_reader r = {.rest = in};

	get_name(&r, profile);
	ret->profile = profile;
	ret->envelope = frame_get(&r, SIGNER_ENVELOPE_MAX);
	ret->signer_spki = frame_get(&r, SIGNER_SPKI_MAX);
	get_hash(&r, ret->txn);
	return frame_end(&r);
}

void proto_put_reply(struct buf *b, const struct signer_reply_request *q)
{
	frame_put_str(b, q->profile);
	buf_add_u8(b, (uint8_t)q->status);
	buf_add_u8(b, (uint8_t)q->fail_info);
	buf_add_u8(b, (uint8_t)q->digest);
	buf_add_u8(b, (uint8_t)q->cipher);
	buf_add_u8(b, q->old_ra);
	frame_put_str(b, q->txn);
	frame_put(b, bytes_of(q->nonce, q->nonce_n));
	frame_put(b, q->recipient);
	frame_put(b, q->cert);
}

int proto_get_reply(struct bytes in, char profile[NAME_SIZE], struct signer_reply_request *ret)
{
	struct frame_reader r = {.rest = in};
	struct bytes nonce;

	get_name(&r, profile);
	ret->profile = profile;
	ret->status = frame_enum(&r, SCEP_FAILURE + 1);
	ret->fail_info = frame_enum(&r, SCEP_BAD_CERT_ID + 1);
	ret->digest = frame_enum(&r, SCEP_SHA512 + 1);
	ret->cipher = frame_enum(&r, SCEP_DES + 1);
	ret->old_ra = frame_bool(&r);
	frame_get_str(&r, ret->txn, sizeof(ret->txn));
	nonce = frame_get(&r, sizeof(ret->nonce));
	if (nonce.n > 0)
		memcpy(ret->nonce, nonce.p, nonce.n);
	ret->nonce_n = nonce.n;
	ret->recipient = frame_get(&r, SIGNER_CERT_MAX);
	ret->cert = frame_get(&r, SIGNER_CERT_MAX);
	return frame_end(&r);
}

void proto_put_issue(struct buf *b, const struct grant *g)
{
	buf_add_u8(b, (uint8_t)g->kind);
	frame_put(b, g->content);
	frame_put(b, g->mac);
	frame_put(b, g->spki);
	frame_put_str(b, g->challenge);
	frame_put_str(b, g->txn);
	frame_put(b, g->seal);
}

int proto_get_issue(struct bytes in, struct grant *ret)
{
	struct frame_reader r = {.rest = in};

	ret->kind = frame_enum(&r, GRANT_TICKET + 1);
	ret->content = frame_get(&r, TICKET_CONTENT_MAX);
	ret->mac = frame_get(&r, TICKET_MAC_SIZE);
	ret->spki = frame_get(&r, SIGNER_SPKI_MAX);
	get_hash(&r, ret->challenge);
	get_hash(&r, ret->txn);
	ret->seal = frame_get(&r, GRANT_SEAL_SIZE);
	return frame_end(&r);
}

/* --- answers ------------------------------------------------------------------------------------- */

void proto_put_result(struct buf *b, int code, const struct errmsg *em)
{
	buf_add_u8(b, (uint8_t)-code);
	frame_put_str(b, em->text);
}

/* The code that was returned, or E_FORMAT in the reader. A sentence must not wipe an earlier one. */
static int get_result(struct frame_reader *r, struct errmsg *em)
{
	struct errmsg sent = {""};
	int code = -(int)frame_enum(r, -E_BACKEND + 1);

	frame_get_str(r, sent.text, sizeof(sent.text));
	if (r->error == E_OK && em && sent.text[0])
		*em = sent;
	return code;
}

static int verdict(const struct frame_reader *r, int code, struct errmsg *em)
{
	return frame_end(r) == E_OK ? code
				    : err_set(em, E_FORMAT, "the signer's answer is malformed");
}

void proto_put_opened(struct buf *b, const struct signer_opened *o)
{
	buf_add_u8(b, (uint8_t)o->rule);
	buf_add_u8(b, (uint8_t)o->cipher);
	buf_add_u8(b, o->old_ra);
	buf_add_u8(b, o->key_match);
	buf_add_u8(b, o->has_challenge);
	frame_put_str(b, o->challenge);
	frame_put(b, bytes_of(o->spki, o->spki_n));
	frame_put(b, bytes_of(o->seal, sizeof(o->seal)));
}

int proto_get_opened(struct bytes in, struct signer_opened *ret, struct errmsg *em)
{
	struct frame_reader r = {.rest = in};
	struct signer_opened o = {0};
	struct bytes spki;
	int code = get_result(&r, em);

	if (code != E_OK)
		return verdict(&r, code, em);
	o.rule = frame_enum(&r, RULE_COUNT);
	o.cipher = frame_enum(&r, SCEP_DES + 1);
	o.old_ra = frame_bool(&r);
	o.key_match = frame_bool(&r);
	o.has_challenge = frame_bool(&r);
	frame_get_str(&r, o.challenge, sizeof(o.challenge));
	spki = frame_get(&r, sizeof(o.spki));
	if (spki.n > 0)
		memcpy(o.spki, spki.p, spki.n);
	o.spki_n = spki.n;
	frame_get_exact(&r, o.seal, sizeof(o.seal));
	code = verdict(&r, E_OK, em);
	if (code == E_OK)
		*ret = o;
	return code;
}

/* The bytes that end an answer, appended to out when all of it is good. */
static int take_last(struct frame_reader *r, size_t max, struct buf *out, struct errmsg *em)
{
	struct bytes last = frame_get(r, max);
	int code = verdict(r, E_OK, em);

	if (code != E_OK)
		return code;
	buf_add_bytes(out, last);
	return buf_error(out);
}

int proto_get_replied(struct bytes in, struct buf *out, struct errmsg *em)
{
	struct frame_reader r = {.rest = in};
	int code = get_result(&r, em);

	if (code != E_OK)
		return verdict(&r, code, em);
	return take_last(&r, SIGNER_REPLY_MAX, out, em);
}

void proto_put_issued(struct buf *b, const struct signer_issued *i, struct bytes cert)
{
	buf_add_u8(b, (uint8_t)i->rule);
	buf_add_u8(b, i->again);
	frame_put_str(b, i->serial);
	frame_put_str(b, i->user);
	frame_put_str(b, i->device);
	frame_put(b, cert);
}

int proto_get_issued(struct bytes in, struct signer_issued *ret, struct buf *out, struct errmsg *em)
{
	struct frame_reader r = {.rest = in};
	struct signer_issued i = {0};
	int code = get_result(&r, em);

	if (code != E_OK)
		return verdict(&r, code, em);
	i.rule = frame_enum(&r, RULE_COUNT);
	i.again = frame_bool(&r);
	frame_get_str(&r, i.serial, sizeof(i.serial));
	frame_get_str(&r, i.user, sizeof(i.user));
	frame_get_str(&r, i.device, sizeof(i.device));
	code = take_last(&r, SIGNER_CERT_MAX, out, em);
	if (code == E_OK)
		*ret = i;
	return code;
}

/* --- lists and answers about certificates ------------------------------------------------------- */

void proto_put_crl(struct buf *b, const char *profile, const char *known)
{
	frame_put_str(b, profile);
	frame_put_str(b, known);
}

int proto_get_crl(struct bytes in, char profile[NAME_SIZE], char known[HASH_SIZE])
{
	struct frame_reader r = {.rest = in};

	get_name(&r, profile);
	frame_get_str(&r, known, HASH_SIZE);
	return frame_end(&r);
}

static void put_time(struct buf *b, int64_t t)
{
	buf_add_u32(b, (uint32_t)((uint64_t)t >> 32));
	buf_add_u32(b, (uint32_t)t);
}

static int64_t get_time(struct frame_reader *r)
{
	uint64_t high = frame_u32(r);

	return (int64_t)(high << 32 | frame_u32(r));
}

void proto_put_crl_made(struct buf *b, const struct signer_crl *c, struct bytes der)
{
	buf_add_u8(b, c->made);
	frame_put_str(b, c->revision);
	put_time(b, c->this_update);
	put_time(b, c->next_update);
	frame_put(b, der);
}

int proto_get_crl_made(struct bytes in, struct signer_crl *ret, struct buf *out, struct errmsg *em)
{
	struct frame_reader r = {.rest = in};
	struct signer_crl c = {0};
	int code = get_result(&r, em);

	if (code != E_OK)
		return verdict(&r, code, em);
	c.made = frame_bool(&r);
	frame_get_str(&r, c.revision, sizeof(c.revision));
	c.this_update = get_time(&r);
	c.next_update = get_time(&r);
	code = take_last(&r, SIGNER_CRL_MAX, out, em);
	if (code == E_OK)
		*ret = c;
	return code;
}

void proto_put_ocsp_done(struct buf *b, const struct signer_ocsp *o, struct bytes der)
{
	buf_add_u8(b, o->answered);
	buf_add_u8(b, o->nonce);
	put_time(b, o->this_update);
	put_time(b, o->next_update);
	frame_put(b, der);
}

int proto_get_ocsp_done(struct bytes in, struct signer_ocsp *ret, struct buf *out,
			struct errmsg *em)
{
	struct frame_reader r = {.rest = in};
	struct signer_ocsp o = {0};
	int code = get_result(&r, em);

	if (code != E_OK)
		return verdict(&r, code, em);
	o.answered = frame_bool(&r);
	o.nonce = frame_bool(&r);
	o.this_update = get_time(&r);
	o.next_update = get_time(&r);
	code = take_last(&r, SIGNER_OCSP_MAX, out, em);
	if (code == E_OK)
		*ret = o;
	return code;
}
