#include "scep_ca/signer/follow.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/store/store_device.h"
#include "scep_ca/signer/copy.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	LOOK_MS = 200,
	AWAY_MS = 1000,
	STANDING_MS = 60000,
	PEOPLE_MS = 3600000,
	SHARE = 10, /* a comparison may take this part of the time at most */
	POSITIONS_MAX = 262144,
	USERS_MAX = 10000,
};

struct follow {
	struct ledger_journal *journal;
	struct store_pool *pool;
	struct copy *copy;
	pthread_t thread;
	int stop; /* eventfd */
	struct buf positions;
	int64_t revoked;                           /* fields of `revoked`, when last asked */
	int64_t next_all, next_people, not_before; /* monotonic ms */
	bool away;
	struct store_change *changes;
	size_t n, cap;
};

/* A person who is named more than once is copied once; the restoration is kept. */
static int note_change(void *ctx, const struct store_change *c)
{
	struct follow *f = ctx;
	struct store_change *v;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->changes[i].user, c->user) == 0) {
			bool renewed = f->changes[i].renewed || c->renewed;

			if (c->restored_by[0])
				f->changes[i] = *c;
			f->changes[i].renewed = renewed;
			return E_OK;
		}
	if (f->n == USERS_MAX) {
		f->next_all = f->next_people = 0;
		return E_OK;
	}
	if (f->n == f->cap) {
		v = realloc(f->changes, (2 * f->cap + 16) * sizeof(*v));
		if (!v)
			return E_NOMEM;
		f->changes = v;
		f->cap = 2 * f->cap + 16;
	}
	f->changes[f->n++] = *c;
	return E_OK;
}

static int compare_all(struct follow *f, struct store *ledger, struct errmsg *em)
{
	int64_t began = clock_mono_ms(), took;
	bool people = began >= f->next_people;
	uint64_t before = copy_count(f->copy);
	int r = copy_all(f->copy, ledger, !people, em);

	if (r != E_OK)
		return r;
	took = clock_mono_ms() - began;
	f->not_before = clock_mono_ms() + took * SHARE;
	f->next_all = clock_mono_ms() + STANDING_MS;
	if (people && copy_is_trusted(f->copy))
		f->next_people = clock_mono_ms() + PEOPLE_MS;
	if (copy_count(f->copy) > before)
		log_info("journal: %" PRIu64 " facts were found by comparison, in %" PRId64 " ms",
			 copy_count(f->copy) - before, took);
	return E_OK;
}

/* A device uses its new certificate: the one before ends. Where that cannot be done, the next use tells again. */
static void supersede(struct store *ledger, const char *user)
{
	struct errmsg em = {""};
	int64_t n = 0;

	if (store_supersede(ledger, user, &n, &em) != E_OK)
		log_warn("a certificate that was renewed is not ended: %s", em.text);
	else if (n > 0)
		log_info("%" PRId64 " certificates of %s are superseded", n, user);
}

/* Positions move on only when all that they tell of was copied. */
static int look(struct follow *f, struct store *ledger, struct errmsg *em)
{
	int64_t revoked = f->revoked, now;
	uint64_t before = copy_count(f->copy);
	struct buf next;
	int r;

	buf_init(&next, POSITIONS_MAX);
	buf_add_bytes(&next, buf_bytes(&f->positions));
	f->n = 0;
	r = store_changed(ledger, &next, &revoked, note_change, f, em);
	/* Whether by hand, without an event, or back by an old state: only a comparison tells. */
	if (r == E_OK && revoked != f->revoked)
		f->next_all = 0;
	if (r == E_OK && f->n)
		r = copy_check(f->copy, ledger, em);
	for (size_t i = 0; r == E_OK && i < f->n; i++) {
		if (f->changes[i].renewed)
			supersede(ledger, f->changes[i].user);
		r = copy_user(f->copy, ledger, &f->changes[i], em);
	}
	now = clock_mono_ms();
	if (r == E_OK && now >= f->next_all && now >= f->not_before) {
		r = compare_all(f, ledger, em);
		if (r == E_OK)
			f->revoked = revoked;
	}
	if (!copy_is_trusted(f->copy)) /* what is not copied now, a comparison finds */
		f->next_people = 0;
	/* At once: an older state that came back is one that does not know of this. */
	if (copy_count(f->copy) > before && ledger_journal_beat(f->journal, ledger, NULL) != E_OK)
		f->next_people = 0;
	if (r == E_OK) {
		buf_free(&f->positions);
		f->positions = next;
		return E_OK;
	}
	buf_free(&next);
	return r;
}

static int turn(struct follow *f)
{
	struct store *ledger = store_pool_get(f->pool);
	struct errmsg em = {""};
	int r = ledger ? look(f, ledger, &em)
		       : err_set(&em, E_UNAVAIL, "all connections to the ledger are in use");

	if (ledger)
		store_pool_put(f->pool, ledger);
	if (r == E_OK && f->away)
		log_info("journal: what happens in Redis is copied again");
	else if (r != E_OK && !f->away)
		log_warn("journal: what happens in Redis is not copied: %s",
			 em.text[0] ? em.text : err_text(r));
	f->away = r != E_OK;
	if (f->away) /* it may come back with another state */
		f->next_all = f->not_before = 0;
	return f->away ? AWAY_MS : LOOK_MS;
}

static void *run(void *arg)
{
	struct follow *f = arg;
	struct pollfd fd = {.fd = f->stop, .events = POLLIN};
	int pause = 0;

	while (poll(&fd, 1, pause) <= 0)
		pause = turn(f);
	return NULL;
}

static void release(struct follow *f)
{
	copy_free(f->copy);
	buf_free(&f->positions);
	free(f->changes);
	if (f->stop >= 0)
		close(f->stop);
	free(f);
}

int follow_start(struct ledger_journal *l, struct store_pool *pool, struct follow **ret)
{
	struct follow *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return E_NOMEM;
	f->journal = l;
	f->pool = pool;
	f->revoked = -1;
	buf_init(&f->positions, POSITIONS_MAX);
	f->stop = eventfd(0, EFD_CLOEXEC);
	r = f->stop < 0 ? E_IO : copy_new(l, &f->copy);
	if (r == E_OK && pthread_create(&f->thread, NULL, run, f) != 0)
		r = E_IO;
	if (r != E_OK) {
		release(f);
		return r;
	}
	*ret = f;
	return E_OK;
}

void follow_stop(struct follow *f)
{
	uint64_t one = 1;

	if (!f)
		return;
	if (write(f->stop, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(f->thread, NULL);
	release(f);
}
