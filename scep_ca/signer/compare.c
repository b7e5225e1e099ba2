#include "scep_ca/signer/compare.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/store_facts.h"
#include "scep_ca/signer/mend.h"

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
	int stop, soon; /* eventfds */
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
	struct mend mend;
	char ids[BATCH][HASH_SIZE];
};

/* Between two questions: others want to issue. */
static int rest(const struct pass *p)
{
	struct pollfd fd = {.fd = p->stop, .events = POLLIN};

	return p->stop >= 0 && poll(&fd, 1, PAUSE_MS) != 0 ? E_STATE : E_OK;
}

typedef int ask_fn(struct store *s, const char *const *ids, size_t n, size_t *ret_missing,
		   char ret_first[HASH_SIZE], struct errmsg *em);
typedef int mend_fn(struct mend *m, const char *const *ids, size_t n, struct errmsg *em);

/* What of p->ids Redis lacks is put back, or counted. */
static int look_for(struct pass *p, size_t n, ask_fn *ask, mend_fn *mend, uint64_t *count,
		    struct errmsg *em)
{
	const char *ids[BATCH];
	char first[HASH_SIZE];
	size_t missing = 0, before = p->mend.n;
	int r;

	if (n == 0)
		return E_OK;
	for (size_t i = 0; i < n; i++)
		ids[i] = p->ids[i];
	r = ask(p->ledger, ids, n, &missing, first, em);
	if (r == E_OK && missing)
		r = mend(&p->mend, ids, n, em);
	if (r == E_OK && p->mend.n != before)
		r = ask(p->ledger, ids, n, &missing, first, em);
	if (r != E_OK)
		return r;
	if (missing && !p->found.first[0])
		memcpy(p->found.first, first, sizeof(first));
	*count += missing;
	return E_OK;
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
	int r = E_OK;

	do {
		r = look_for(p, next_revocations(p, &at), store_unrevoked, mend_revocations,
			     &p->found.revocations, em);
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
	int r = E_OK;

	do {
		r = look_for(p, next_certs(p, &at), store_inactive, mend_certs,
			     &p->found.certificates, em);
		if (r == E_OK)
			r = rest(p);
	} while (r == E_OK && at);
	return r;
}

/* --- what only Redis has ------------------------------------------------------------------------------ */

/* A serial is in the journal before it is in Redis. */
static int note_unknown(void *ctx, const char *serial)
{
	struct pass *p = ctx;
	const struct journal_cert *c = journal_state_cert(ledger_journal_state(p->l), serial);
	bool known = c && c->state != JOURNAL_CERT_ABORTED;

	ledger_journal_state_done(p->l);
	if (known)
		return E_OK;
	if (!p->found.unknown++)
		(void)snprintf(p->found.first_unknown, HASH_SIZE, "%s", serial);
	return E_OK;
}

static int look_for_unknown(struct pass *p, struct errmsg *em)
{
	char cursor[STORE_CURSOR_SIZE] = "0";
	int r = E_OK;

	if (!ledger_journal_is_ours(p->l))
		return E_OK;
	do {
		r = store_certs_live(p->ledger, cursor, note_unknown, p, em);
		if (r == E_OK)
			r = rest(p);
	} while (r == E_OK && strcmp(cursor, "0") != 0);
	if (r == E_BACKEND) { /* a right that is new */
		log_warn("certificates that only Redis has are not looked for: %s", em->text);
		r = E_OK;
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
	mend_begin(&p->mend, l, ledger);
	r = look_for_revocations(p, em);
	if (r == E_OK)
		r = look_for_certs(p, em);
	/* Holds are put back with something else only, not for what stays missing with every pass. */
	p->mend.may = p->mend.may && p->mend.n;
	if (r == E_OK && (p->found.revocations || p->found.certificates || p->mend.n))
		r = mend_holds(&p->mend, &p->found.holds, em);
	if (r == E_OK)
		r = look_for_unknown(p, em);
	p->found.mended = p->mend.n;
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

static void tell_unknown(const struct compare_found *f)
{
	char certs[24];
	const struct audit_field fields[] = {{"certificates", certs},
					     {"first", f->first_unknown},
					     {"command", "scepctl reconcile"}};

	(void)snprintf(certs, sizeof(certs), "%" PRIu64, f->unknown);
	log_error("Redis has %s certificates as good that the journal does not know, or has given "
		  "up, first %s: nothing was done to them; see scepctl why %s, and docs/RESTORE.md",
		  certs, f->first_unknown, f->first_unknown);
	if (audit_event("ledger_unknown", "", fields, 3) != E_OK)
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
	if (f->unknown && f->unknown != m->told.unknown)
		tell_unknown(f);
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
	struct pollfd fd[] = {{.fd = m->stop, .events = POLLIN}, {.fd = m->soon, .events = POLLIN}};
	int64_t pause = 0;
	uint64_t n;

	for (;;) {
		if (poll(fd, 2, (int)pause) > 0 && fd[0].revents)
			return NULL;
		(void)!read(m->soon, &n, sizeof(n));
		pause = turn(m);
	}
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
	m->soon = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->stop < 0 || m->soon < 0 || pthread_create(&m->thread, NULL, run, m) != 0) {
		if (m->stop >= 0)
			close(m->stop);
		if (m->soon >= 0)
			close(m->soon);
		free(m);
		return E_IO;
	}
	*ret = m;
	return E_OK;
}

void compare_soon(struct compare *m)
{
	uint64_t one = 1;

	if (m)
		(void)!write(m->soon, &one, sizeof(one)); /* full: it is on its way */
}

void compare_stop(struct compare *m)
{
	uint64_t one = 1;

	if (!m)
		return;
	if (write(m->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(m->thread, NULL);
	close(m->stop);
	close(m->soon);
	free(m);
}
