/*
 * The newest checkpoint as a file of the journal's folder, for whoever copies it to another machine.
 * Blocks on the disk.
 */
#ifndef CORE_AUDIT_CHECKPOINT_FILE_H
#define CORE_AUDIT_CHECKPOINT_FILE_H

#include "core/audit/checkpoint.h"

#define CHECKPOINT_FILE "checkpoint"

/* Puts the note in the place of the one before, never half. dir: the folder, open. E_IO. */
int checkpoint_save(int dir, struct bytes note, struct errmsg *em) MUST_CHECK;

/* Appends the note in a file (name as for openat) to out. E_NOTFOUND, E_FORMAT (no regular file),
 * E_TOOBIG, E_IO. */
int checkpoint_read(int dir, const char *name, struct buf *out, struct errmsg *em) MUST_CHECK;

#endif
