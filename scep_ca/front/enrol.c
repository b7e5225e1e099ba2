#include "scep_ca/front/enrol.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/store/store_desk.h"
#include "scep_ca/codec/request.h"
#include "scep_ca/policy/policy.h"

#define RETRY_AFTER "5"

struct enrol {
	struct service *service;
	const struct service_profile *profile;
	const char *client;
	struct store *store;
	struct scep_request msg;
	char txn[HASH_SIZE];
	struct signer_opened opened;
	struct store_ticket ticket;
	struct policy_decision decision;
	struct signer_issued issued;
	struct buf cert;
	enum scep_rule rule; /* why not, or RULE_NONE */
	const char *step;    /* how far it came */
	struct errmsg em;
};

static void answer_busy(struct http_response *res, const char *text)
{
	http_text(res, 503, text);
	if (http_set_header(res, "Retry-After", RETRY_AFTER) != E_OK)
		log_error("Retry-After could not be set");
}

/* --- steps: each returns E_OK (see e->rule) or why the machinery failed -------------------------- */

static int admit(struct enrol *e)
{
	struct policy_message m = {
		.message_type = e->msg.attrs.message_type,
		.signer_rsa = e->msg.signer_rsa,
		.digest = e->msg.digest,
		.allow_sha1 = e->profile->allow_sha1,
	};

	e->step = "message";
	policy_admit(&m, &e->decision);
	e->rule = e->decision.verdict == POLICY_OPEN ? RULE_NONE : e->decision.rule;
	return E_OK;
}

static int open_envelope(struct enrol *e)
{
	struct signer_open_request req = {
		.profile = e->profile->name,
		.envelope = buf_bytes(&e->msg.envelope),
		.signer_spki = buf_bytes(&e->msg.signer_spki),
	};
	int r;

	e->step = "open";
	memcpy(req.txn, e->txn, sizeof(req.txn));
	r = signer_open(e->service->signer, &req, &e->opened, &e->em);
	if (r == E_OK)
		e->rule = e->opened.rule;
	return r;
}

static void fill_facts(const struct enrol *e, struct policy_facts *f)
{
	*f = (struct policy_facts){
		.profile = e->profile->name,
		.now = clock_now(),
		.replay_window = e->service->replay_window,
		.key_match = e->opened.key_match,
		.has_challenge = e->opened.has_challenge,
		.spki = bytes_of(e->opened.spki, e->opened.spki_n),
		.challenge = e->opened.challenge,
		.txn = e->txn,
		.seal = bytes_of(e->opened.seal, sizeof(e->opened.seal)),
	};
}

static int decide(struct enrol *e)
{
	struct policy_facts f;
	int r;

	e->step = "ticket";
	fill_facts(e, &f);
	policy_opened(&f, &e->decision);
	e->rule = e->decision.rule;
	if (e->decision.verdict != POLICY_OPEN)
		return E_OK;
	r = store_ticket_get(e->store, e->opened.challenge, &e->ticket, &e->em);
	if (r != E_OK && r != E_NOTFOUND)
		return r;
	f.have_ticket = r == E_OK;
	f.content = buf_bytes(&e->ticket.content);
	f.mac = buf_bytes(&e->ticket.mac);
	f.ticket_readable = f.have_ticket && ticket_decode(f.content, &f.ticket) == E_OK;
	policy_decide(&f, &e->decision);
	e->rule = e->decision.verdict == POLICY_GRANT ? RULE_NONE : e->decision.rule;
	return E_OK;
}

static int issue(struct enrol *e)
{
	int r;

	e->step = "issue";
	r = signer_issue(e->service->signer, &e->decision.grant, &e->issued, &e->cert, &e->em);
	if (r == E_OK)
		e->rule = e->issued.rule;
	return r;
}

static int run(struct enrol *e)
{
	static int (*const steps[])(struct enrol *) = {admit, open_envelope, decide, issue};
	int r = E_OK;

	for (size_t i = 0;
	     r == E_OK && e->rule == RULE_NONE && i < sizeof(steps) / sizeof(steps[0]); i++)
		r = steps[i](e);
	return r;
}

/* --- telling ------------------------------------------------------------------------------------- */

/* The story for the helpdesk. The challenge is in none of these fields. */
static int tell(struct enrol *e)
{
	bool ok = e->rule == RULE_NONE;
	const char *detail = ok ? e->issued.serial : rule_text(e->rule);
	const struct audit_field fields[] = {
		{"profile", e->profile->name}, {"client", e->client},
		{"txn", e->msg.attrs.txn},     {"step", e->step},
		{"rule", rule_word(e->rule)},  {"detail", detail},
	};

	if (ok) {
		log_info("%s %s: %s for %s (%s)", e->profile->name, e->client,
			 e->issued.again ? "same certificate again" : "issued", e->issued.serial,
			 e->issued.user);
	} else {
		log_warn("%s %s: refused at %s: %s: %s%s%s", e->profile->name, e->client, e->step,
			 rule_word(e->rule), rule_text(e->rule), e->em.text[0] ? ": " : "",
			 e->em.text);
		if (audit_event("enrol_refused", "", fields, sizeof(fields) / sizeof(fields[0])) !=
		    E_OK)
			log_error("audit line was lost");
	}
	if (e->opened.has_challenge && *e->opened.challenge != '\0')
		return store_enrol_note_of(e->store, e->opened.challenge, e->txn,
					   ok ? "issued" : e->step, rule_word(e->rule), detail,
					   &e->em);
	return store_enrol_note(e->store, e->txn, ok ? "issued" : e->step, rule_word(e->rule),
				detail, &e->em);
}

static int reply(struct enrol *e, struct http_response *res)
{
	struct signer_reply_request req = {
		.profile = e->profile->name,
		.status = e->rule == RULE_NONE ? SCEP_SUCCESS : SCEP_FAILURE,
		.fail_info = SCEP_BAD_REQUEST,
		.digest = e->msg.digest,
		.cipher = e->opened.cipher,
		.old_ra = e->opened.old_ra,
		.nonce_n = e->msg.attrs.nonce_n,
	};
	int r;

	memcpy(req.txn, e->msg.attrs.txn, sizeof(req.txn));
	memcpy(req.nonce, e->msg.attrs.nonce, sizeof(req.nonce));
	if (req.status == SCEP_SUCCESS) {
		req.recipient = buf_bytes(&e->msg.signer_cert);
		req.cert = buf_bytes(&e->cert);
	}
	buf_reset(&res->body);
	r = signer_reply(e->service->signer, &req, &res->body, &e->em);
	if (r != E_OK)
		return r;
	res->status = 200;
	res->content_type = "application/x-pki-message";
	return E_OK;
}

static void enrol(struct enrol *e, struct http_response *res)
{
	int r = run(e);

	if (err_is_away(r)) {
		log_error("%s %s: %s is away: %s", e->profile->name, e->client, e->step,
			  e->em.text);
		return answer_busy(res, "not available, come again\n");
	}
	if (r != E_OK) {
		log_error("%s %s: %s failed: %s", e->profile->name, e->client, e->step, e->em.text);
		e->rule = RULE_INTERNAL;
	}
	if (e->rule != RULE_NONE)
		throttle_refused(e->service->throttle, e->client, clock_mono_ms());
	r = tell(e);
	/* A certificate that is committed goes out, whether or not its story could be written. A
	 * refusal does not: with the store away, a request that opens and one that does not must look
	 * alike. */
	if (r != E_OK)
		log_error("enrol note: %s", e->em.text);
	if (err_is_away(r) && e->rule != RULE_NONE)
		return answer_busy(res, "not available, come again\n");
	r = reply(e, res);
	if (err_is_away(r)) {
		log_error("%s %s: reply is away: %s", e->profile->name, e->client, e->em.text);
		return answer_busy(res, "not available, come again\n");
	}
	if (r != E_OK && e->rule == RULE_NONE) {
		log_error("%s %s: no reply to this client's certificate: %s", e->profile->name,
			  e->client, e->em.text);
		e->rule = RULE_INTERNAL;
		r = reply(e, res);
	}
	if (r != E_OK) {
		log_error("%s: %s", e->profile->name, e->em.text);
		http_text(res, 500, "internal error\n");
	}
}

void enrol_serve(struct service *s, const struct service_profile *p, const char *client,
		 struct bytes msg, struct http_response *res)
{
	struct enrol e = {.service = s, .profile = p, .client = client, .step = "message"};

	if (!throttle_allows(s->throttle, client, clock_mono_ms())) {
		log_warn("%s %s: too many refused enrolments from this address", p->name, client);
		return answer_busy(res, "too many refused enrolments, come again\n");
	}
	if (scep_request_parse(msg, &e.msg, &e.em) != E_OK) {
		log_info("%s %s: %s", p->name, client, e.em.text);
		return http_text(res, 400, "not an acceptable SCEP message\n");
	}
	buf_init(&e.cert, SIGNER_CERT_MAX);
	e.store = store_pool_get(s->store);
	if (!e.store)
		answer_busy(res, "busy, come again\n");
	else if (digest_sha256_hex(bytes_str(e.msg.attrs.txn), e.txn) != E_OK)
		http_text(res, 500, "internal error\n");
	else
		enrol(&e, res);
	if (e.store)
		store_pool_put(s->store, e.store);
	buf_free(&e.ticket.content);
	buf_free(&e.ticket.mac);
	buf_free(&e.cert);
	scep_request_free(&e.msg);
}
