/*
 * The files that auto_revoke keeps in the instance's run folder besides those of the brake: above all what the
 * last good read was like.
 */
#ifndef AUTO_REVOKE_DAEMON_RUNFILE_H
#define AUTO_REVOKE_DAEMON_RUNFILE_H

#include "core/ipc/runfile.h"
#include "core/model/limits.h"

#define RUNFILE_STATE "auto_revoke.state"
#define RUNFILE_STATUS "auto_revoke.status"
#define RUNFILE_LOCK "auto_revoke.lock"

struct run_state {
	int64_t people;           /* listed in the last good read, 0: never */
	int64_t mtime_ns;         /* of the export then */
	bool end_marked;          /* it said how many there are */
	int64_t counted_from;     /* holds set up to then were released by a person, unix seconds */
	char applying[HASH_SIZE]; /* digest of the released plan that is being applied, or "" */
};

/* file: the export this is about; a state of another export reads as none. E_OK also when there is
 * no state yet; E_FORMAT for a damaged one. */
int run_state_read(const char *dir, const char *file, struct run_state *ret,
		   struct errmsg *em) MUST_CHECK;
int run_state_write(const char *dir, const char *file, const struct run_state *s,
		    struct errmsg *em) MUST_CHECK;

#endif
