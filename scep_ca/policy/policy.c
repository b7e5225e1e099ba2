#include "scep_ca/policy/policy.h"

#include "core/base/text.h"

static void fail(struct policy_decision *d, enum scep_rule rule)
{
	*d = (struct policy_decision){
		.verdict = POLICY_FAIL, .fail_info = SCEP_BAD_REQUEST, .rule = rule};
}

void policy_admit(const struct policy_message *m, struct policy_decision *ret)
{
	fail(ret, RULE_INTERNAL);
	/* An allow-list of one: in others, types that nobody thought of were signed unauthorised
	 * (CVE-2026-30836). */
	if (m->message_type != SCEP_PKCS_REQ)
		return fail(ret, RULE_MESSAGE_TYPE);
	if (!m->signer_rsa)
		return fail(ret, RULE_EC_SIGNER);
	if (m->digest == SCEP_DIGEST_NONE || (m->digest == SCEP_SHA1 && !m->allow_sha1))
		return fail(ret, RULE_DIGEST);
	ret->verdict = POLICY_OPEN;
	ret->rule = RULE_NONE;
}

void policy_opened(const struct policy_facts *f, struct policy_decision *ret)
{
	fail(ret, RULE_INTERNAL);
	/* Keys, not subjects, are compared: clients name their self-signed certificate as they like,
	 * but a key in it other than the CSR's would let somebody in the middle swap keys. */
	if (!f->key_match)
		return fail(ret, RULE_KEY_MISMATCH);
	if (!f->has_challenge)
		return fail(ret, RULE_NO_CHALLENGE);
	if (f->spki.n == 0 || f->seal.n != GRANT_SEAL_SIZE)
		return fail(ret, RULE_INTERNAL);
	ret->verdict = POLICY_OPEN;
	ret->rule = RULE_NONE;
}

void policy_decide(const struct policy_facts *f, struct policy_decision *ret)
{
	const struct ticket *t = &f->ticket;

	policy_opened(f, ret);
	if (ret->verdict != POLICY_OPEN)
		return;
	if (!f->have_ticket)
		return fail(ret, RULE_UNKNOWN_CHALLENGE);
	if (!f->ticket_readable)
		return fail(ret, RULE_TICKET);
	if (!text_ct_equal(t->challenge, f->challenge, HASH_SIZE))
		return fail(ret, RULE_UNKNOWN_CHALLENGE);
	if (strcmp(t->profile, f->profile) != 0)
		return fail(ret, RULE_PROFILE);
	/* A used ticket answers its own key a little longer; whether this one was used is for the
	 * claim to say. */
	if (f->now >= t->expires + f->replay_window)
		return fail(ret, RULE_EXPIRED);
	ret->grant = (struct grant){.kind = GRANT_TICKET,
				    .content = f->content,
				    .mac = f->mac,
				    .spki = f->spki,
				    .seal = f->seal};
	memcpy(ret->grant.challenge, f->challenge, HASH_SIZE);
	memcpy(ret->grant.txn, f->txn, HASH_SIZE);
	ret->verdict = POLICY_GRANT;
	ret->rule = RULE_NONE;
}
