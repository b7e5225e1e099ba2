#include "scep_ca/signer/crl_make.h"

#include "core/base/clock.h"
#include "core/pki/crl.h"
#include "scep_ca/signer/journal_list.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>

/* How long a list may be used when no newer one can be fetched. */
#define LIFETIME 86400
/* Of a signer's CRL_MAX bytes, about. */
#define LIST_MAX 400000

/* RFC 5280 section 5.2.3: it has to grow, over restarts too, hence from the clock. */
static uint64_t next_number(int64_t now)
{
	static _Atomic uint64_t last;
	struct timespec t = {0};
	uint64_t was = atomic_load(&last), number, ms;

	/* To the millisecond, for a restart within a second. */
	(void)clock_gettime(CLOCK_REALTIME, &t);
	ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	if (ms < (uint64_t)now * 1000)
		ms = (uint64_t)now * 1000;

	do
		number = ms > was ? ms : was + 1;
	while (!atomic_compare_exchange_weak(&last, &was, number));
	return number;
}

/* What was written by hand, without a time or with one to come, counts from now. */
static void date(struct revocation *list, size_t n, int64_t now)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].at <= 0 || list[i].at > now)
			list[i].at = now;
}

struct making {
	const struct keys_profile *profile;
	struct store *ledger; /* NULL: away */
	struct ledger_journal *journal;
	bool lost; /* the ledger has less than the journal */
	struct revocation *list;
	size_t n;
};

static bool is_away(int r)
{
	return err_is_away(r);
}

static int ask_ledger(struct making *m, char revision[HASH_SIZE], struct errmsg *em)
{
	struct errmsg why = {""};
	int r = m->ledger ? store_crl_revision(m->ledger, revision, &why) : E_UNAVAIL;

	m->lost = !ledger_journal_is_whole(m->journal);
	if (is_away(r))
		m->ledger = NULL;
	else if (r != E_OK)
		return err_set(em, r, "%s", why.text);
	return E_OK;
}

/* Of a ledger that is away or poorer than the journal: what the journal has counts, and only it moves. */
static void revision_of_journal(struct making *m, char revision[HASH_SIZE])
{
	struct journal_head head;
	size_t n = m->ledger ? strlen(revision) : 0;

	journal_state_head(ledger_journal_state(m->journal), &head);
	ledger_journal_state_done(m->journal);
	if (n > 40)
		n = 40;
	(void)snprintf(revision + n, HASH_SIZE - n, "j%" PRIu64, head.seq);
}

/* The ledger's list, and what the journal has beyond it. A hold may have been lifted in the ledger a moment
 * ago, so of holds the journal tells only when the ledger cannot. */
static int gather(struct making *m, int64_t now, struct errmsg *em)
{
	const struct journal_state *s;
	struct revocation *all;
	size_t room;
	int r = m->ledger ? store_crl_list(m->ledger, m->profile->issuer_id, &m->list, &m->n, em)
			  : E_OK;

	if (r != E_OK)
		return r;
	s = ledger_journal_state(m->journal);
	room = m->n + journal_state_certs(s);
	room = room < LIST_MAX ? room : LIST_MAX;
	all = m->n > room ? NULL : realloc(m->list, (room + 1) * sizeof(*all));
	r = E_NOMEM;
	if (all) {
		m->list = all;
		r = journal_list(s, m->profile->issuer_id, now, !m->ledger || m->lost, m->list,
				 &m->n, room);
	}
	ledger_journal_state_done(m->journal);
	if (r != E_OK)
		return err_set(em, r, "list of revoked certificates: %s", err_text(r));
	date(m->list, m->n, now);
	m->n = revocation_tidy(m->list, m->n);
	return E_OK;
}

static int64_t latest(struct ledger_journal *journal, int64_t now)
{
	struct journal_head head;

	journal_state_head(ledger_journal_state(journal), &head);
	ledger_journal_state_done(journal);
	return now > head.time ? now : head.time;
}

static int make(struct making *m, struct signer_crl *ret, struct buf *out, struct errmsg *em)
{
	const struct keys_profile *p = m->profile;
	struct crl_spec spec = {.this_update = clock_now()};
	int r;

	spec.next_update = spec.this_update + LIFETIME;
	if (spec.next_update > p->issuer_to)
		spec.next_update = p->issuer_to;
	r = gather(m, spec.this_update, em);
	if (r != E_OK)
		return r;
	spec.list = m->list;
	spec.n = m->n;
	spec.number = next_number(latest(m->journal, spec.this_update));
	r = crl_build(&spec, p->issuer, p->issuer_key, out, em);
	if (r != E_OK)
		return r;
	ret->this_update = spec.this_update;
	ret->next_update = spec.next_update;
	return E_OK;
}

int ca_crl(const struct keys *k, struct store *ledger, struct ledger_journal *journal,
	   const char *profile, const char *known, struct signer_crl *ret, struct buf *out,
	   struct errmsg *em)
{
	struct making m = {.profile = keys_find(k, profile), .ledger = ledger, .journal = journal};
	struct signer_crl done = {0};
	int r;

	if (!m.profile)
		return err_set(em, E_NOTFOUND, "there is no such profile");
	/* Before the list is read: what comes meanwhile makes the next one. */
	r = ask_ledger(&m, done.revision, em);
	if (r == E_OK && (!m.ledger || m.lost))
		revision_of_journal(&m, done.revision);
	if (r == E_OK && strcmp(done.revision, known) != 0) {
		r = make(&m, &done, out, em);
		done.made = true;
	}
	free(m.list);
	if (r == E_OK)
		*ret = done;
	return r;
}
