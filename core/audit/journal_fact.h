/*
 * What the types of the journal say (docs/JOURNAL.md): which fields each has and what may stand in
 * them, and the facts about revocations, people and devices as structs. Pure.
 */
#ifndef CORE_AUDIT_JOURNAL_FACT_H
#define CORE_AUDIT_JOURNAL_FACT_H

#include "core/audit/journal_record.h"
#include "core/model/limits.h"

enum {
	JOURNAL_JSON_MAX = 16384, /* bytes of a person's or device's record */
	JOURNAL_NOTE_MAX = 32768, /* bytes of a checkpoint */
	JOURNAL_STORE_SIZE = 33,  /* a store's id: 32 lower-case hex digits and the NUL */
};

/* at is 0 and actor "" where what stands in Redis does not say; reason is then all that it says. */
struct journal_revocation {
	char id[HASH_SIZE]; /* serial, or hash of a ticket's challenge */
	int64_t at;
	char actor[NAME_SIZE];
	char reason[REASON_SIZE];
};

struct journal_hold {
	char source[NAME_SIZE];
	char user[ID_SIZE];
	int64_t at;
	char actor[NAME_SIZE];
	char reason[REASON_SIZE]; /* not in `restored` */
};

/* Text borrowed. record: JSON object of the hash, all values strings; logins: JSON array of
 * "source:login", of a person only. */
struct journal_thing {
	const char *id;
	const char *record;
	const char *logins;
};

struct journal_epoch {
	char store[JOURNAL_STORE_SIZE];
	uint64_t epoch; /* from 1 */
};

/* A record to be appended: `fields` and `n` go into a struct journal_entry. Points into itself and to
 * what it was made from, so it is neither copied nor used after that is gone. */
struct journal_fact {
	enum journal_type type;
	struct journal_field fields[6];
	size_t n;
	char number[24];
};

void journal_fact_revoked(struct journal_fact *f, const struct journal_revocation *v);
void journal_fact_held(struct journal_fact *f, const struct journal_hold *h);
void journal_fact_restored(struct journal_fact *f, const struct journal_hold *h);
void journal_fact_person(struct journal_fact *f, const struct journal_thing *p);
void journal_fact_device(struct journal_fact *f, const struct journal_thing *d);
void journal_fact_epoch(struct journal_fact *f, const struct journal_epoch *e);

enum { JOURNAL_WORDS_SIZE = 24 + NAME_SIZE + REASON_SIZE };
/* "<at> <actor> <reason>", as it stood in Redis; of one typed by hand just the reason. */
void journal_words(char dst[JOURNAL_WORDS_SIZE], int64_t at, const char *actor, const char *reason);

/* Are all fields of its type there, once each, and well formed? More than those is no fault. E_FORMAT
 * with what is wrong in em; E_UNSUPPORTED for an unknown type. */
int journal_check(const struct journal_record *r, struct errmsg *em) MUST_CHECK;

/* A field that journal_check has passed; a text is cut where it does not fit. */
void journal_get_text(const struct journal_record *r, const char *name, char *dst, size_t size);
int64_t journal_get_int(const struct journal_record *r, const char *name);

#endif
