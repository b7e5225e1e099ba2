/*
 * The file of local accounts: one line "login:yescrypt-hash:groups:name:email", '#' comments. Changing
 * it is replacing it, so that the portal never reads half a file. Blocks on the disk.
 */
#ifndef SCEPCTL_ACCOUNTS_H
#define SCEPCTL_ACCOUNTS_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>

struct accounts;

struct account {
	const char *login, *hash, *groups, *name, *email; /* borrowed */
};

/* Reads path and keeps others from changing it until accounts_close; waits up to 2 s
 * for one who does (E_STATE). E_NOTFOUND without the file. */
int accounts_open(const char *path, struct accounts **ret, struct errmsg *em) MUST_CHECK;
void accounts_close(struct accounts *a);

size_t accounts_count(const struct accounts *a);
void accounts_get(const struct accounts *a, size_t i, struct account *ret);
/* E_NOTFOUND */
int accounts_find(const struct accounts *a, const char *login, struct account *ret) MUST_CHECK;

/* In memory until accounts_save. add: E_EXISTS, E_FORMAT when a field cannot stand in a line. */
int accounts_add(struct accounts *a, const struct account *account, struct errmsg *em) MUST_CHECK;
int accounts_set_hash(struct accounts *a, const char *login, const char *hash,
		      struct errmsg *em) MUST_CHECK;
int accounts_del(struct accounts *a, const char *login, struct errmsg *em) MUST_CHECK;

/* Replaces the file atomically, same mode and owner; comments and foreign lines stay as they are. */
int accounts_save(struct accounts *a, struct errmsg *em) MUST_CHECK;

/* Lower-cases login into dst; E_FORMAT when it is not 1 to LOGIN_SIZE - 1 of [a-z0-9._@-]. */
int accounts_login(char dst[LOGIN_SIZE], const char *login, struct errmsg *em) MUST_CHECK;

#endif
