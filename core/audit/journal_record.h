/*
 * One record of the journal as bytes (docs/JOURNAL.md): a checked header, named fields, the hash of
 * the record before, its own hash. Pure but for the buffer's memory.
 */
#ifndef CORE_AUDIT_JOURNAL_RECORD_H
#define CORE_AUDIT_JOURNAL_RECORD_H

#include "core/base/buf.h"
#include "core/base/digest.h"

enum {
	JOURNAL_FIELDS_MAX = 16,
	JOURNAL_NAME_MAX = 32,      /* of a field, with its NUL */
	JOURNAL_RECORD_MAX = 65536, /* bytes */
	JOURNAL_RECORD_MIN = 32 + 2 * DIGEST_SIZE,
};

enum journal_type {
	JOURNAL_OPENED = 1, /* a process took the journal */
	JOURNAL_INTENT,     /* a serial that may be signed from now on */
	JOURNAL_ISSUED,     /* was signed; holds the certificate */
	JOURNAL_COMMITTED,  /* the ledger has it as active */
	JOURNAL_ABORTED,    /* will never be active */
	JOURNAL_REVOKED,
	JOURNAL_HELD,
	JOURNAL_RESTORED,
	JOURNAL_CHECKPOINT,
	JOURNAL_EPOCH,
	JOURNAL_PERSON,
	JOURNAL_DEVICE,
	JOURNAL_LAST = JOURNAL_DEVICE,
};

struct journal_field {
	const char *name;
	struct bytes value;
};

struct journal_record {
	uint64_t seq; /* from 1 without a gap */
	int64_t time; /* unix seconds */
	enum journal_type type;
	uint8_t prev[DIGEST_SIZE]; /* hash of record seq-1; zeros in the first */
	uint8_t hash[DIGEST_SIZE]; /* of this one; set by encode and decode */
	struct journal_field fields[JOURNAL_FIELDS_MAX];
	size_t n;         /* fields */
	struct bytes raw; /* the whole record; set by decode */
};

/* Stable word of a type, such as "issued"; "?" for an unknown one. */
const char *journal_type_text(enum journal_type t);

/* The value of a field; {NULL, 0} when there is none of that name. */
struct bytes journal_get(const struct journal_record *r, const char *name);

/* Appends the record and sets r->hash. E_TOOBIG, E_FORMAT (name empty or too long), E_NOMEM. */
int journal_encode(struct journal_record *r, struct buf *out) MUST_CHECK;

enum journal_shape {
	JOURNAL_WHOLE, /* ret is set; its fields point into `in` */
	JOURNAL_TORN, /* a beginning of a record, zeros after it or only zeros: what a crash leaves at the end */
	JOURNAL_DAMAGED, /* anything else */
};

/* Reads the record that `in` begins with. `in` is all there is up to the end of the file, or at least
 * JOURNAL_RECORD_MAX bytes. With so many, torn are zeros to the end of `in`: then no more than zeros may follow. The chain to the record before is the caller's to check. */
enum journal_shape journal_decode(struct bytes in, struct journal_record *ret) MUST_CHECK;

#endif
