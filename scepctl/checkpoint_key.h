/* The key that signs checkpoints of the journal: made by init or later, and what verifiers need of it. */
#ifndef SCEPCTL_CHECKPOINT_KEY_H
#define SCEPCTL_CHECKPOINT_KEY_H

#include "core/audit/note.h"
#include "core/base/conf.h"

/* A new key into a new file, mode 0600. E_EXISTS; blocks on the disk. */
int checkpoint_key_make(const char *path, struct errmsg *em) MUST_CHECK;

/* The verifier key of the instance's checkpoint key, under the journal's name. em names file and cure. */
int checkpoint_key_load(const struct conf *c, struct note_key *ret, struct errmsg *em) MUST_CHECK;

#endif
