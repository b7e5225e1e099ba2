#include "scep_ca/signer/ledger_journal.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "scep_ca/signer/fault.h"
#include "scep_ca/signer/ledger_watch.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#define DER_MAX 16384
#define LOOK_EVERY_MS 5000

/* A serial with an INTENT and no end; der is empty while it is not ISSUED. */
struct open_serial {
	char serial[SERIAL_SIZE];
	int64_t not_after;
	struct buf der;
};

/* A serial whose INTENT is being written. */
struct drawn {
	const char *serial;
	struct drawn *next;
};

struct ledger_journal {
	struct journal *journal;
	struct ledger_watch *watch;
	pthread_mutex_t state_lock; /* guards state, drawn and lost */
	struct journal_state *state;
	struct drawn *drawn;  /* on the way to the disk */
	char lost[HASH_SIZE]; /* what Redis lost; "" while nothing */
	atomic_bool settled;
	pthread_mutex_t lock; /* guards open[]; held while the ledger is asked */
	struct open_serial *open;
	size_t n, cap;
	pthread_mutex_t last_lock; /* guards what follows */
	char last[SERIAL_SIZE];    /* committed last; "" when there is none */
	int64_t last_not_after, next_look;
};

static void set_last(struct ledger_journal *l, const char *serial, int64_t not_after)
{
	pthread_mutex_lock(&l->last_lock);
	memcpy(l->last, serial, SERIAL_SIZE);
	l->last_not_after = not_after;
	pthread_mutex_unlock(&l->last_lock);
}

/* --- what is unfinished ---------------------------------------------------------------------------- */

/* The newest first: that is where an unfinished one is. */
static struct open_serial *find(struct ledger_journal *l, const char *serial)
{
	for (size_t i = l->n; i-- > 0;)
		if (strcmp(l->open[i].serial, serial) == 0)
			return &l->open[i];
	return NULL;
}

static int start(struct ledger_journal *l, const char *serial, int64_t not_after)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		void *p = realloc(l->open, cap * sizeof(*l->open));

		if (!p)
			return E_NOMEM;
		l->open = p;
		l->cap = cap;
	}
	l->open[l->n] = (struct open_serial){.not_after = not_after};
	buf_init(&l->open[l->n].der, DER_MAX);
	return text_copy(l->open[l->n++].serial, SERIAL_SIZE, serial);
}

static void finish(struct ledger_journal *l, struct open_serial *o)
{
	buf_free(&o->der);
	*o = l->open[--l->n];
}

static int replay(void *ctx, const struct journal_record *r)
{
	struct ledger_journal *l = ctx;
	char serial[SERIAL_SIZE];
	struct open_serial *o;
	int rc = journal_state_add(l->state, r);

	if (rc != E_OK)
		return rc;
	ledger_watch_see(l->watch, r);
	if (r->type != JOURNAL_INTENT && r->type != JOURNAL_ISSUED &&
	    r->type != JOURNAL_COMMITTED && r->type != JOURNAL_ABORTED)
		return E_OK;
	journal_get_text(r, "serial", serial, sizeof(serial));
	if (r->type == JOURNAL_INTENT)
		return start(l, serial, journal_get_int(r, "not_after"));
	o = find(l, serial);
	if (r->type == JOURNAL_COMMITTED && o)
		set_last(l, serial, o->not_after);
	if (r->type == JOURNAL_ABORTED && strcmp(l->last, serial) == 0)
		l->last[0] = '\0'; /* scepctl reconcile gave it up */
	if (r->type != JOURNAL_ISSUED) {
		if (o)
			finish(l, o);
		return E_OK;
	}
	buf_reset(&o->der);
	buf_add_bytes(&o->der, journal_get(r, "der"));
	return buf_error(&o->der);
}

/* A record of our own, on the disk now. */
static int appended(void *ctx, const struct journal_record *r)
{
	struct ledger_journal *l = ctx;
	int rc;

	pthread_mutex_lock(&l->state_lock);
	rc = journal_state_add(l->state, r);
	pthread_mutex_unlock(&l->state_lock);
	return rc;
}

/* --- opening --------------------------------------------------------------------------------------- */

static int say_opened(struct ledger_journal *l, struct errmsg *em)
{
	const struct journal_field f = {"version", bytes_str(SCEPAUTH_VERSION)};
	const struct journal_entry e = {JOURNAL_OPENED, &f, 1};

	return journal_append(l->journal, &e, 1, em);
}

int ledger_journal_open(const char *path, struct ledger_journal **ret, struct errmsg *em)
{
	struct ledger_journal *l = calloc(1, sizeof(*l));
	struct journal_options o = {.path = path, .appended = appended, .appended_ctx = l};
	struct journal_report found = {0};
	int r;

	if (!l)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	fault_journal(&o);
	/* A file size limit is an error to report here, not a death. */
	(void)signal(SIGXFSZ, SIG_IGN);
	pthread_mutex_init(&l->lock, NULL);
	pthread_mutex_init(&l->last_lock, NULL);
	pthread_mutex_init(&l->state_lock, NULL);
	r = journal_state_new(&l->state);
	if (r == E_OK)
		r = ledger_watch_new(path, &l->watch, em);
	if (r == E_OK)
		r = journal_open(&o, replay, l, &found, &l->journal, em);
	if (r != E_OK && l->state && journal_state_error(l->state)[0])
		(void)err_set(em, r, "%s", journal_state_error(l->state));
	else if (r == E_NOMEM)
		(void)err_set(em, r, "%s", err_text(r));
	if (r == E_OK && found.torn)
		log_warn("journal: %s ended in %" PRIu64
			 " bytes of a record that was never finished; "
			 "they are cut",
			 found.file, found.torn);
	if (r == E_OK)
		r = say_opened(l, em);
	if (r != E_OK) {
		ledger_journal_close(l);
		return r;
	}
	ledger_watch_opened(l->watch, l->journal);
	atomic_init(&l->settled, l->n == 0);
	*ret = l;
	return E_OK;
}

void ledger_journal_close(struct ledger_journal *l)
{
	if (!l)
		return;
	journal_close(l->journal);
	ledger_watch_free(l->watch);
	while (l->n)
		buf_free(&l->open[--l->n].der);
	free(l->open);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->last_lock);
	pthread_mutex_destroy(&l->state_lock);
	journal_state_free(l->state);
	free(l);
}

struct journal *ledger_journal_file(struct ledger_journal *l)
{
	return l->journal;
}

/* --- records --------------------------------------------------------------------------------------- */

static int append(struct ledger_journal *l, const struct journal_entry *e, struct errmsg *em)
{
	struct errmsg why = {""};

	if (journal_append(l->journal, e, 1, &why) == E_OK)
		return E_OK;
	return err_set(em, E_UNAVAIL, "nothing is issued: %.280s", why.text);
}

static bool draw(struct ledger_journal *l, struct drawn *d)
{
	bool fresh;

	pthread_mutex_lock(&l->state_lock);
	fresh = !journal_state_cert(l->state, d->serial);
	for (const struct drawn *other = l->drawn; other; other = other->next)
		fresh = fresh && strcmp(other->serial, d->serial) != 0;
	if (fresh) {
		d->next = l->drawn;
		l->drawn = d;
	}
	pthread_mutex_unlock(&l->state_lock);
	return fresh;
}

static void undraw(struct ledger_journal *l, const struct drawn *d)
{
	struct drawn **at = &l->drawn;

	pthread_mutex_lock(&l->state_lock);
	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	pthread_mutex_unlock(&l->state_lock);
}

int ledger_journal_intent(struct ledger_journal *l, const struct certrec *c, const char *txn,
			  struct errmsg *em)
{
	char from[24], to[24];
	const struct journal_field f[] = {
		{"serial", bytes_str(c->serial)},
		{"txn", bytes_str(txn)},
		{"ticket", bytes_str(c->ticket)},
		{"spki", bytes_str(c->spki)},
		{"user", bytes_str(c->user)},
		{"device", bytes_str(c->device)},
		{"profile", bytes_str(c->profile)},
		{"issuer", bytes_str(c->issuer)},
		{"not_before", {(const uint8_t *)from, 0}},
		{"not_after", {(const uint8_t *)to, 0}},
	};
	struct journal_field filled[sizeof(f) / sizeof(f[0])];
	const struct journal_entry e = {JOURNAL_INTENT, filled, sizeof(f) / sizeof(f[0])};
	int n = snprintf(from, sizeof(from), "%" PRId64, c->not_before);
	int m = snprintf(to, sizeof(to), "%" PRId64, c->not_after);
	struct drawn d = {.serial = c->serial};
	int r;

	/* A second record of it would make the journal senseless, and the CA could not start again. */
	if (!draw(l, &d))
		return err_set(em, E_UNAVAIL,
			       "serial %s was drawn before: the random source is not sound",
			       c->serial);
	memcpy(filled, f, sizeof(f));
	filled[8].value.n = n > 0 ? (size_t)n : 0;
	filled[9].value.n = m > 0 ? (size_t)m : 0;
	r = append(l, &e, em);
	undraw(l, &d);
	return r;
}

int ledger_journal_issued(struct ledger_journal *l, const char *serial, struct bytes der,
			  struct errmsg *em)
{
	const struct journal_field f[] = {{"serial", bytes_str(serial)}, {"der", der}};
	const struct journal_entry e = {JOURNAL_ISSUED, f, 2};

	return append(l, &e, em);
}

/* A note that is lost costs the next start one question to the ledger. */
static void note(struct ledger_journal *l, enum journal_type type, const char *serial,
		 const char *reason)
{
	const struct journal_field f[] = {{"serial", bytes_str(serial)},
					  {"reason", bytes_str(reason)}};
	const struct journal_entry e = {type, f, type == JOURNAL_ABORTED ? 2 : 1};

	if (journal_note(l->journal, &e, 1, NULL) != E_OK)
		return;
}

void ledger_journal_committed(struct ledger_journal *l, const char *serial, int64_t not_after)
{
	set_last(l, serial, not_after);
	note(l, JOURNAL_COMMITTED, serial, "");
}

void ledger_journal_aborted(struct ledger_journal *l, const char *serial, const char *reason)
{
	note(l, JOURNAL_ABORTED, serial, reason);
}

int ledger_journal_facts(struct ledger_journal *l, const struct journal_entry *e, size_t n,
			 struct errmsg *em)
{
	struct errmsg why = {""};

	if (journal_append(l->journal, e, n, &why) == E_OK)
		return E_OK;
	return err_set(em, E_UNAVAIL, "%s", why.text);
}

/* --- what it says ---------------------------------------------------------------------------------- */

const struct journal_state *ledger_journal_state(struct ledger_journal *l)
{
	pthread_mutex_lock(&l->state_lock);
	return l->state;
}

void ledger_journal_state_done(struct ledger_journal *l)
{
	pthread_mutex_unlock(&l->state_lock);
}

void ledger_journal_lost(struct ledger_journal *l, struct store *ledger, const char *id)
{
	struct errmsg em = {""};
	bool news;

	pthread_mutex_lock(&l->state_lock);
	news = strcmp(l->lost, id) != 0;
	if (news)
		(void)snprintf(l->lost, sizeof(l->lost), "%s", id);
	pthread_mutex_unlock(&l->state_lock);
	if (news && *id)
		log_error("Redis has lost the revocation of %s, which the journal has: it was "
			  "emptied or an old state was restored; nothing is issued and nobody gets "
			  "in until scepctl reconcile or rebuild --merge (docs/RESTORE.md)",
			  id);
	else if (news)
		log_info("Redis has all revocations of the journal again");
	if (*id &&
	    ledger_watch_suspect(l->watch, l->journal, ledger, "it lost a revocation", &em) != E_OK)
		log_warn("%s", em.text);
}

static bool has_lost(struct ledger_journal *l)
{
	bool lost;

	pthread_mutex_lock(&l->state_lock);
	lost = l->lost[0] != '\0';
	pthread_mutex_unlock(&l->state_lock);
	return lost;
}

bool ledger_journal_is_whole(struct ledger_journal *l)
{
	return !has_lost(l) && ledger_watch_is_fine(l->watch);
}

bool ledger_journal_is_ours(struct ledger_journal *l)
{
	return ledger_watch_is_ours(l->watch);
}

int ledger_journal_beat(struct ledger_journal *l, struct store *ledger, struct errmsg *em)
{
	return ledger_watch_beat(l->watch, l->journal, ledger, em);
}

/* --- settling -------------------------------------------------------------------------------------- */

static int abort_one(struct ledger_journal *l, struct store *ledger, const char *serial,
		     const char *reason, struct errmsg *em)
{
	int r = store_cert_abort(ledger, serial, reason, em);

	if (r == E_STATE) {
		/* Active, yet its certificate is not in the journal: whoever made it, it was not us. */
		log_error("the ledger has %s as active, but the journal has no certificate of that "
			  "serial: it is revoked; find out who wrote it",
			  serial);
		r = store_revoke_cert(ledger, serial, "active without a record in the journal", em);
	}
	if (r == E_OK)
		ledger_journal_aborted(l, serial, reason);
	return r;
}

static int settle_one(struct ledger_journal *l, struct store *ledger, const struct open_serial *o,
		      struct errmsg *em)
{
	bool denied;
	int r;

	if (o->der.n == 0)
		return abort_one(l, ledger, o->serial, "interrupted before signing", em);
	r = store_cert_commit(ledger, o->serial, buf_bytes(&o->der), em);
	if (r == E_OK) {
		ledger_journal_committed(l, o->serial, o->not_after);
		return E_OK;
	}
	if (err_is_away(r))
		return r;
	/* Refused by the ledger, which has aborted and revoked it, or knows nothing of it. */
	denied = r == E_DENIED;
	r = store_cert_abort(ledger, o->serial, "refused after an interruption", em);
	if (r == E_STATE && denied) /* active, perhaps delivered, and revoked since */
		ledger_journal_committed(l, o->serial, o->not_after);
	else if (r == E_OK || r == E_STATE)
		ledger_journal_aborted(l, o->serial, "refused after an interruption");
	return r == E_STATE ? E_OK : r;
}

static int say_lost(struct ledger_journal *l, struct store *ledger, const char *serial,
		    struct errmsg *em)
{
	int r = ledger_watch_suspect(l->watch, l->journal, ledger, "it lost a certificate", em);

	if (r != E_OK)
		return r;
	return err_set(em, E_UNAVAIL,
		       "nothing is issued: the ledger lost certificate %s, so it was emptied or "
		       "an old state was restored; restore its newest state, or stop scep_ca, "
		       "run scepctl reconcile or rebuild --merge and start it again",
		       serial);
}

/* Does the ledger still know what it has acknowledged? */
static int look_back(struct ledger_journal *l, struct store *ledger, struct errmsg *em)
{
	int64_t now = clock_mono_ms();
	struct certrec c = {.state = CERT_NONE};
	char serial[SERIAL_SIZE];
	bool due;
	int r;

	pthread_mutex_lock(&l->last_lock);
	due = l->last[0] && now >= l->next_look && l->last_not_after > clock_now();
	memcpy(serial, l->last, sizeof(serial));
	pthread_mutex_unlock(&l->last_lock);
	if (!due)
		return E_OK;
	r = store_cert_get(ledger, serial, &c, em);
	if (r == E_NOTFOUND || (r == E_OK && c.state != CERT_ACTIVE))
		return say_lost(l, ledger, serial, em);
	if (r != E_OK)
		return r;
	pthread_mutex_lock(&l->last_lock);
	l->next_look = now + LOOK_EVERY_MS;
	pthread_mutex_unlock(&l->last_lock);
	return E_OK;
}

int ledger_journal_settle(struct ledger_journal *l, struct store *ledger, struct errmsg *em)
{
	size_t total;
	int r = ledger_watch_check(l->watch, l->journal, ledger, em);

	if (r == E_OK && has_lost(l))
		r = err_set(em, E_UNAVAIL,
			    "nothing is issued: Redis has lost a revocation that the journal has, "
			    "see the log");
	if (r == E_OK)
		r = look_back(l, ledger, em);
	if (r != E_OK || atomic_load(&l->settled))
		return r;
	pthread_mutex_lock(&l->lock);
	total = l->n;
	while (r == E_OK && l->n) {
		fault_point("settle");
		r = settle_one(l, ledger, &l->open[l->n - 1], em);
		if (r == E_OK)
			finish(l, &l->open[l->n - 1]);
	}
	if (r == E_OK && total)
		log_info("journal: %zu interrupted issues are settled", total);
	if (r == E_OK)
		atomic_store(&l->settled, true);
	pthread_mutex_unlock(&l->lock);
	return r;
}
