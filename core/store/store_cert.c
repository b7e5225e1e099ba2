/* Tickets, certificates and what is known of them at the moment of a connection. */
#include "core/model/serial.h"
#include "core/store/store_call.h"
#include "core/store/store_desk.h"

static int read_macs(const struct reply *list, struct facts *f)
{
	f->n_macs = reply_count(list);
	if (reply_kind(list) != REPLY_ARRAY || f->n_macs > FACT_MACS_MAX)
		return E_INTERNAL;
	for (size_t i = 0; i < f->n_macs; i++) {
		const struct reply *row = reply_at(list, i);
		struct mac_fact *m = &f->macs[i];
		int64_t live;

		if (reply_count(row) != 4 || reply_number(row, 0, &live) ||
		    reply_text(row, 1, m->mac, sizeof(m->mac)) ||
		    reply_text(row, 2, m->place, sizeof(m->place)) ||
		    reply_number(row, 3, &m->at) || strlen(m->mac) != MAC_SIZE - 1)
			return E_INTERNAL;
		m->live = live != 0;
	}
	return E_OK;
}

static int read_facts(const struct reply *r, struct facts *f)
{
	const struct reply *groups;
	int64_t ready, other = 0;
	size_t n = reply_count(r);

	if (n != 11 && n != 13)
		return E_INTERNAL;
	if (n == 13 &&
	    (reply_text(r, 11, f->head_hash, sizeof(f->head_hash)) || reply_number(r, 12, &other)))
		return E_INTERNAL;
	f->other_history = other != 0;
	if (reply_number(r, 0, &ready) || reply_text(r, 1, f->store, sizeof(f->store)) ||
	    reply_number(r, 2, &f->epoch) || reply_number(r, 3, &f->head) ||
	    reply_number(r, 4, &f->beat_age) || reply_number(r, 5, &f->policy) ||
	    reply_kind(reply_at(r, 6)) != REPLY_ARRAY ||
	    reply_kind(reply_at(r, 7)) != REPLY_ARRAY || reply_text(r, 8, f->hold, sizeof(f->hold)))
		return E_INTERNAL;
	f->store_ready = ready == 1;
	f->have_cert = reply_count(reply_at(r, 6)) > 0;
	if (f->have_cert && reply_cert(reply_at(r, 6), &f->cert))
		return E_INTERNAL;
	f->have_user = reply_count(reply_at(r, 7)) > 0;
	if (f->have_user && reply_user(reply_at(r, 7), &f->user))
		return E_INTERNAL;
	groups = reply_at(r, 9);
	f->n_groups = reply_count(groups);
	if (reply_kind(groups) != REPLY_ARRAY || f->n_groups > USER_GROUPS_MAX)
		return E_INTERNAL;
	for (size_t i = 0; i < f->n_groups; i++)
		if (reply_group(reply_at(groups, i), &f->groups[i]))
			return E_INTERNAL;
	return read_macs(reply_at(r, 10), f);
}

int reply_facts(const struct reply *r, struct facts *ret)
{
	int rc;

	facts_clear(ret);
	rc = read_facts(r, ret);
	if (rc != E_OK)
		facts_clear(ret);
	return rc;
}

static int run_authorize(struct call *c, struct store *s, struct facts *ret, struct errmsg *em)
{
	struct reply *r = NULL;
	int rc;

	facts_clear(ret);
	rc = call_run(c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = reply_facts(r, ret);
	reply_free(r);
	return rc == E_OK ? E_OK : call_bad_reply(em);
}

int store_authorize(struct store *s, const char *serial, struct facts *ret, struct errmsg *em)
{
	struct call c NOT_CLEARED;

	call_init_ro(&c, "authorize");
	call_str(&c, serial);
	return run_authorize(&c, s, ret, em);
}

int store_authorize_since(struct store *s, const char *serial, int64_t head, const char *head_hash,
			  struct facts *ret, struct errmsg *em)
{
	struct call c NOT_CLEARED;

	call_init_ro(&c, "authorize");
	call_str(&c, serial);
	call_int(&c, head);
	call_str(&c, head_hash);
	return run_authorize(&c, s, ret, em);
}

int store_ticket_put(struct store *s, const struct ticket *t, struct bytes content,
		     struct bytes mac, long device_limit, struct errmsg *em)
{
	struct call c;

	call_init(&c, "ticket_put");
	call_str(&c, t->challenge);
	call_str(&c, t->user);
	call_str(&c, t->device);
	call_str(&c, t->profile);
	call_bytes(&c, content);
	call_bytes(&c, mac);
	call_int(&c, t->expires);
	call_int(&c, device_limit);
	return call_run(&c, s, NULL, em);
}

int store_ticket_get(struct store *s, const char *challenge_hash, struct store_ticket *ret,
		     struct errmsg *em)
{
	struct store_ticket t;
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "ticket_get");
	call_str(&c, challenge_hash);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	buf_init(&t.content, TICKET_CONTENT_MAX);
	buf_init(&t.mac, TICKET_MAC_SIZE);
	if (reply_count(r) != 2)
		rc = E_INTERNAL;
	if (rc == E_OK)
		rc = reply_buf(r, 0, &t.content);
	if (rc == E_OK)
		rc = reply_buf(r, 1, &t.mac);
	reply_free(r);
	if (rc != E_OK) {
		buf_free(&t.content);
		buf_free(&t.mac);
		return rc == E_NOMEM ? rc : call_bad_reply(em);
	}
	*ret = t;
	return E_OK;
}

/* {"new", serial} or {"again", serial, der}; der is empty when the claim holds none any more. */
static int claim_reply(const struct reply *r, enum claim_result *ret, char serial[SERIAL_SIZE],
		       struct buf *der)
{
	char word[8];

	if (reply_text(r, 0, word, sizeof(word)) || reply_text(r, 1, serial, SERIAL_SIZE) ||
	    !serial_is_canonical(serial))
		return E_INTERNAL;
	if (strcmp(word, "new") == 0 && reply_count(r) == 2) {
		*ret = CLAIM_NEW;
		return E_OK;
	}
	if (strcmp(word, "again") != 0 || reply_count(r) != 3)
		return E_INTERNAL;
	*ret = CLAIM_AGAIN;
	return reply_buf(r, 2, der);
}

int store_ticket_claim(struct store *s, const struct certrec *rec, enum claim_result *ret,
		       char ret_serial[SERIAL_SIZE], struct buf *ret_der, struct errmsg *em)
{
	enum claim_result result = CLAIM_NEW;
	char serial[SERIAL_SIZE] = "";
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init(&c, "ticket_claim");
	call_str(&c, rec->ticket);
	call_str(&c, rec->serial);
	call_str(&c, rec->issuer);
	call_str(&c, rec->user);
	call_str(&c, rec->device);
	call_str(&c, rec->profile);
	call_int(&c, rec->not_before);
	call_int(&c, rec->not_after);
	call_str(&c, rec->spki);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = claim_reply(r, &result, serial, ret_der);
	reply_free(r);
	if (rc != E_OK)
		return rc == E_INTERNAL ? call_bad_reply(em) : rc;
	*ret = result;
	memcpy(ret_serial, serial, SERIAL_SIZE);
	return E_OK;
}

int store_cert_commit(struct store *s, const char *serial, struct bytes der, struct errmsg *em)
{
	struct call c;

	call_init(&c, "cert_commit");
	call_str(&c, serial);
	call_bytes(&c, der);
	return call_run(&c, s, NULL, em);
}

int store_cert_abort(struct store *s, const char *serial, const char *reason, struct errmsg *em)
{
	struct call c;

	call_init(&c, "cert_abort");
	call_str(&c, serial);
	call_str(&c, reason);
	return call_run(&c, s, NULL, em);
}

int store_cert_get(struct store *s, const char *serial, struct certrec *ret, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "cert_get");
	call_str(&c, serial);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_cert(r, ret) != E_OK)
		rc = call_bad_reply(em);
	reply_free(r);
	return rc;
}

static int enrol_note(struct store *s, const char *ticket, const char *txn_hash, const char *step,
		      const char *rule, const char *detail, struct errmsg *em)
{
	struct call c;

	call_init(&c, "enrol_note");
	call_str(&c, txn_hash);
	call_str(&c, step);
	call_str(&c, rule);
	call_str(&c, detail);
	if (ticket != NULL)
		call_str(&c, ticket);
	return call_run(&c, s, NULL, em);
}

int store_enrol_note(struct store *s, const char *txn_hash, const char *step, const char *rule,
		     const char *detail, struct errmsg *em)
{
	return enrol_note(s, NULL, txn_hash, step, rule, detail, em);
}

int store_enrol_note_of(struct store *s, const char *ticket, const char *txn_hash, const char *step,
			const char *rule, const char *detail, struct errmsg *em)
{
	return enrol_note(s, ticket, txn_hash, step, rule, detail, em);
}
