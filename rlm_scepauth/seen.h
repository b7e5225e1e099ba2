/*
 * The highest state of the store that this server has seen, kept in a file: a store that was exchanged,
 * or restored from an old copy, is refused, also after a restart and with the CA away. Several processes
 * may share the file; it is written once a second at most, by a thread of its own. Any thread.
 */
#ifndef RLM_SCEPAUTH_SEEN_H
#define RLM_SCEPAUTH_SEEN_H

#include "core/authz/authz.h"
#include "core/base/err.h"

struct seen;

struct seen_mark {
	char store[STORE_ID_SIZE]; /* "": none seen yet */
	int64_t epoch, head;
	char hash[HASH_SIZE]; /* of the head; "": not known */
};

/* A file that is not there is made: from then on this store is the one. E_FORMAT, E_IO, E_TOOBIG with the
 * cure in em. say (any thread): a failure to write it. Blocks on the file. */
int seen_open(const char *path, void (*say)(const char *text), struct seen **ret,
	      struct errmsg *em) MUST_CHECK;
void seen_close(struct seen *s); /* writes what is new */

/* What is known before the store is asked; what it answers then may not be less. */
void seen_now(struct seen *s, struct seen_mark *ret);

/* AUTHZ_OK and remembers it, AUTHZ_STORE_ROLLED_BACK or AUTHZ_STORE_FOREIGN. other_history: the store says that `before`
 * is not of its history; it stays refused however far it comes, until its epoch is higher. */
enum authz_reason seen_check(struct seen *s, const struct seen_mark *before,
			     const struct seen_mark *answer, bool other_history);

#endif
