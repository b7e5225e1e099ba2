#include "scep_ca/signer/ocsp_answer.h"

#include "core/base/clock.h"
#include "core/pki/ocsp.h"
#include "scep_ca/signer/journal_list.h"

/* How long a client may believe an answer, and a thief of a certificate show an old one. */
#define LIFETIME 600

struct asking {
	const struct keys_profile *profile;
	struct store *ledger; /* NULL: no connection is free */
	struct ledger_journal *journal;
	const struct ocsp_query *query;
};

static int refuse(enum ocsp_refusal why, struct buf *out, struct errmsg *em, const char *text)
{
	int r = ocsp_refuse(why, out);

	return r == E_OK && text ? err_set(em, E_OK, "%s", text) : r;
}

/* The profile whose issuer all certificates of the question name: a responder speaks for one CA. */
static const struct keys_profile *profile_of(const struct keys *k, const struct ocsp_query *q)
{
	for (size_t i = 0; i < k->n; i++) {
		const struct keys_profile *p = &k->profiles[i];
		bool all = p->ocsp_cert != NULL;

		for (size_t j = 0; all && j < ocsp_query_count(q); j++)
			all = ocsp_query_names(q, j, p->issuer);
		if (all)
			return p;
	}
	return NULL;
}

/* What is revoked in the journal is revoked, whatever the ledger says or does not say. Good is the
 * ledger's word alone: while it is away the journal cannot know that nobody is held since. */
static int look_up(const struct asking *a, size_t i, int64_t now, struct standing *ret,
		   struct errmsg *em)
{
	struct standing known;
	char serial[SERIAL_SIZE];
	int r = E_OK;
	bool lost;

	*ret = (struct standing){.word = STANDING_UNKNOWN};
	if (ocsp_query_serial(a->query, i, serial) != E_OK)
		return E_OK; /* never one of ours */
	lost = !ledger_journal_is_whole(a->journal);
	r = a->ledger ? store_cert_status(a->ledger, serial, ret, em)
		      : err_set(em, E_UNAVAIL, "all connections to the ledger are in use");
	journal_standing(ledger_journal_state(a->journal), serial, now, r != E_OK || lost, &known);
	ledger_journal_state_done(a->journal);
	if (known.word == STANDING_REVOKED && (err_is_away(r) || ret->word != STANDING_REVOKED ||
					       ret->why.reason == REVOCATION_HOLD)) {
		*ret = known;
		r = E_OK;
	}
	if (r != E_OK)
		return r;
	if (strcmp(ret->issuer, a->profile->issuer_id) != 0)
		*ret = (struct standing){.word = STANDING_UNKNOWN};
	if (ret->why.at <= 0 || ret->why.at > now)
		ret->why.at = now;
	return E_OK;
}

static int answer(const struct asking *a, struct signer_ocsp *ret, struct buf *out,
		  struct errmsg *em)
{
	const struct keys_profile *p = a->profile;
	const struct ocsp_query *q = a->query;
	struct standing found[OCSP_IDS_MAX];
	struct signer_ocsp done = {.answered = true, .nonce = ocsp_query_has_nonce(q)};
	int r = E_OK;

	done.this_update = clock_now();
	done.next_update = done.this_update + LIFETIME;
	if (done.next_update > p->ocsp_to)
		done.next_update = p->ocsp_to;
	if (done.this_update < p->ocsp_from || done.this_update >= p->ocsp_to)
		return refuse(OCSP_INTERNAL, out, em, "the responder's certificate has expired");
	for (size_t i = 0; r == E_OK && i < ocsp_query_count(q); i++)
		r = look_up(a, i, done.this_update, &found[i], em);
	if (r == E_OK)
		r = ocsp_answer(q, found, done.this_update, done.next_update, p->ocsp_cert,
				p->ocsp_key, out, em);
	if (err_is_away(r))
		return refuse(OCSP_TRY_LATER, out, em, NULL);
	if (r != E_OK)
		return refuse(OCSP_INTERNAL, out, em, NULL);
	*ret = done;
	return E_OK;
}

int ca_ocsp(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	    struct bytes question, struct signer_ocsp *ret, struct buf *out, struct errmsg *em)
{
	struct asking a = {.ledger = ledger, .journal = journal};
	struct ocsp_query *q = NULL;
	int r = ocsp_query_parse(question, &q, em);

	*ret = (struct signer_ocsp){0};
	if (r != E_OK)
		return refuse(r == E_FORMAT ? OCSP_MALFORMED : OCSP_INTERNAL, out, em, NULL);
	a.query = q;
	a.profile = profile_of(k, q);
	if (!a.profile)
		r = refuse(OCSP_UNAUTHORIZED, out, em, "no responder for this issuer");
	else if (!journal)
		r = refuse(OCSP_TRY_LATER, out, em, "the journal is not open");
	else
		r = answer(&a, ret, out, em);
	ocsp_query_free(q);
	return r;
}
