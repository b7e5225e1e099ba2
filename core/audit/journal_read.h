/* Reads a journal from its first record and checks every hash and the chain. Blocks on files. */
#ifndef CORE_AUDIT_JOURNAL_READ_H
#define CORE_AUDIT_JOURNAL_READ_H

#include "core/audit/journal_record.h"
#include "core/audit/merkle.h"

#include <stdbool.h>

enum { JOURNAL_FILE_SIZE = 32 }; /* of a file's name, with its NUL */

struct journal_report {
	uint64_t records; /* that were whole and in their chain */
	uint64_t files;
	struct {
		uint64_t seq; /* 0: none yet */
		int64_t time;
		uint8_t hash[DIGEST_SIZE];
	} last;
	char file[JOURNAL_FILE_SIZE]; /* the last that was read; "" when there is none */
	uint64_t good;                /* bytes of it that are whole records */
	uint64_t torn;                /* bytes after them that a crash left, to be cut */
	bool damaged;                 /* first damage: in `file` at `good`, after last.seq */
	struct merkle
		tree; /* over the records (the leaves are whole records); fn sees that before r */
};

/* The record and what it points to are valid during the call only. Other than 0 ends the reading. */
typedef int journal_fn(void *ctx, const struct journal_record *r);

/*
 * fn may be NULL. E_OK also with a torn end (see ret->torn); E_FORMAT with file, offset and sequence
 * in em at the first damage, E_IO, E_NOMEM, or what fn returned. *ret is set in each case.
 */
int journal_read(int dir, journal_fn *fn, void *ctx, struct journal_report *ret,
		 struct errmsg *em) MUST_CHECK;

/* The hash of one record, by reading all before it: seconds where there are many. E_NOTFOUND: no such record; else as
 * journal_read. */
int journal_hash_at(const char *path, uint64_t seq, uint8_t ret[DIGEST_SIZE],
		    struct errmsg *em) MUST_CHECK;

/* The same by the folder's path. */
int journal_read_path(const char *path, journal_fn *fn, void *ctx, struct journal_report *ret,
		      struct errmsg *em) MUST_CHECK;

/* The name of the file whose first record is seq. */
void journal_file_name(uint64_t seq, char out[JOURNAL_FILE_SIZE]);

#endif
