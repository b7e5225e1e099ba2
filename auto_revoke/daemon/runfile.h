/*
 * The small files that auto_revoke keeps in the instance's run folder: what the last good read was
 * like, and the mass-change brake with its release. Written whole or not at all (rename). Blocks on
 * the file system.
 */
#ifndef AUTO_REVOKE_DAEMON_RUNFILE_H
#define AUTO_REVOKE_DAEMON_RUNFILE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define RUNFILE_STATE "auto_revoke.state"
#define RUNFILE_BRAKE "auto_revoke.brake"
#define RUNFILE_APPROVED "auto_revoke.approved"
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

struct run_brake {
	char digest[HASH_SIZE]; /* SHA-256 of `plan` */
	char why[16];
	char since[24];
	size_t known, affected, listed, before;
	const char *plan; /* lines of plan_text; on reading points into `text` */
	struct buf text;
};

int run_brake_write(const char *dir, const struct run_brake *b, struct errmsg *em) MUST_CHECK;
/* E_NOTFOUND when no brake is engaged; E_FORMAT when the digest does not match the plan in it. */
int run_brake_read(const char *dir, struct run_brake *ret, struct errmsg *em) MUST_CHECK;
void run_brake_free(struct run_brake *b);

/* Who released which plan. by: "uid 0 (root)". */
int run_approval_write(const char *dir, const char *digest, const char *by,
		       struct errmsg *em) MUST_CHECK;
int run_approval_read(const char *dir, char digest[HASH_SIZE], char by[TEXT_SIZE],
		      struct errmsg *em) MUST_CHECK;

/* Replaces dir/name. When root writes, the file goes to the folder's owner, who is to read it. */
int runfile_write(const char *dir, const char *name, const char *text, size_t n,
		  struct errmsg *em) MUST_CHECK;
int runfile_read(const char *dir, const char *name, struct buf *out, struct errmsg *em) MUST_CHECK;
/* E_OK also when it is not there. */
int runfile_remove(const char *dir, const char *name, struct errmsg *em) MUST_CHECK;

/* Keeps two of us from working on one instance. E_EXISTS when another runs. *ret_fd stays open. */
int runfile_lock(const char *dir, int *ret_fd, struct errmsg *em) MUST_CHECK;

#endif
