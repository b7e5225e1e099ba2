/*
 * Checkpoints in the form of C2SP tlog-checkpoint: a signed note that says how many records the journal
 * has and what their Merkle root is. The journal's name (origin) is the name of the key. Pure but for
 * buffers.
 */
#ifndef CORE_AUDIT_CHECKPOINT_H
#define CORE_AUDIT_CHECKPOINT_H

#include "core/audit/merkle.h"
#include "core/audit/note.h"

struct checkpoint {
	char origin[NOTE_NAME_SIZE];
	uint64_t size; /* records */
	uint8_t root[DIGEST_SIZE];
};

/* The journal's name: `own`, or when that is "" the host (and port) of the URL and "/journal". E_FORMAT,
 * E_TOOBIG. */
int checkpoint_name(const char *own, const char *url, char out[NOTE_NAME_SIZE]) MUST_CHECK;

/* Appends the signed note for a tree. Errors as note_sign. */
int checkpoint_make(const struct merkle *tree, const struct note_key *k, note_sign_fn *sign,
		    void *ctx, struct buf *out) MUST_CHECK;

/* What a note says, signed by nobody knows whom. E_FORMAT: not a checkpoint. */
int checkpoint_parse(struct bytes note, struct checkpoint *ret) MUST_CHECK;

/* The same, signed by this key, of the journal of that name. E_DENIED, E_FORMAT. */
int checkpoint_verify(struct bytes note, const struct note_key *k, note_verify_fn *verify,
		      struct checkpoint *ret) MUST_CHECK;

#endif
