/* Rules on files for this thread and all it starts, by the kernel's Landlock. */
#ifndef CORE_IPC_LANDLOCK_H
#define CORE_IPC_LANDLOCK_H

#include "core/base/err.h"

enum landlock_what {
	LANDLOCK_READ = 1,
	LANDLOCK_WRITE = 2, /* and read, make and remove below a folder */
	LANDLOCK_MUST = 4,  /* a path that does not exist is an error */
};

struct landlock;

/* An empty set: all file access is refused. E_UNSUPPORTED, with a sentence in em, when the kernel has
 * no Landlock or has it switched off. */
int landlock_open(struct landlock **ret, struct errmsg *em) MUST_CHECK;

/* A missing path adds nothing, unless LANDLOCK_MUST. */
int landlock_allow(struct landlock *l, const char *path, unsigned what,
		   struct errmsg *em) MUST_CHECK;

/* Puts the rules in force, for good. Needs PR_SET_NO_NEW_PRIVS. */
int landlock_enter(struct landlock *l, struct errmsg *em) MUST_CHECK;

void landlock_close(struct landlock *l);

#endif
