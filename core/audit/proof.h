/*
 * Proofs against a checkpoint, as text to be kept: that a record is in the journal (C2SP tlog-proof; its
 * extra data is the record), and that an older checkpoint's journal is the beginning of this one (the
 * same form under a header of our own). Pure but for buffers.
 */
#ifndef CORE_AUDIT_PROOF_H
#define CORE_AUDIT_PROOF_H

#include "core/audit/checkpoint.h"
#include "core/audit/journal_record.h"

enum { PROOF_MAX = 4 * JOURNAL_RECORD_MAX }; /* bytes of text */

enum proof_kind { PROOF_INCLUSION, PROOF_CONSISTENCY };

struct proof {
	enum proof_kind kind;
	uint64_t number;   /* inclusion: index from 0; consistency: size of the older journal */
	struct buf record; /* inclusion: the record's bytes; owned, see proof_free */
	struct merkle_proof path;
	struct bytes note; /* the signed checkpoint; borrowed */
};

int proof_write(const struct proof *p, struct buf *out) MUST_CHECK;

/* ret->note points into `in`; proof_free also after an error. E_FORMAT, E_TOOBIG, E_NOMEM. */
int proof_read(struct bytes in, struct proof *ret) MUST_CHECK;
void proof_free(struct proof *p);

/* The record and what says so, valid as long as p. E_DENIED: not proved, or not signed by k. */
int proof_verify_inclusion(const struct proof *p, const struct note_key *k, note_verify_fn *verify,
			   struct journal_record *ret, struct checkpoint *ret_of) MUST_CHECK;

/* older: what was noted before. */
int proof_verify_consistency(const struct proof *p, const struct checkpoint *older,
			     const struct note_key *k, note_verify_fn *verify,
			     struct checkpoint *ret_of) MUST_CHECK;

#endif
