#include "scep_ca/signer/mend.h"

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_facts.h"

#include <inttypes.h>

enum { CERT_TEXTS = 13 };

void mend_begin(struct mend *m, struct ledger_journal *l, struct store *ledger)
{
	struct journal_epoch e = {.epoch = 0};
	uint64_t head = journal_size(ledger_journal_file(l));
	int r;

	*m = (struct mend){.l = l, .ledger = ledger, .at = {.head = (int64_t)head}};
	if (ledger_journal_beat(l, ledger, NULL) != E_OK || !ledger_journal_is_whole(l))
		return;
	r = journal_state_epoch(ledger_journal_state(l), &e);
	ledger_journal_state_done(l);
	if (r != E_OK)
		return;
	memcpy(m->at.store, e.store, sizeof(m->at.store));
	m->at.epoch = (int64_t)e.epoch;
	m->may = true;
}

/* What contradicts the journal stays as it is, and is told by whoever asks again. */
static int put_back(struct mend *m, const char *const *row, size_t n, struct errmsg *em)
{
	struct errmsg why = {""};
	bool changed = false;
	int r = store_mend(m->ledger, &m->at, row, n, &changed, &why);

	if (r == E_UNAVAIL || r == E_TIMEOUT)
		return err_set(em, r, "%s", why.text);
	if (r != E_OK) {
		log_warn("Redis lacks something of the journal that cannot be put back: %s",
			 why.text[0] ? why.text : err_text(r));
		m->may = r == E_EXISTS;
	}
	if (changed) {
		log_warn("Redis lacked %s of the journal, which is put back: %s",
			 *row[0] == 'r'   ? "a revocation"
			 : *row[0] == 'h' ? "a hold"
					  : "a certificate",
			 row[*row[0] == 'h' ? 2 : 1]);
		m->n++;
	}
	return E_OK;
}

/* --- revocations ------------------------------------------------------------------------------------- */

static int mend_revocation(struct mend *m, const char *id, struct errmsg *em)
{
	const struct journal_revocation *v = journal_state_revoked(ledger_journal_state(m->l), id);
	char words[JOURNAL_WORDS_SIZE];
	const char *const row[] = {"r", id, words};

	if (v)
		journal_words(words, v->at, v->actor, v->reason);
	ledger_journal_state_done(m->l);
	return v ? put_back(m, row, 3, em) : E_OK;
}

int mend_revocations(struct mend *m, const char *const *ids, size_t n, struct errmsg *em)
{
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < n && m->may && m->n < MEND_MAX; i++)
		r = mend_revocation(m, ids[i], em);
	return r;
}

/* --- certificates ------------------------------------------------------------------------------------ */

static int mend_cert(struct mend *m, const char *serial, struct errmsg *em)
{
	const struct journal_cert *p = journal_state_cert(ledger_journal_state(m->l), serial);
	struct journal_cert c = {.state = JOURNAL_CERT_INTENT};
	char from[24], to[24], reserved[24], committed[24];

	if (p)
		c = *p;
	ledger_journal_state_done(m->l);
	if (c.state != JOURNAL_CERT_COMMITTED)
		return E_OK;
	(void)snprintf(from, sizeof(from), "%" PRId64, c.not_before);
	(void)snprintf(to, sizeof(to), "%" PRId64, c.not_after);
	(void)snprintf(reserved, sizeof(reserved), "%" PRId64, c.intent_at);
	(void)snprintf(committed, sizeof(committed), "%" PRId64, c.changed_at);
	return put_back(m,
			(const char *const[CERT_TEXTS]){"c", c.serial, c.issuer, c.user, c.device,
							c.profile, from, to, c.spki, c.ticket,
							"active", reserved, committed},
			CERT_TEXTS, em);
}

int mend_certs(struct mend *m, const char *const *serials, size_t n, struct errmsg *em)
{
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < n && m->may && m->n < MEND_MAX; i++)
		r = mend_cert(m, serials[i], em);
	return r;
}

/* --- holds ------------------------------------------------------------------------------------------- */

/* The next one, by number: the list may change between two. */
static bool next_hold(struct mend *m, size_t number, struct journal_hold *ret)
{
	const struct journal_state *s = ledger_journal_state(m->l);
	const struct journal_hold *h = journal_state_next_hold(s, NULL);

	for (size_t i = 0; h && i < number; i++)
		h = journal_state_next_hold(s, h);
	if (h)
		*ret = *h;
	ledger_journal_state_done(m->l);
	return h != NULL;
}

int mend_holds(struct mend *m, uint64_t *ret_missing, struct errmsg *em)
{
	char words[JOURNAL_WORDS_SIZE];
	struct journal_hold h;
	uint64_t missing = 0;
	int r = E_OK;

	for (size_t i = 0; r == E_OK && next_hold(m, i, &h); i++) {
		size_t before = m->n;
		bool held = true;

		r = store_is_held(m->ledger, h.source, h.user, &held, em);
		journal_words(words, h.at, h.actor, h.reason);
		if (r == E_OK && !held && m->may && m->n < MEND_MAX)
			r = put_back(m, (const char *const[]){"h", h.source, h.user, words}, 4, em);
		missing += !held && m->n == before;
	}
	*ret_missing = missing;
	return r;
}
