#include "scep_ca/signer/compare.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/store_facts.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = STORE_UNREVOKED_MAX, PAUSE_MS = 5, AWAY_MS = 5000 };

struct compare {
	struct ledger_journal *l;
	struct store_pool *pool;
	pthread_t thread;
	int stop; /* eventfd */
	int64_t every_ms;
	struct compare_found told;
	bool away;
};

/* One pass. What it points to in the journal's state stays where it is: nothing is taken out of it. */
struct pass {
	struct ledger_journal *l;
	struct store *ledger;
	int stop; /* eventfd, or -1 */
	struct compare_found found;
	char ids[BATCH][HASH_SIZE];
};

/* Between two questions: others want to issue. */
static int rest(const struct pass *p)
{
	struct pollfd fd = {.fd = p->stop, .events = POLLIN};

	return p->stop >= 0 && poll(&fd, 1, PAUSE_MS) != 0 ? E_STATE : E_OK;
}

/* --- revocations ------------------------------------------------------------------------------------- */

static size_t next_revocations(struct pass *p, const struct journal_revocation **at)
{
	const struct journal_state *s = ledger_journal_state(p->l);
	int64_t now = clock_now();
	size_t n = 0;

	while (n < BATCH && (*at = journal_state_next_revocation(s, *at)))
		if (!journal_state_is_over(s, *at, now))
			memcpy(p->ids[n++], (*at)->id, HASH_SIZE);
	ledger_journal_state_done(p->l);
	return n;
}

static int look_for_revocations(struct pass *p, struct errmsg *em)
{
	const struct journal_revocation *at = NULL;
	const char *ids[BATCH];
	char first[HASH_SIZE];
	size_t n, missing;
	int r = E_OK;

	do {
		n = next_revocations(p, &at);
		for (size_t i = 0; i < n; i++)
			ids[i] = p->ids[i];
		missing = 0;
		if (n)
			r = store_unrevoked(p->ledger, ids, n, &missing, first, em);
		if (r == E_OK && missing && !p->found.first[0])
			memcpy(p->found.first, first, sizeof(first));
		if (r == E_OK)
			p->found.revocations += missing;
		if (r == E_OK)
			r = rest(p);
	} while (r == E_OK && at);
	return r;
}

/* --- certificates ------------------------------------------------------------------------------------ */

static size_t next_certs(struct pass *p, const struct journal_cert **at)
{
	const struct journal_state *s = ledger_journal_state(p->l);
	int64_t now = clock_now();
	size_t n = 0;

	while (n < BATCH && (*at = journal_state_next_cert(s, *at)))
		if ((*at)->state == JOURNAL_CERT_COMMITTED && (*at)->not_after > now)
			memcpy(p->ids[n++], (*at)->serial, SERIAL_SIZE);
	ledger_journal_state_done(p->l);
	return n;
}

static int look_for_certs(struct pass *p, struct errmsg *em)
{
	const struct journal_cert *at = NULL;
	const char *ids[BATCH];
	char first[HASH_SIZE];
	size_t n, missing;
	int r = E_OK;

	do {
		n = next_certs(p, &at);
		for (size_t i = 0; i < n; i++)
			ids[i] = p->ids[i];
		missing = 0;
		if (n)
			r = store_inactive(p->ledger, ids, n, &missing, first, em);
		if (r == E_OK && missing && !p->found.first[0])
			memcpy(p->found.first, first, sizeof(first));
		if (r == E_OK)
			p->found.certificates += missing;
		if (r == E_OK)
			r = rest(p);
	} while (r == E_OK && at);
	return r;
}

/* --- holds ------------------------------------------------------------------------------------------- */

/* The next one, by number: the list may change between two. */
static bool next_hold(struct pass *p, size_t number, struct journal_hold *ret)
{
	const struct journal_state *s = ledger_journal_state(p->l);
	const struct journal_hold *h = journal_state_next_hold(s, NULL);

	for (size_t i = 0; h && i < number; i++)
		h = journal_state_next_hold(s, h);
	if (h)
		*ret = *h;
	ledger_journal_state_done(p->l);
	return h != NULL;
}

static int look_for_holds(struct pass *p, struct errmsg *em)
{
	struct journal_hold h;
	bool lost = false;
	int r = E_OK;

	for (size_t i = 0; r == E_OK && next_hold(p, i, &h); i++) {
		r = store_hold_again(p->ledger, h.source, h.user, NULL, &lost, em);
		p->found.holds += r == E_OK && lost;
	}
	return r;
}

int compare_pass(struct ledger_journal *l, struct store *ledger, int stop,
		 struct compare_found *ret, struct errmsg *em)
{
	struct pass *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	p->l = l;
	p->ledger = ledger;
	p->stop = stop;
	r = look_for_revocations(p, em);
	if (r == E_OK)
		r = look_for_certs(p, em);
	if (r == E_OK && (p->found.revocations || p->found.certificates))
		r = look_for_holds(p, em);
	if (r == E_OK)
		*ret = p->found;
	free(p);
	return r;
}

/* --- telling ----------------------------------------------------------------------------------------- */

static bool is_whole(const struct compare_found *f)
{
	return !f->revocations && !f->certificates;
}

static void tell_incomplete(const struct compare_found *f)
{
	char revocations[24], certs[24], holds[24];
	const struct audit_field fields[] = {{"revocations", revocations},
					     {"certificates", certs},
					     {"holds", holds},
					     {"first", f->first},
					     {"command", "scepctl rebuild --merge"}};

	(void)snprintf(revocations, sizeof(revocations), "%" PRIu64, f->revocations);
	(void)snprintf(certs, sizeof(certs), "%" PRIu64, f->certificates);
	(void)snprintf(holds, sizeof(holds), "%" PRIu64, f->holds);
	log_error("Redis lacks %s revocations, %s certificates and %s holds of the journal, first "
		  "%s: "
		  "stop scep_ca, run scepctl rebuild --merge and start it again (docs/RESTORE.md)",
		  revocations, certs, holds, f->first);
	if (audit_event("ledger_incomplete", "", fields, 5) != E_OK)
		log_error("audit line was lost");
}

static void tell(struct compare *m, const struct compare_found *f)
{
	bool same = f->revocations == m->told.revocations &&
		    f->certificates == m->told.certificates && f->holds == m->told.holds;

	if (!is_whole(f) && !same)
		tell_incomplete(f);
	if (is_whole(f) && !is_whole(&m->told))
		log_info("Redis has all revocations and certificates of the journal again");
	m->told = *f;
}

/* --- the thread -------------------------------------------------------------------------------------- */

static int64_t turn(struct compare *m)
{
	struct store *ledger = store_pool_get(m->pool);
	struct compare_found found = {.revocations = 0};
	struct errmsg em = {""};
	int r = ledger ? compare_pass(m->l, ledger, m->stop, &found, &em)
		       : err_set(&em, E_UNAVAIL, "all connections to the ledger are in use");

	if (ledger)
		store_pool_put(m->pool, ledger);
	if (r == E_OK)
		tell(m, &found);
	else if (r != E_STATE && !m->away)
		log_warn("Redis is not compared with the journal: %s",
			 em.text[0] ? em.text : err_text(r));
	m->away = r != E_OK;
	return m->away ? AWAY_MS : m->every_ms;
}

static void *run(void *arg)
{
	struct compare *m = arg;
	struct pollfd fd = {.fd = m->stop, .events = POLLIN};
	int64_t pause = 0;

	while (poll(&fd, 1, (int)pause) <= 0)
		pause = turn(m);
	return NULL;
}

int compare_start(struct ledger_journal *l, struct store_pool *pool, int64_t every_s,
		  struct compare **ret)
{
	struct compare *m = calloc(1, sizeof(*m));

	if (!m)
		return E_NOMEM;
	m->l = l;
	m->pool = pool;
	m->every_ms = every_s * 1000;
	m->stop = eventfd(0, EFD_CLOEXEC);
	if (m->stop < 0 || pthread_create(&m->thread, NULL, run, m) != 0) {
		if (m->stop >= 0)
			close(m->stop);
		free(m);
		return E_IO;
	}
	*ret = m;
	return E_OK;
}

void compare_stop(struct compare *m)
{
	uint64_t one = 1;

	if (!m)
		return;
	if (write(m->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(m->thread, NULL);
	close(m->stop);
	free(m);
}
