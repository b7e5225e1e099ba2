/* Reads a journal against its checkpoints. Blocks on files. */
#ifndef SCEPCTL_JOURNAL_CHECK_H
#define SCEPCTL_JOURNAL_CHECK_H

#include "core/audit/checkpoint.h"
#include "core/audit/journal_read.h"

struct journal_check {
	const struct checkpoint *noted; /* what the journal must contain; NULL: nothing */
	const struct note_key *key;     /* that signed its checkpoints; NULL: not asked */
	void (*progress)(const struct journal_report *now); /* called now and then; NULL: nobody */
	/* out */
	uint64_t checkpoints; /* in it, all good */
	struct journal_report found;
};

/* As journal_read_path; E_DENIED: whole in itself, but not what was noted, or a wrong signature. */
int journal_check_path(const char *path, struct journal_check *c, struct errmsg *em) MUST_CHECK;

/* A checkpoint in a file, signed by key when that is not NULL. E_DENIED, E_FORMAT, E_IO, E_NOTFOUND. */
int journal_check_note(const char *file, const struct note_key *key, struct checkpoint *ret,
		       struct errmsg *em) MUST_CHECK;

#endif
