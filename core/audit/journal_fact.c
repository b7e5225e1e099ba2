#include "core/audit/journal_fact.h"

#include "core/base/text.h"
#include "core/model/serial.h"

#include <inttypes.h>
#include <stdio.h>

#define DER_MAX 32768

/* --- writing ----------------------------------------------------------------------------------------- */

static void begin(struct journal_fact *f, enum journal_type type)
{
	f->type = type;
	f->n = 0;
}

static void add(struct journal_fact *f, const char *name, const char *value)
{
	f->fields[f->n++] = (struct journal_field){name, bytes_str(value)};
}

static void add_number(struct journal_fact *f, const char *name, int64_t value)
{
	(void)snprintf(f->number, sizeof(f->number), "%" PRId64, value);
	add(f, name, f->number);
}

void journal_fact_revoked(struct journal_fact *f, const struct journal_revocation *v)
{
	begin(f, JOURNAL_REVOKED);
	add(f, "id", v->id);
	add_number(f, "at", v->at);
	add(f, "actor", v->actor);
	add(f, "reason", v->reason);
}

static void hold(struct journal_fact *f, enum journal_type type, const struct journal_hold *h)
{
	begin(f, type);
	add(f, "source", h->source);
	add(f, "user", h->user);
	add_number(f, "at", h->at);
	add(f, "actor", h->actor);
}

void journal_fact_held(struct journal_fact *f, const struct journal_hold *h)
{
	hold(f, JOURNAL_HELD, h);
	add(f, "reason", h->reason);
}

void journal_fact_restored(struct journal_fact *f, const struct journal_hold *h)
{
	hold(f, JOURNAL_RESTORED, h);
}

void journal_fact_person(struct journal_fact *f, const struct journal_thing *p)
{
	begin(f, JOURNAL_PERSON);
	add(f, "user", p->id);
	add(f, "record", p->record);
	add(f, "logins", p->logins);
}

void journal_fact_device(struct journal_fact *f, const struct journal_thing *d)
{
	begin(f, JOURNAL_DEVICE);
	add(f, "device", d->id);
	add(f, "record", d->record);
}

void journal_fact_epoch(struct journal_fact *f, const struct journal_epoch *e)
{
	begin(f, JOURNAL_EPOCH);
	add(f, "store", e->store);
	add_number(f, "epoch", (int64_t)e->epoch);
}

void journal_words(char dst[JOURNAL_WORDS_SIZE], int64_t at, const char *actor, const char *reason)
{
	if (*actor)
		(void)snprintf(dst, JOURNAL_WORDS_SIZE, "%" PRId64 " %s %s", at, actor, reason);
	else
		(void)snprintf(dst, JOURNAL_WORDS_SIZE, "%s", reason);
}

/* --- checking ---------------------------------------------------------------------------------------- */

enum kind { END, SERIAL, HASH, MARK, HEX32, ID, NAME, TEXT, TIME, COUNT, OBJECT, LIST, NOTE, DER };

struct rule {
	const char *name;
	enum kind kind;
	size_t max; /* bytes of a text */
};

#define RULES 10

static const struct rule rules[][RULES + 1] = {
	[JOURNAL_OPENED] = {{NULL, END, 0}},
	[JOURNAL_INTENT] = {{"serial", SERIAL, 0},
			    {"txn", TEXT, HASH_SIZE - 1},
			    {"ticket", HASH, 0},
			    {"spki", HASH, 0},
			    {"user", ID, 0},
			    {"device", ID, 0},
			    {"profile", NAME, 0},
			    {"issuer", ID, 0},
			    {"not_before", TIME, 0},
			    {"not_after", TIME, 0}},
	[JOURNAL_ISSUED] = {{"serial", SERIAL, 0}, {"der", DER, 0}},
	[JOURNAL_COMMITTED] = {{"serial", SERIAL, 0}},
	[JOURNAL_ABORTED] = {{"serial", SERIAL, 0}, {"reason", TEXT, JOURNAL_RECORD_MAX}},
	[JOURNAL_REVOKED] = {{"id", MARK, 0},
			     {"at", TIME, 0},
			     {"actor", TEXT, NAME_SIZE - 1},
			     {"reason", TEXT, REASON_SIZE - 1}},
	[JOURNAL_HELD] = {{"source", NAME, 0},
			  {"user", ID, 0},
			  {"at", TIME, 0},
			  {"actor", TEXT, NAME_SIZE - 1},
			  {"reason", TEXT, REASON_SIZE - 1}},
	[JOURNAL_RESTORED] = {{"source", NAME, 0},
			      {"user", ID, 0},
			      {"at", TIME, 0},
			      {"actor", TEXT, NAME_SIZE - 1}},
	[JOURNAL_CHECKPOINT] = {{"note", NOTE, 0}},
	[JOURNAL_EPOCH] = {{"store", HEX32, 0}, {"epoch", COUNT, 0}},
	[JOURNAL_PERSON] = {{"user", ID, 0}, {"record", OBJECT, 0}, {"logins", LIST, 0}},
	[JOURNAL_DEVICE] = {{"device", ID, 0}, {"record", OBJECT, 0}},
};

static bool is_hex(struct bytes v, size_t n)
{
	for (size_t i = 0; i < v.n; i++)
		if (!memchr("0123456789abcdef", v.p[i], 16))
			return false;
	return v.n == n;
}

static bool is_serial(struct bytes v)
{
	return is_hex(v, SERIAL_SIZE - 1) && v.p[0] < '8' && (v.p[0] > '0' || v.p[1] > '0');
}

static bool is_id(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] <= ' ' || v.p[i] > '~')
			return false;
	return v.n > 0 && v.n < ID_SIZE;
}

static bool is_name(struct bytes v)
{
	char name[NAME_SIZE] = "";

	if (v.n >= sizeof(name) || memchr(v.p, 0, v.n))
		return false;
	memcpy(name, v.p, v.n);
	return text_is_name(name, sizeof(name) - 1);
}

static bool number_of(struct bytes v, int64_t *ret)
{
	char number[24] = "";

	if (v.n >= sizeof(number) || memchr(v.p, 0, v.n))
		return false;
	memcpy(number, v.p, v.n);
	return text_int64(number, ret) == E_OK;
}

static bool is_json(struct bytes v, uint8_t open, uint8_t close)
{
	return v.n >= 2 && v.n <= JOURNAL_JSON_MAX && v.p[0] == open && v.p[v.n - 1] == close &&
	       !memchr(v.p, 0, v.n);
}

static bool fits(const struct rule *rule, struct bytes v)
{
	int64_t number = 0;

	switch (rule->kind) {
	case SERIAL:
		return is_serial(v);
	case HASH:
		return is_hex(v, HASH_SIZE - 1);
	case MARK:
		return is_serial(v) || is_hex(v, HASH_SIZE - 1);
	case HEX32:
		return is_hex(v, JOURNAL_STORE_SIZE - 1);
	case ID:
		return is_id(v);
	case NAME:
		return is_name(v);
	case TEXT:
		return v.n <= rule->max && (v.n == 0 || !memchr(v.p, 0, v.n));
	case TIME:
		return number_of(v, &number) && number >= 0;
	case COUNT:
		return number_of(v, &number) && number > 0;
	case OBJECT:
		return is_json(v, '{', '}');
	case LIST:
		return is_json(v, '[', ']');
	case NOTE:
		return v.n > 0 && v.n <= JOURNAL_NOTE_MAX && !memchr(v.p, 0, v.n);
	case DER:
		return v.n > 0 && v.n <= DER_MAX;
	case END:
		break;
	}
	return false;
}

int journal_check(const struct journal_record *r, struct errmsg *em)
{
	if (r->type < JOURNAL_OPENED || r->type > JOURNAL_LAST)
		return err_set(em, E_UNSUPPORTED, "its type %d is unknown", (int)r->type);
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(r->fields[i].name, r->fields[j].name) == 0)
				return err_set(em, E_FORMAT, "field %s stands twice in '%s'",
					       r->fields[i].name, journal_type_text(r->type));
	for (const struct rule *rule = rules[r->type]; rule->name; rule++)
		if (!fits(rule, journal_get(r, rule->name)))
			return err_set(em, E_FORMAT, "field %s of '%s' is missing or malformed",
				       rule->name, journal_type_text(r->type));
	return E_OK;
}

void journal_get_text(const struct journal_record *r, const char *name, char *dst, size_t size)
{
	struct bytes v = journal_get(r, name);
	size_t n = v.n < size ? v.n : size - 1;

	if (n)
		memcpy(dst, v.p, n);
	dst[n] = '\0';
}

int64_t journal_get_int(const struct journal_record *r, const char *name)
{
	int64_t v = 0;

	return number_of(journal_get(r, name), &v) ? v : 0;
}
