#include "scep_ca/signer/ledger_watch.h"

#include "core/audit/acknowledged.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_meta.h"

#include <inttypes.h>
#include <pthread.h>

/* A running CA tells the ledger of each record within a second or so. */
#define HASHES 4096

#define CURE_STORE                                                                                 \
	"restore its newest state, or stop scep_ca, run scepctl reconcile or rebuild --merge and " \
	"start it again"
#define CURE_JOURNAL "an old journal was restored: put its newest state back (docs/RESTORE.md)"

struct known_hash {
	uint64_t seq;
	uint8_t hash[DIGEST_SIZE];
};

struct ledger_watch {
	pthread_mutex_t lock;       /* guards all; held while the ledger is asked */
	char *path;                 /* the journal's folder */
	struct journal_epoch epoch; /* the journal's; epoch 0: it has none yet */
	struct acknowledged acked;
	bool fine;    /* so said the last beat */
	bool foreign; /* likewise: another store, or another journal's */
	bool met;     /* the ledger's head was compared since the start */
	struct store_head
		beyond; /* what it knows and the journal does not; epoch 0: nothing such */
	struct store_head agreed; /* what the last beat that fitted left there */
	struct known_hash *last;  /* HASHES newest of the records that were there at the start */
};

/* --- what the ledger has taken ----------------------------------------------------------------------- */

/* When it cannot be written, the next start knows a little less: nothing to stop for. */
static void acknowledge(struct ledger_watch *w, uint64_t head)
{
	struct acknowledged a = {w->epoch, head};
	struct errmsg em = {""};

	if (acknowledged_by(&w->acked, &w->epoch) == head)
		return;
	w->acked = a;
	if (acknowledged_write(w->path, &a, &em) != E_OK)
		log_warn("journal: %s", em.text);
}

/* --- life -------------------------------------------------------------------------------------------- */

int ledger_watch_new(const char *path, struct ledger_watch **ret, struct errmsg *em)
{
	struct ledger_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	pthread_mutex_init(&w->lock, NULL);
	w->last = calloc(HASHES, sizeof(*w->last));
	w->path = strdup(path);
	if (!w->last || !w->path)
		r = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	else
		r = acknowledged_read(path, &w->acked, em);
	if (r != E_OK) {
		ledger_watch_free(w);
		return r;
	}
	*ret = w;
	return E_OK;
}

void ledger_watch_free(struct ledger_watch *w)
{
	if (!w)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w->last);
	free(w->path);
	free(w);
}

void ledger_watch_see(struct ledger_watch *w, const struct journal_record *r)
{
	struct known_hash *k = &w->last[r->seq % HASHES];

	k->seq = r->seq;
	memcpy(k->hash, r->hash, DIGEST_SIZE);
	if (r->type != JOURNAL_EPOCH)
		return;
	journal_get_text(r, "store", w->epoch.store, sizeof(w->epoch.store));
	w->epoch.epoch = (uint64_t)journal_get_int(r, "epoch");
}

void ledger_watch_opened(struct ledger_watch *w, struct journal *j)
{
	struct known_hash k;

	journal_head(j, &k.seq, k.hash);
	w->last[k.seq % HASHES] = k;
}

/* --- beating ----------------------------------------------------------------------------------------- */

static int refuse(enum store_said said, const struct store_head *mine, uint64_t acked,
		  const struct store_meta *m, struct errmsg *em)
{
#define NO(...) err_set(em, E_UNAVAIL, "nothing is issued: the ledger " __VA_ARGS__)
	switch (said) {
	case STORE_FITS:
		return E_OK;
	case STORE_LOST:
		return NO("was emptied: restore its newest state, or stop scep_ca, run scepctl "
			  "rebuild and start it again");
	case STORE_FOREIGN:
		return NO("is store %s, this journal belongs to store %s: see [redis] in "
			  "scepauth.conf; if its data were lost, run scepctl rebuild",
			  m->at.store, mine->store);
	case STORE_OLD_EPOCH:
		return NO("has epoch %" PRId64 ", the journal %" PRId64
			  ": an old state was restored; " CURE_STORE,
			  m->at.epoch, mine->epoch);
	case STORE_NEW_EPOCH:
		return NO("has epoch %" PRId64 ", the journal %" PRId64 ": " CURE_JOURNAL,
			  m->at.epoch, mine->epoch);
	case STORE_BEHIND:
		return NO("knew record %" PRIu64 " of the journal and now knows %" PRId64
			  ": an old state was restored; " CURE_STORE,
			  acked, m->at.head);
	case STORE_BEYOND:
		return NO("knows a record %" PRId64 " that the journal, with %" PRId64
			  " records, does not have: " CURE_JOURNAL,
			  m->at.head, mine->head);
	case STORE_SUSPECT:
		return NO("is marked as suspect: stop scep_ca, run scepctl reconcile or rebuild "
			  "--merge and start it again");
	}
#undef NO
	return err_set(em, E_INTERNAL, "unknown answer of the ledger");
}

/* The journal's first meeting with a ledger: from now on it is this one. */
static int adopt(struct ledger_watch *w, struct journal *j, const struct store_meta *m,
		 struct errmsg *em)
{
	struct journal_fact f;
	struct journal_epoch e = {.epoch = (uint64_t)m->at.epoch};
	struct journal_entry entry;
	struct errmsg why = {""};

	if (m->at.head != 0) {
		w->foreign = true;
		return err_set(
			em, E_UNAVAIL,
			"nothing is issued: the ledger belongs to another journal, of which it "
			"knows record %" PRId64 ": " CURE_JOURNAL,
			m->at.head);
	}
	memcpy(e.store, m->at.store, sizeof(e.store));
	journal_fact_epoch(&f, &e);
	entry = (struct journal_entry){f.type, f.fields, f.n};
	if (journal_append(j, &entry, 1, &why) != E_OK)
		return err_set(em, E_UNAVAIL, "nothing is issued: %.280s", why.text);
	w->epoch = e;
	return E_OK;
}

static bool is_same(const struct store_head *a, const struct store_head *b)
{
	return a->head == b->head && a->epoch == b->epoch && strcmp(a->store, b->store) == 0 &&
	       strcmp(a->head_hash, b->head_hash) == 0;
}

/* Is the record that the ledger knows the one that the journal has there? E_STATE: no. A journal that was found too
 * short goes on, and then has another record of that number: what was found stays found. */
static int check_record(struct ledger_watch *w, const struct store_head *at, struct errmsg *em)
{
	const struct known_hash *k = &w->last[(uint64_t)at->head % HASHES];
	uint8_t hash[DIGEST_SIZE] = {0};
	char text[HASH_SIZE];
	int r = E_OK;

	if (is_same(at, &w->beyond))
		return E_STATE;
	if (at->head == 0 || is_same(at, &w->agreed))
		return E_OK;
	if (k->seq == (uint64_t)at->head)
		memcpy(hash, k->hash, DIGEST_SIZE);
	else
		r = journal_hash_at(w->path, (uint64_t)at->head, hash, em);
	if (r != E_OK && r != E_NOTFOUND)
		return r;
	text_hex(text, hash, DIGEST_SIZE);
	if (r == E_OK && strcmp(text, at->head_hash) == 0)
		return E_OK;
	w->beyond = *at;
	return E_STATE;
}

/* Once after the start, and after anything was wrong. */
static int meet(struct ledger_watch *w, struct journal *j, struct store *ledger, struct errmsg *em)
{
	struct store_meta m = {.set_up = false};
	struct store_head mine = {.epoch = (int64_t)w->epoch.epoch};
	int r = store_meta_get(ledger, &m, em);

	if (r != E_OK)
		return r;
	if (m.set_up && w->epoch.epoch && strcmp(m.at.store, w->epoch.store) != 0)
		return E_OK; /* the beat says so */
	if (!m.set_up || !m.ready)
		return refuse(m.set_up ? STORE_SUSPECT : STORE_LOST, &mine, 0, &m, em);
	if (w->epoch.epoch == 0)
		return adopt(w, j, &m, em);
	mine.head = (int64_t)journal_size(j);
	r = check_record(w, &m.at, em);
	return r == E_STATE ? refuse(STORE_BEYOND, &mine, 0, &m, em) : r;
}

static int beat(struct ledger_watch *w, struct journal *j, struct store *ledger, struct errmsg *em)
{
	struct store_head mine = {.epoch = 0};
	struct store_meta m = {.set_up = false};
	enum store_said said = STORE_LOST;
	uint8_t hash[DIGEST_SIZE];
	uint64_t head, least;
	int r = w->met ? E_OK : meet(w, j, ledger, em);

	if (r != E_OK)
		return r;
	w->met = true;
	journal_head(j, &head, hash);
	memcpy(mine.store, w->epoch.store, sizeof(mine.store));
	mine.epoch = (int64_t)w->epoch.epoch;
	mine.head = (int64_t)head;
	text_hex(mine.head_hash, hash, DIGEST_SIZE);
	least = acknowledged_by(&w->acked, &w->epoch);
	if (least > head)
		return err_set(em, E_UNAVAIL,
			       "nothing is issued: the journal had record %" PRIu64
			       " and now ends at %" PRIu64 ": " CURE_JOURNAL,
			       least, head);
	r = store_beat(ledger, &mine, (int64_t)least, &said, &m, em);
	if (r != E_OK)
		return r;
	if (said == STORE_FITS) {
		acknowledge(w, head);
		w->agreed = mine;
	}
	if (said == STORE_BEYOND)
		w->beyond = m.at;
	w->foreign = said == STORE_FOREIGN;
	r = refuse(said, &mine, least, &m, em);
	/* Where the journal is at fault, or the ledger another campus', nobody is kept out for it. */
	if ((said == STORE_BEHIND || said == STORE_OLD_EPOCH) &&
	    store_suspect(ledger, "an old state of it was restored", NULL) != E_OK)
		log_error("the ledger cannot be marked as suspect");
	return r;
}

int ledger_watch_beat(struct ledger_watch *w, struct journal *j, struct store *ledger,
		      struct errmsg *em)
{
	int r;

	pthread_mutex_lock(&w->lock);
	r = beat(w, j, ledger, em);
	w->fine = r == E_OK;
	if (r != E_OK)
		w->met = false; /* whatever it is after that, it is looked at anew */
	pthread_mutex_unlock(&w->lock);
	return r;
}

bool ledger_watch_is_fine(struct ledger_watch *w)
{
	bool fine;

	pthread_mutex_lock(&w->lock);
	fine = w->fine;
	pthread_mutex_unlock(&w->lock);
	return fine;
}

bool ledger_watch_is_ours(struct ledger_watch *w)
{
	bool foreign;

	pthread_mutex_lock(&w->lock);
	foreign = w->foreign;
	pthread_mutex_unlock(&w->lock);
	return !foreign;
}

int ledger_watch_check(struct ledger_watch *w, struct journal *j, struct store *ledger,
		       struct errmsg *em)
{
	return ledger_watch_is_fine(w) ? E_OK : ledger_watch_beat(w, j, ledger, em);
}

int ledger_watch_suspect(struct ledger_watch *w, struct journal *j, struct store *ledger,
			 const char *reason, struct errmsg *em)
{
	int r = ledger_watch_beat(w, j, ledger, em);

	if (r != E_OK)
		return r;
	r = store_suspect(ledger, reason, em);
	pthread_mutex_lock(&w->lock);
	w->fine = w->met = false;
	pthread_mutex_unlock(&w->lock);
	return r;
}
