/*
 * The append-only journal: what it has acknowledged is on the disk (docs/JOURNAL.md).
 *
 * One process writes it (a lock on the folder sees to that), with as many threads as it likes: those
 * that append at the same time share one fsync. When an fsync has failed nobody knows what the disk
 * holds; the journal is then closed for good, and only opening it anew, which reads and checks
 * everything, helps.
 */
#ifndef CORE_AUDIT_JOURNAL_H
#define CORE_AUDIT_JOURNAL_H

#include "core/audit/checkpoint.h"
#include "core/audit/journal_read.h"

#include <sys/types.h>

struct journal;

struct journal_options {
	const char *path;   /* folder, which must exist */
	uint64_t file_size; /* a new file is begun after so many bytes; 0: 64 MiB */
	/* For tests; NULL: pwrite and fdatasync. */
	ssize_t (*write)(int fd, const void *p, size_t n, off_t at);
	int (*sync)(int fd);
	/* Sees each record that was appended once it is on the disk, in order, before journal_append returns
	 * to anybody who waits for it. Called from any thread, one at a time; must not append. Other than 0
	 * closes the journal for good. NULL: nobody. */
	journal_fn *appended;
	void *appended_ctx;
};

struct journal_entry {
	enum journal_type type;
	const struct journal_field *fields;
	size_t n;
};

/*
 * Takes the lock, reads and checks everything (fn sees each record; may be NULL), cuts a torn end
 * and makes sure that what was read is on the disk. ret_found (may be NULL): what was found, with
 * `torn` the bytes that were cut. The newest checkpoint, where the folder has one, must note what the
 * journal has. E_STATE: it does not. E_EXISTS: another process writes it; E_NOTFOUND: no such folder;
 * E_FORMAT: damaged, see em; E_IO, E_NOMEM, or what fn returned. Blocks on files.
 */
int journal_open(const struct journal_options *o, journal_fn *fn, void *ctx,
		 struct journal_report *ret_found, struct journal **ret,
		 struct errmsg *em) MUST_CHECK;
void journal_close(struct journal *j); /* writes what journal_note left */

/*
 * Appends n entries, one after the other, and returns when they are on the disk. E_UNAVAIL: there is
 * no room (disk, quota, file size), nothing was appended, try again later. E_STATE: closed for good.
 * E_TOOBIG, E_FORMAT, E_NOMEM: the entries are at fault, nothing was appended. Safe for many threads.
 */
int journal_append(struct journal *j, const struct journal_entry *e, size_t n,
		   struct errmsg *em) MUST_CHECK;

/* Queues the entries: they go with the next append. For what a restart would find out again. */
int journal_note(struct journal *j, const struct journal_entry *e, size_t n,
		 struct errmsg *em) MUST_CHECK;

/*
 * Appends a checkpoint of all records before it, signed, and puts it into the folder's file too (errors
 * as journal_append, and E_IO: the record is there, the file is not). One thread at a time.
 */
int journal_checkpoint(struct journal *j, const struct note_key *k, note_sign_fn *sign, void *ctx,
		       struct checkpoint *ret, struct errmsg *em) MUST_CHECK;

/* Records, those that wait for the disk included. */
uint64_t journal_size(struct journal *j);
/* The last record that is on the disk; 0 and zeros when there is none. */
void journal_head(struct journal *j, uint64_t *ret_seq, uint8_t ret_hash[DIGEST_SIZE]);

/* How many fsyncs were done: for tests and measurements. */
uint64_t journal_syncs(struct journal *j);

#endif
