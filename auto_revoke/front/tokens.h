/*
 * The bearer tokens of identity providers: a file with one line "<name> <SHA-256 of the token> <unix
 * seconds of its making>" each, written by scepctl. The tokens themselves are random (256 bits), so a
 * plain hash keeps them. Blocks on the file system; one thread.
 */
#ifndef AUTO_REVOKE_FRONT_TOKENS_H
#define AUTO_REVOKE_FRONT_TOKENS_H

#include "core/base/digest.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <limits.h>
#include <sys/stat.h>

enum { TOKENS_MAX = 2 }; /* the one in use, and the one that is to replace it */

struct tokens {
	char path[PATH_MAX];
	struct stat seen;
	size_t n;
	struct token {
		char name[NAME_SIZE];
		uint8_t hash[DIGEST_SIZE];
		int64_t created, used; /* unix seconds, 0: not since the start */
	} v[TOKENS_MAX];
};

/* Reads the file again when it is another. E_NOTFOUND, E_DENIED (others may read it), E_FORMAT: then
 * there are no tokens. */
int tokens_refresh(struct tokens *t, struct errmsg *em) MUST_CHECK;

/* The token of an Authorization header; NULL: none of ours. Takes the same time for every wrong one. */
struct token *tokens_find(struct tokens *t, const char *authorization);

#endif
