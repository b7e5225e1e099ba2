/* A person as the store knows them (user:<id>). Plain data, no I/O. */
#ifndef CORE_MODEL_USER_H
#define CORE_MODEL_USER_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user {
	char id[ID_SIZE];       /* opaque and stable: "u" + 32 hex digits */
	char source[NAME_SIZE]; /* identity source: local, ldap, oidc ... */
	char login[LOGIN_SIZE]; /* lower case */
	char name[TEXT_SIZE];
	char email[255];
	char groups[USER_GROUPS_MAX][NAME_SIZE];
	size_t n_groups;
	int64_t leave_at; /* unix seconds, 0: none */
	int64_t devices;  /* a guest: as many as the voucher says; 0: as the group does */
};

/* 0: no leaving date. What is no time has passed. */
bool user_left(int64_t leave_at, int64_t now);

/* "a,b,c" <-> groups. E_FORMAT for a bad name, E_TOOBIG for more than USER_GROUPS_MAX. */
int user_groups_parse(struct user *u, const char *list) MUST_CHECK;
int user_groups_text(const struct user *u, char *dst, size_t size) MUST_CHECK;

#endif
