/*
 * The entries of an LDAP directory in memory, kept up to date by a sync, with the cookie that says how far
 * they go; and the file in which both survive a restart, together or not at all. No network.
 */
#ifndef AUTO_REVOKE_DIRECTORY_LDAP_TABLE_H
#define AUTO_REVOKE_DIRECTORY_LDAP_TABLE_H

#include "auto_revoke/directory/ldap_row.h"
#include "core/ldap/dirsync.h"

struct ldap_table {
	void *tree; /* of struct ldap_row by key */
	size_t n, people;
	struct buf cookie; /* empty: the next read starts from nothing */
};

void ldap_table_init(struct ldap_table *t);
void ldap_table_clear(struct ldap_table *t);

/* Takes row. Replaces the one with its key. */
int ldap_table_put(struct ldap_table *t, struct ldap_row *row) MUST_CHECK;
/* What is not there is deleted already. */
void ldap_table_delete(struct ldap_table *t, const uint8_t key[LDAP_ROW_KEY]);
/* False: no such row, so the server tells of something that it never sent. */
bool ldap_table_mark(struct ldap_table *t, const uint8_t key[LDAP_ROW_KEY]);
void ldap_table_unmark_all(struct ldap_table *t);
/* Deletes every row that is not marked. */
int ldap_table_sweep(struct ldap_table *t) MUST_CHECK;
int ldap_table_cookie(struct ldap_table *t, struct bytes cookie) MUST_CHECK;

/* Emits everybody, with the groups that follow from memberships, nested ones too. */
int ldap_table_emit(const struct ldap_table *t, const struct dirconf *c, directory_emit *emit,
		    void *ctx, struct errmsg *em) MUST_CHECK;

/* `about`: what the rows depend on (server, base, filter, attributes); other rows are of no use. */
int ldap_table_save(const struct ldap_table *t, const char *about, struct buf *out) MUST_CHECK;
/* E_FORMAT: damaged or about something else; t is then empty. */
int ldap_table_load(struct ldap_table *t, const char *about, const char *text) MUST_CHECK;

#endif
