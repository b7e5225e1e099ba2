#include "scep_ca/signer/copy.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/model/serial.h"
#include "scep_ca/signer/fault.h"
#include "scep_ca/signer/mend.h"

#include <inttypes.h>
#include <pthread.h>

#define BATCH 32
#define HOLDS_MAX 1000000

struct item {
	struct journal_fact fact;
	struct journal_revocation revoked;
	struct journal_hold hold;
	struct journal_thing thing;
	char id[ID_SIZE];
	char login[NAME_SIZE + LOGIN_SIZE + 4];
	struct buf record;
	bool takes_back; /* only a whole store may say so */
};

/* A hold that Redis showed. */
struct seen {
	char source[NAME_SIZE], user[ID_SIZE];
};

/* What was read first is in the journal first: an issuing thread and the follower may read records of one person, and
 * the last one in the journal is what a rebuild puts back. Held from reading to the disk. */
static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;

struct copy {
	struct ledger_journal *l;
	struct store *ledger; /* of the pass that is under way */
	struct item items[BATCH];
	size_t n;
	uint64_t written;
	bool trusted; /* Redis has all that the journal has, as far as was seen */
	bool odd;     /* entries that revoke nothing were told of */
	struct seen *seen;
	size_t n_seen, cap_seen;
};

int copy_new(struct ledger_journal *l, struct copy **ret)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (!c)
		return E_NOMEM;
	c->l = l;
	for (size_t i = 0; i < BATCH; i++)
		buf_init(&c->items[i].record, JOURNAL_JSON_MAX);
	*ret = c;
	return E_OK;
}

void copy_free(struct copy *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < BATCH; i++)
		buf_free(&c->items[i].record);
	free(c->seen);
	free(c);
}

uint64_t copy_count(const struct copy *c)
{
	return c->written;
}

bool copy_is_trusted(const struct copy *c)
{
	return c->trusted;
}

/* --- batch: one fsync for many facts --------------------------------------------------------------- */

/* An older state of Redis may have come back at any time. What takes back something that the journal has was
 * read before this, so it counts only if the store still fits now. */
static bool is_doubtful(struct copy *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].takes_back) {
			c->trusted =
				c->trusted && ledger_journal_beat(c->l, c->ledger, NULL) == E_OK;
			return !c->trusted;
		}
	return false;
}

static int flush(struct copy *c, struct errmsg *em)
{
	struct journal_entry e[BATCH];
	bool doubtful = is_doubtful(c);
	size_t n = 0;
	int r;

	for (size_t i = 0; i < c->n; i++)
		if (!doubtful || !c->items[i].takes_back)
			e[n++] = (struct journal_entry){
				c->items[i].fact.type, c->items[i].fact.fields, c->items[i].fact.n};
	c->n = 0;
	if (n == 0)
		return E_OK;
	fault_point("facts");
	r = ledger_journal_facts(c->l, e, n, em);
	if (r == E_OK)
		c->written += n;
	fault_point("copied");
	return r;
}

/* A place for the next fact about id. Redis may show the same twice, so one that is still waiting goes to
 * the disk first: then the journal knows it. */
static int next_item(struct copy *c, enum journal_type type, const char *id, struct item **ret,
		     struct errmsg *em)
{
	bool full = c->n == BATCH;
	int r;

	for (size_t i = 0; i < c->n; i++)
		full = full || (c->items[i].fact.type == type && strcmp(c->items[i].id, id) == 0);
	r = full ? flush(c, em) : E_OK;
	if (r != E_OK)
		return r;
	*ret = &c->items[c->n];
	(*ret)->takes_back = false;
	return text_copy((*ret)->id, sizeof((*ret)->id), id);
}

/* "<unix> <actor> <reason>"; what was written by hand in another form is all reason. */
static void split(const char *record, int64_t *ret_at, char actor[NAME_SIZE],
		  char reason[REASON_SIZE])
{
	size_t digits = strcspn(record, " "), name;
	const char *rest = record + digits + (record[digits] == ' ');
	char number[24] = "";
	int64_t at = 0;

	*ret_at = 0;
	actor[0] = '\0';
	name = strcspn(rest, " ");
	if (digits < sizeof(number))
		memcpy(number, record, digits);
	if (text_int64(number, &at) == E_OK && at >= 0 && name > 0 && name < NAME_SIZE) {
		memcpy(actor, rest, name);
		actor[name] = '\0';
		*ret_at = at;
		record = rest + name + (rest[name] == ' ');
	}
	(void)snprintf(reason, REASON_SIZE, "%s", record);
}

/* --- one fact -------------------------------------------------------------------------------------- */

static bool is_hash(const char *id)
{
	return strlen(id) == HASH_SIZE - 1 && strspn(id, "0123456789abcdef") == HASH_SIZE - 1;
}

/* Redis does not say who typed it, and no Function left an event. */
static void tell_by_hand(const char *id, const char *record, bool counts)
{
	const struct audit_field fields[] = {
		{"serial", id}, {"record", record}, {"counts", counts ? "yes" : "no"}};

	if (audit_event("revoked_by_hand", "", fields, 3) != E_OK)
		log_error("the audit event revoked_by_hand could not be written");
}

static int take_revoked(struct copy *c, const struct store_fact *f, struct errmsg *em)
{
	struct item *i = NULL;
	bool known;
	int r;

	if (!serial_is_canonical(f->id) && !is_hash(f->id)) {
		if (!c->odd) {
			log_warn("`revoked` has an entry that is neither serial nor ticket and so "
				 "revokes nothing: %.64s",
				 f->id);
			tell_by_hand(f->id, f->extra, false);
		}
		c->odd = true;
		return E_OK;
	}
	r = next_item(c, JOURNAL_REVOKED, f->id, &i, em);
	if (r != E_OK)
		return r;
	known = journal_state_revoked(ledger_journal_state(c->l), f->id) != NULL;
	ledger_journal_state_done(c->l);
	if (known)
		return E_OK;
	i->revoked = (struct journal_revocation){.at = 0};
	split(f->extra, &i->revoked.at, i->revoked.actor, i->revoked.reason);
	r = text_copy(i->revoked.id, sizeof(i->revoked.id), f->id);
	journal_fact_revoked(&i->fact, &i->revoked);
	c->n++;
	if (i->revoked.at == 0)
		tell_by_hand(f->id, f->extra, true);
	return r;
}

static int note_seen(struct copy *c, const char *source, const char *user)
{
	struct seen *v;

	if (c->n_seen == HOLDS_MAX)
		return E_TOOBIG;
	if (c->n_seen == c->cap_seen) {
		v = realloc(c->seen, (2 * c->cap_seen + 64) * sizeof(*v));
		if (!v)
			return E_NOMEM;
		c->seen = v;
		c->cap_seen = 2 * c->cap_seen + 64;
	}
	v = &c->seen[c->n_seen];
	if (text_copy(v->source, sizeof(v->source), source) != E_OK ||
	    text_copy(v->user, sizeof(v->user), user) != E_OK)
		return E_OK; /* nobody of ours has such an id */
	c->n_seen++;
	return E_OK;
}

static bool is_id(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return n > 0 && n < ID_SIZE;
}

static int take_held(struct copy *c, const struct store_fact *f, struct errmsg *em)
{
	const struct journal_hold *old;
	struct journal_hold h = {.at = 0};
	struct item *i = NULL;
	bool known;
	int r = note_seen(c, f->extra, f->id);

	if (r != E_OK)
		return err_set(em, r, "holds: %s", err_text(r));
	if (!is_id(f->id) || !text_is_name(f->extra, NAME_SIZE - 1))
		return E_OK;
	r = next_item(c, JOURNAL_HELD, f->id, &i, em);
	if (r == E_OK)
		r = text_copy(h.source, sizeof(h.source), f->extra);
	if (r == E_OK)
		r = text_copy(h.user, sizeof(h.user), f->id);
	if (r != E_OK)
		return r;
	split(f->fields[0], &h.at, h.actor, h.reason);
	old = journal_state_held(ledger_journal_state(c->l), h.source, h.user);
	known = old && old->at == h.at && strcmp(old->actor, h.actor) == 0 &&
		strcmp(old->reason, h.reason) == 0;
	ledger_journal_state_done(c->l);
	if (known)
		return E_OK;
	i->hold = h;
	journal_fact_held(&i->fact, &i->hold);
	c->n++;
	return E_OK;
}

static int dump_record(const struct store_fact *f, struct buf *out)
{
	struct json *j = json_object();
	int r;

	buf_reset(out);
	for (size_t i = 0; i + 1 < f->n_fields; i += 2)
		json_set_str(j, f->fields[i], f->fields[i + 1]);
	r = json_dump(j, out);
	json_free(j);
	return r;
}

static int dump_login(const char *login, char *dst, size_t size)
{
	struct json *list = json_array();
	struct buf out = {0};
	int r;

	buf_init(&out, size - 1);
	if (*login)
		json_push_str(list, login);
	r = json_dump(list, &out);
	if (r == E_OK)
		r = text_copy(dst, size, buf_str(&out));
	json_free(list);
	buf_free(&out);
	return r;
}

/* ret_other: it has an older record of it. */
static bool knows_thing(struct copy *c, bool person, const struct journal_thing *t, bool *ret_other)
{
	const struct journal_state *s = ledger_journal_state(c->l);
	const struct journal_person *p = person ? journal_state_person(s, t->id) : NULL;
	const struct journal_device *d = person ? NULL : journal_state_device(s, t->id);
	bool same =
		person ? p && strcmp(p->record, t->record) == 0 && strcmp(p->logins, t->logins) == 0
		       : d && strcmp(d->record, t->record) == 0;

	*ret_other = !same && (p || d);
	ledger_journal_state_done(c->l);
	return same;
}

static int take_thing(struct copy *c, const struct store_fact *f, struct errmsg *em)
{
	bool person = f->kind == STORE_FACT_PERSON;
	struct item *i = NULL;
	int r;

	if (!c->trusted || !is_id(f->id))
		return E_OK;
	r = next_item(c, person ? JOURNAL_PERSON : JOURNAL_DEVICE, f->id, &i, em);
	if (r != E_OK)
		return r;
	r = dump_record(f, &i->record);
	if (r == E_OK && person)
		r = dump_login(f->extra, i->login, sizeof(i->login));
	if (r != E_OK)
		return err_set(em, r, "record of %s: %s", f->id, err_text(r));
	i->thing = (struct journal_thing){i->id, buf_str(&i->record), i->login};
	if (knows_thing(c, person, &i->thing, &i->takes_back))
		return E_OK;
	if (person)
		journal_fact_person(&i->fact, &i->thing);
	else
		journal_fact_device(&i->fact, &i->thing);
	c->n++;
	return E_OK;
}

struct taking {
	struct copy *c;
	struct errmsg *em;
};

static int take(void *ctx, const struct store_fact *f)
{
	const struct taking *t = ctx;

	switch (f->kind) {
	case STORE_FACT_REVOKED:
		return take_revoked(t->c, f, t->em);
	case STORE_FACT_HELD:
		return take_held(t->c, f, t->em);
	case STORE_FACT_PERSON:
	case STORE_FACT_DEVICE:
		return take_thing(t->c, f, t->em);
	}
	return err_set(t->em, E_INTERNAL, "Redis told of something unknown");
}

/* --- holds that are gone --------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int order = strcmp(x->user, y->user);

	return order ? order : strcmp(x->source, y->source);
}

static bool was_seen(const struct copy *c, const struct journal_hold *h)
{
	struct seen key;

	memcpy(key.source, h->source, sizeof(key.source));
	memcpy(key.user, h->user, sizeof(key.user));
	return c->n_seen && bsearch(&key, c->seen, c->n_seen, sizeof(key), compare);
}

/* The next hold of the journal (of `user`, or with NULL of anybody) that Redis did not show; from `from`
 * on, which counts holds. The state may change between two calls: then one is seen a pass later. */
static bool find_gone(struct copy *c, const char *user, size_t *from, struct journal_hold *ret)
{
	const struct journal_state *s = ledger_journal_state(c->l);
	const struct journal_hold *h =
		user ? journal_state_held(s, NULL, user) : journal_state_next_hold(s, NULL);
	size_t at = 0;
	bool found = false;

	for (; h && !found && !(user && strcmp(h->user, user) != 0);
	     h = journal_state_next_hold(s, h), at++) {
		if (at < *from || was_seen(c, h))
			continue;
		*ret = *h;
		*from = at;
		found = true;
	}
	ledger_journal_state_done(c->l);
	return found;
}

static int end_holds_of(struct copy *c, const struct store_change *who, struct errmsg *em)
{
	struct journal_hold h;
	struct item *i = NULL;
	size_t from = 0;
	int r = flush(c, em);

	while (r == E_OK && c->trusted && find_gone(c, who->user, &from, &h)) {
		r = next_item(c, JOURNAL_RESTORED, h.user, &i, em);
		if (r != E_OK)
			break;
		i->hold = h;
		i->takes_back = true;
		i->hold.at = clock_now();
		i->hold.actor[0] = '\0';
		if (strcmp(who->hold, h.source) == 0)
			memcpy(i->hold.actor, who->restored_by, sizeof(i->hold.actor));
		journal_fact_restored(&i->fact, &i->hold);
		c->n++;
		r = flush(c, em); /* and the state knows it no more */
	}
	return r;
}

int copy_user(struct copy *c, struct store *ledger, const struct store_change *who,
	      struct errmsg *em)
{
	struct taking t = {c, em};
	int r;

	pthread_mutex_lock(&reading);
	c->ledger = ledger;
	c->n_seen = 0;
	r = store_facts_of(ledger, who->user, take, &t, em);
	if (r == E_OK)
		r = flush(c, em);
	if (r == E_OK && c->n_seen)
		qsort(c->seen, c->n_seen, sizeof(*c->seen), compare);
	if (r == E_OK && c->trusted)
		r = end_holds_of(c, who, em);
	c->n = 0;
	pthread_mutex_unlock(&reading);
	return r;
}

/* Each is asked for once more, at one moment: it may have been set since its page was read. */
static int end_holds(struct copy *c, struct store *ledger, struct errmsg *em)
{
	struct store_change who = {.user = ""};
	struct seen *all = c->seen;
	size_t n = c->n_seen, cap = c->cap_seen, from = 0;
	struct journal_hold h;
	int r = E_OK;

	while (r == E_OK && c->trusted && find_gone(c, NULL, &from, &h)) {
		memcpy(who.user, h.user, sizeof(who.user));
		c->seen = NULL;
		c->n_seen = c->cap_seen = 0;
		r = copy_user(c, ledger, &who, em);
		free(c->seen);
		c->seen = all;
		c->n_seen = n;
		c->cap_seen = cap;
		from++;
	}
	return r;
}

/* --- all ------------------------------------------------------------------------------------------- */

int copy_check(struct copy *c, struct store *ledger, struct errmsg *em)
{
	if (ledger_journal_beat(c->l, ledger, NULL) != E_OK)
		c->trusted = false;
	if (ledger_journal_is_ours(c->l))
		return E_OK;
	return err_set(em, E_UNAVAIL, "it is not the one that this journal belongs to");
}

/* Revocations from number *from on that Redis must still have. */
static size_t next_ids(struct copy *c, const struct journal_revocation **at, char (*ids)[HASH_SIZE])
{
	const struct journal_state *s = ledger_journal_state(c->l);
	int64_t now = clock_now();
	size_t n = 0;

	/* Revocations are only ever added, so the last one seen stays where it is. */
	while (n < STORE_UNREVOKED_MAX && (*at = journal_state_next_revocation(s, *at))) {
		if (journal_state_is_over(s, *at, now))
			continue;
		memcpy(ids[n++], (*at)->id, HASH_SIZE);
	}
	ledger_journal_state_done(c->l);
	return n;
}

struct losing {
	struct mend mend;
	char first[HASH_SIZE]; /* that was gone, also where it is back; "" */
	char lost[HASH_SIZE];  /* that could not be put back; "" */
	uint64_t holds;        /* likewise */
};

static int put_back_lost(struct copy *c, struct store *ledger, const char *const *ids, size_t n,
			 struct losing *l, struct errmsg *em)
{
	char first[HASH_SIZE];
	size_t missing = 0;
	int r = store_unrevoked(ledger, ids, n, &missing, first, em);

	if (r != E_OK || !missing)
		return r;
	if (!l->first[0]) {
		memcpy(l->first, first, sizeof(first));
		mend_begin(&l->mend, c->l, ledger);
		/* Holds that are gone, too, were not lifted, as far as anybody knows; before what shows that is mended. */
		r = mend_holds(&l->mend, &l->holds, em);
	}
	if (r == E_OK)
		r = mend_revocations(&l->mend, ids, n, em);
	if (r == E_OK)
		r = store_unrevoked(ledger, ids, n, &missing, first, em);
	if (r == E_OK && missing && !l->lost[0])
		memcpy(l->lost, first, sizeof(first));
	return r;
}

static int look_for_lost(struct copy *c, struct store *ledger, struct errmsg *em)
{
	char ids[STORE_UNREVOKED_MAX][HASH_SIZE];
	const char *list[STORE_UNREVOKED_MAX];
	const struct journal_revocation *at = NULL;
	struct losing l = {.first = ""};
	int r = E_OK;
	size_t n;

	do {
		n = next_ids(c, &at, ids);
		for (size_t i = 0; i < n; i++)
			list[i] = ids[i];
		r = n ? put_back_lost(c, ledger, list, n, &l, em) : E_OK;
	} while (r == E_OK && at);
	if (r == E_OK)
		ledger_journal_lost(c->l, ledger, l.holds ? l.first : l.lost);
	return r;
}

int copy_all(struct copy *c, struct store *ledger, bool standing_only, struct errmsg *em)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_CURSOR_BEGIN;
	struct taking t = {c, em};
	int r = copy_check(c, ledger, em);

	if (r == E_OK)
		r = look_for_lost(c, ledger, em);
	c->ledger = ledger;
	c->trusted = r == E_OK && ledger_journal_is_whole(c->l);
	c->n_seen = 0;
	while (r == E_OK && strcmp(cursor, "0") != 0) {
		pthread_mutex_lock(&reading);
		r = store_facts(ledger, standing_only || !c->trusted, cursor, take, &t, em);
		if (r == E_OK)
			r = flush(c, em);
		pthread_mutex_unlock(&reading);
	}
	if (r == E_OK && c->n_seen)
		qsort(c->seen, c->n_seen, sizeof(*c->seen), compare);
	if (r == E_OK && c->trusted)
		r = end_holds(c, ledger, em);
	c->n = 0;
	return r;
}

int copy_before_issue(struct ledger_journal *l, struct store *ledger, const char *user,
		      const char *device, struct errmsg *em)
{
	const struct journal_state *s = ledger_journal_state(l);
	bool known = journal_state_person(s, user) && journal_state_device(s, device);
	struct store_change who = {.user = ""};
	struct copy *c = NULL;
	int r;

	ledger_journal_state_done(l);
	if (known)
		return E_OK;
	r = text_copy(who.user, sizeof(who.user), user);
	if (r == E_OK)
		r = copy_new(l, &c);
	if (r != E_OK)
		return err_set(em, r, "%s", err_text(r));
	c->trusted = true; /* or nothing would be issued at all */
	r = copy_user(c, ledger, &who, em);
	copy_free(c);
	return r;
}
