#include "core/audit/journal_state.h"

#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/version.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Without memory an entry is not added, which put() sees; uthash would end the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define VERSION_SIZE 32
/* Redis lets no ticket live longer, in seconds. */
#define TICKET_LIFE_MAX (7 * 86400)

/* One entry of a table: its key is the first member of what follows, a text. */
struct cert {
	struct journal_cert pub;
	UT_hash_handle hh;
};

struct revocation {
	struct journal_revocation pub;
	UT_hash_handle hh;
};

struct held; /* all holds of one person */

struct hold {
	struct journal_hold pub;
	struct held *of;
	struct hold *next;
};

struct held {
	char user[ID_SIZE];
	struct hold *first;
	UT_hash_handle hh;
};

struct person {
	struct journal_person pub;
	UT_hash_handle hh;
	char text[]; /* record and logins */
};

struct device {
	struct journal_device pub;
	UT_hash_handle hh;
	char text[];
};

struct journal_state {
	struct cert *certs;
	struct revocation *revocations;
	struct held *held;
	size_t holds;
	struct person *people;
	struct device *devices;
	struct journal_head head;
	struct journal_epoch epoch; /* 0: none yet */
	char version[VERSION_SIZE]; /* that opened the journal last */
	struct errmsg error;
};

/* HASH_ADD with its failure as a result; key is a field's name. NOLINTBEGIN(bugprone-macro-parentheses) */
#define PUT(table, e, key)                                                                         \
	do {                                                                                       \
		HASH_ADD(hh, table, key[0], strlen((e)->key), e);                                  \
		if (!(e)->hh.tbl) {                                                                \
			free(e);                                                                   \
			return E_NOMEM;                                                            \
		}                                                                                  \
	} while (0)
/* NOLINTEND(bugprone-macro-parentheses) */

int journal_state_new(struct journal_state **ret)
{
	struct journal_state *s = calloc(1, sizeof(*s));

	if (!s)
		return E_NOMEM;
	*ret = s;
	return E_OK;
}

static void free_held(struct held *h)
{
	while (h->first) {
		struct hold *e = h->first;

		h->first = e->next;
		free(e);
	}
	free(h);
}

static void drop_held(struct journal_state *s, struct held *h)
{
	HASH_DEL(s->held, h);
	free_held(h);
}

/* HASH_CLEAR forgets the table and leaves the entries linked. */
#define FREE_ALL(type, table, free_one)                                                            \
	do {                                                                                       \
		type *entry = (table), *after; /* NOLINT(bugprone-macro-parentheses) */            \
		HASH_CLEAR(hh, table);                                                             \
		for (; entry; entry = after) {                                                     \
			after = entry->hh.next;                                                    \
			free_one(entry);                                                           \
		}                                                                                  \
	} while (0)

void journal_state_free(struct journal_state *s)
{
	if (!s)
		return;
	FREE_ALL(struct cert, s->certs, free);
	FREE_ALL(struct revocation, s->revocations, free);
	FREE_ALL(struct person, s->people, free);
	FREE_ALL(struct device, s->devices, free);
	FREE_ALL(struct held, s->held, free_held);
	free(s);
}

/* --- certificates ------------------------------------------------------------------------------------ */

static struct cert *find_cert(const struct journal_state *s, const char *serial)
{
	struct cert *e;

	HASH_FIND_STR(s->certs, serial, e);
	return e;
}

static int add_intent(struct journal_state *s, const struct journal_record *r)
{
	struct cert *e;

	if (HASH_COUNT(s->certs) >= JOURNAL_STATE_MAX)
		return E_TOOBIG;
	e = calloc(1, sizeof(*e));
	if (!e)
		return E_NOMEM;
	journal_get_text(r, "serial", e->pub.serial, sizeof(e->pub.serial));
	if (find_cert(s, e->pub.serial)) {
		(void)err_set(&s->error, E_FORMAT, "serial %s was drawn before", e->pub.serial);
		free(e);
		return E_FORMAT;
	}
	journal_get_text(r, "issuer", e->pub.issuer, sizeof(e->pub.issuer));
	journal_get_text(r, "user", e->pub.user, sizeof(e->pub.user));
	journal_get_text(r, "device", e->pub.device, sizeof(e->pub.device));
	journal_get_text(r, "profile", e->pub.profile, sizeof(e->pub.profile));
	journal_get_text(r, "spki", e->pub.spki, sizeof(e->pub.spki));
	journal_get_text(r, "ticket", e->pub.ticket, sizeof(e->pub.ticket));
	e->pub.not_before = journal_get_int(r, "not_before");
	e->pub.not_after = journal_get_int(r, "not_after");
	e->pub.intent_at = e->pub.changed_at = r->time;
	e->pub.state = JOURNAL_CERT_INTENT;
	PUT(s->certs, e, pub.serial);
	return E_OK;
}

/* Said again, `committed` and `aborted` are harmless: a crash can lose that they were said. */
static bool may_become(enum journal_cert_state now, enum journal_type type)
{
	switch (type) {
	case JOURNAL_ISSUED:
		return now == JOURNAL_CERT_INTENT;
	case JOURNAL_COMMITTED:
		return now == JOURNAL_CERT_ISSUED || now == JOURNAL_CERT_COMMITTED;
	default:
		return true;
	}
}

static int change_cert(struct journal_state *s, const struct journal_record *r)
{
	char serial[SERIAL_SIZE];
	uint8_t der[DIGEST_SIZE];
	struct cert *e;
	int rc;

	journal_get_text(r, "serial", serial, sizeof(serial));
	e = find_cert(s, serial);
	if (!e)
		return err_set(&s->error, E_FORMAT, "serial %s is '%s' and was never drawn", serial,
			       journal_type_text(r->type));
	if (!may_become(e->pub.state, r->type))
		return err_set(&s->error, E_FORMAT,
			       "serial %s is '%s' out of turn, after its record of %" PRId64,
			       serial, journal_type_text(r->type), e->pub.changed_at);
	if (r->type == JOURNAL_ISSUED) {
		rc = digest_sha256(journal_get(r, "der"), der);
		if (rc != E_OK)
			return rc;
		memcpy(e->pub.der, der, sizeof(der));
		e->pub.issued_seq = r->seq;
		e->pub.state = JOURNAL_CERT_ISSUED;
	} else if (r->type == JOURNAL_COMMITTED) {
		e->pub.state = JOURNAL_CERT_COMMITTED;
	} else {
		e->pub.state = JOURNAL_CERT_ABORTED;
	}
	e->pub.changed_at = r->time;
	return E_OK;
}

/* --- revocations and holds --------------------------------------------------------------------------- */

static int add_revoked(struct journal_state *s, const struct journal_record *r)
{
	struct revocation *e;
	char id[HASH_SIZE] = "";

	journal_get_text(r, "id", id, sizeof(id));
	if (journal_state_revoked(s, id))
		return E_OK;
	if (HASH_COUNT(s->revocations) >= JOURNAL_STATE_MAX)
		return E_TOOBIG;
	e = calloc(1, sizeof(*e));
	if (!e)
		return E_NOMEM;
	memcpy(e->pub.id, id, sizeof(id));
	e->pub.at = journal_get_int(r, "at");
	journal_get_text(r, "actor", e->pub.actor, sizeof(e->pub.actor));
	journal_get_text(r, "reason", e->pub.reason, sizeof(e->pub.reason));
	PUT(s->revocations, e, pub.id);
	return E_OK;
}

static struct held *find_held(const struct journal_state *s, const char *user)
{
	struct held *e;

	HASH_FIND_STR(s->held, user, e);
	return e;
}

/* Where the hold of this source is linked, or would be: at the end. */
static struct hold **find_hold(struct held *of, const char *source)
{
	struct hold **at = &of->first;

	while (*at && strcmp((*at)->pub.source, source) != 0)
		at = &(*at)->next;
	return at;
}

static int new_held(struct journal_state *s, const char *user, struct held **ret)
{
	struct held *e = calloc(1, sizeof(*e));

	if (!e)
		return E_NOMEM;
	(void)snprintf(e->user, sizeof(e->user), "%s", user);
	PUT(s->held, e, user);
	*ret = e;
	return E_OK;
}

static int add_held(struct journal_state *s, const struct journal_record *r,
		    const struct journal_hold *h)
{
	struct held *of = find_held(s, h->user);
	struct hold **at, *e = of ? *find_hold(of, h->source) : NULL;
	int rc = E_OK;

	if (!e) {
		if (s->holds >= JOURNAL_STATE_MAX)
			return E_TOOBIG;
		e = calloc(1, sizeof(*e));
		if (!e)
			return E_NOMEM;
		if (!of)
			rc = new_held(s, h->user, &of);
		if (rc != E_OK) {
			free(e);
			return rc;
		}
		at = find_hold(of, h->source);
		e->of = of;
		*at = e;
		s->holds++;
	}
	e->pub = *h;
	journal_get_text(r, "reason", e->pub.reason, sizeof(e->pub.reason));
	return E_OK;
}

static int end_held(struct journal_state *s, const struct journal_hold *h)
{
	struct held *of = find_held(s, h->user);
	struct hold **at = of ? find_hold(of, h->source) : NULL, *e;

	if (!at || !*at)
		return err_set(&s->error, E_FORMAT, "%s is 'restored' by %s, but was not held",
			       h->user, h->source);
	e = *at;
	*at = e->next;
	free(e);
	s->holds--;
	if (!of->first)
		drop_held(s, of);
	return E_OK;
}

static int change_hold(struct journal_state *s, const struct journal_record *r)
{
	struct journal_hold h = {.at = journal_get_int(r, "at")};

	journal_get_text(r, "source", h.source, sizeof(h.source));
	journal_get_text(r, "user", h.user, sizeof(h.user));
	journal_get_text(r, "actor", h.actor, sizeof(h.actor));
	return r->type == JOURNAL_HELD ? add_held(s, r, &h) : end_held(s, &h);
}

/* --- people and devices ------------------------------------------------------------------------------ */

static const char *put_text(char **at, struct bytes v)
{
	char *text = *at;

	memcpy(text, v.p, v.n);
	text[v.n] = '\0';
	*at += v.n + 1;
	return text;
}

/* As the ledger reads it: what is no number has passed. */
static int64_t read_leave_at(const struct json *record)
{
	const char *text = json_get_str(record, "leave_at");
	int64_t at = 0;

	if (!text || !*text)
		return 0;
	return text_int64(text, &at) == E_OK ? at : 1;
}

static int add_person(struct journal_state *s, const struct journal_record *r)
{
	struct bytes record = journal_get(r, "record"), logins = journal_get(r, "logins");
	struct person *e, *old;
	struct json *j = NULL;
	char *at;
	int rc;

	if (HASH_COUNT(s->people) >= JOURNAL_STATE_MAX)
		return E_TOOBIG;
	rc = json_parse((const char *)record.p, record.n, &j, &s->error);
	if (rc != E_OK)
		return rc;
	e = calloc(1, sizeof(*e) + record.n + logins.n + 2);
	if (!e) {
		json_free(j);
		return E_NOMEM;
	}
	at = e->text;
	e->pub.record = put_text(&at, record);
	e->pub.logins = put_text(&at, logins);
	e->pub.leave_at = read_leave_at(j);
	json_free(j);
	journal_get_text(r, "user", e->pub.user, sizeof(e->pub.user));
	HASH_FIND_STR(s->people, e->pub.user, old);
	PUT(s->people, e, pub.user);
	if (old) {
		HASH_DEL(s->people, old);
		free(old);
	}
	return E_OK;
}

static int add_device(struct journal_state *s, const struct journal_record *r)
{
	struct bytes record = journal_get(r, "record");
	struct device *e, *old;
	char *at;

	if (HASH_COUNT(s->devices) >= JOURNAL_STATE_MAX)
		return E_TOOBIG;
	e = calloc(1, sizeof(*e) + record.n + 1);
	if (!e)
		return E_NOMEM;
	at = e->text;
	e->pub.record = put_text(&at, record);
	journal_get_text(r, "device", e->pub.device, sizeof(e->pub.device));
	HASH_FIND_STR(s->devices, e->pub.device, old);
	PUT(s->devices, e, pub.device);
	if (old) {
		HASH_DEL(s->devices, old);
		free(old);
	}
	return E_OK;
}

/* --- folding ----------------------------------------------------------------------------------------- */

static int set_epoch(struct journal_state *s, const struct journal_record *r)
{
	struct journal_epoch e = {.epoch = (uint64_t)journal_get_int(r, "epoch")};

	journal_get_text(r, "store", e.store, sizeof(e.store));
	if (strcmp(e.store, s->epoch.store) == 0 && e.epoch < s->epoch.epoch)
		return err_set(&s->error, E_FORMAT,
			       "epoch %" PRIu64 " of store %s comes after epoch %" PRIu64, e.epoch,
			       e.store, s->epoch.epoch);
	s->epoch = e;
	return E_OK;
}

static int fold(struct journal_state *s, const struct journal_record *r)
{
	switch (r->type) {
	case JOURNAL_OPENED:
		journal_get_text(r, "version", s->version, sizeof(s->version));
		return E_OK;
	case JOURNAL_INTENT:
		return add_intent(s, r);
	case JOURNAL_ISSUED:
	case JOURNAL_COMMITTED:
	case JOURNAL_ABORTED:
		return change_cert(s, r);
	case JOURNAL_REVOKED:
		return add_revoked(s, r);
	case JOURNAL_HELD:
	case JOURNAL_RESTORED:
		return change_hold(s, r);
	case JOURNAL_CHECKPOINT:
		return E_OK;
	case JOURNAL_EPOCH:
		return set_epoch(s, r);
	case JOURNAL_PERSON:
		return add_person(s, r);
	case JOURNAL_DEVICE:
		return add_device(s, r);
	}
	return E_UNSUPPORTED;
}

/* Puts number and versions around what is wrong. */
static int refuse(struct journal_state *s, const struct journal_record *r, int rc)
{
	struct errmsg what = s->error;

	if (rc == E_UNSUPPORTED)
		return err_set(&s->error, rc,
			       "journal: record %" PRIu64
			       ": %.100s to version %s; it was opened by "
			       "version %s, use that or a newer one",
			       r->seq, what.text, SCEPAUTH_VERSION,
			       s->version[0] ? s->version : "(not said)");
	return err_set(&s->error, rc,
		       "journal: record %" PRIu64 " makes no sense after those before it: %.180s",
		       r->seq, what.text[0] ? what.text : err_text(rc));
}

int journal_state_add(void *ctx, const struct journal_record *r)
{
	struct journal_state *s = ctx;
	int rc;

	s->error.text[0] = '\0';
	rc = journal_check(r, &s->error);
	if (rc == E_OK)
		rc = fold(s, r);
	if (rc != E_OK)
		return refuse(s, r, rc);
	s->head.seq = r->seq;
	memcpy(s->head.hash, r->hash, DIGEST_SIZE);
	/* an administrator has said that the clock was ahead before and is right now */
	if (r->type == JOURNAL_OPENED && journal_get(r, "clock").n)
		s->head.time = r->time;
	if (r->time > s->head.time)
		s->head.time = r->time;
	return E_OK;
}

const char *journal_state_error(const struct journal_state *s)
{
	return s->error.text;
}

/* --- asking ------------------------------------------------------------------------------------------ */

void journal_state_head(const struct journal_state *s, struct journal_head *ret)
{
	*ret = s->head;
}

int journal_state_epoch(const struct journal_state *s, struct journal_epoch *ret)
{
	if (s->epoch.epoch == 0)
		return E_NOTFOUND;
	*ret = s->epoch;
	return E_OK;
}

/* uthash keeps the order in which entries came; the public part is the first of its entry. */
#define NEXT(type, table, last)                                                                    \
	const type *entry = (last) ? ((const type *)(const void *)(last))->hh.next : (table);      \
                                                                                                   \
	return entry ? &entry->pub : NULL

size_t journal_state_certs(const struct journal_state *s)
{
	return HASH_COUNT(s->certs);
}

const struct journal_cert *journal_state_cert(const struct journal_state *s, const char *serial)
{
	const struct cert *e = find_cert(s, serial);

	return e ? &e->pub : NULL;
}

const struct journal_cert *journal_state_next_cert(const struct journal_state *s,
						   const struct journal_cert *last)
{
	NEXT(struct cert, s->certs, last);
}

size_t journal_state_revocations(const struct journal_state *s)
{
	return HASH_COUNT(s->revocations);
}

const struct journal_revocation *journal_state_revoked(const struct journal_state *s,
						       const char *id)
{
	const struct revocation *e;

	HASH_FIND_STR(s->revocations, id, e);
	return e ? &e->pub : NULL;
}

bool journal_state_is_over(const struct journal_state *s, const struct journal_revocation *v,
			   int64_t now)
{
	const struct journal_cert *c = journal_state_cert(s, v->id);

	if (c)
		return c->not_after <= now;
	return strlen(v->id) == HASH_SIZE - 1 && v->at + TICKET_LIFE_MAX <= now;
}

const struct journal_revocation *
journal_state_next_revocation(const struct journal_state *s, const struct journal_revocation *last)
{
	NEXT(struct revocation, s->revocations, last);
}

size_t journal_state_holds(const struct journal_state *s)
{
	return s->holds;
}

const struct journal_hold *journal_state_held(const struct journal_state *s, const char *source,
					      const char *user)
{
	struct held *of = find_held(s, user);
	const struct hold *e = of ? of->first : NULL;

	while (e && source && strcmp(e->pub.source, source) != 0)
		e = e->next;
	return e ? &e->pub : NULL;
}

const struct journal_hold *journal_state_next_hold(const struct journal_state *s,
						   const struct journal_hold *last)
{
	const struct hold *e = (const struct hold *)(const void *)last;
	const struct held *of = e ? e->of->hh.next : s->held;

	if (e && e->next)
		return &e->next->pub;
	return of ? &of->first->pub : NULL;
}

size_t journal_state_people(const struct journal_state *s)
{
	return HASH_COUNT(s->people);
}

const struct journal_person *journal_state_person(const struct journal_state *s, const char *user)
{
	const struct person *e;

	HASH_FIND_STR(s->people, user, e);
	return e ? &e->pub : NULL;
}

const struct journal_person *journal_state_next_person(const struct journal_state *s,
						       const struct journal_person *last)
{
	NEXT(struct person, s->people, last);
}

size_t journal_state_devices(const struct journal_state *s)
{
	return HASH_COUNT(s->devices);
}

const struct journal_device *journal_state_device(const struct journal_state *s, const char *device)
{
	const struct device *e;

	HASH_FIND_STR(s->devices, device, e);
	return e ? &e->pub : NULL;
}

const struct journal_device *journal_state_next_device(const struct journal_state *s,
						       const struct journal_device *last)
{
	NEXT(struct device, s->devices, last);
}
