/*
 * Everything that was provisioned, in memory, and the lines of the file that it is made from. A change
 * is a line: whoever writes it appends the line to the file and then applies it, whoever reads it later
 * applies it too, so that both have the same. Pure; scim/file.h has the file.
 *
 *   {"op":"user","id":...,"active":true,"created":...,"modified":...,"version":...,"userName":...}
 *     with "gone":true once deleted and "grouped":true once in a group, in a file written anew
 *   {"op":"user-gone","id":...,"at":...}                       {"op":"group-gone", the same}
 *   {"op":"group","id":...,"created":...,"modified":...,"version":...,"displayName":...}
 *   {"op":"join","id":<group>,"users":[<id>, ...]}             {"op":"leave", the same}
 *   {"op":"names-anew"}, {"op":"name","id":...,"name":...}    in a file written anew: who had which name
 *   {"op":"free","name":...}    an administrator: this name is no longer taken by who is gone
 *
 * A deleted user stays as "gone": the name must not make a stranger of the same name that person.
 */
#ifndef AUTO_REVOKE_SCIM_TABLE_H
#define AUTO_REVOKE_SCIM_TABLE_H

#include "auto_revoke/scim/group.h"

enum {
	SCIM_USERS_MAX = 1000000,
	SCIM_GROUPS_MAX = 100000,
	SCIM_LINE_MAX = 65536,
	SCIM_JOIN_MAX = 500,
	SCIM_NAMES_EACH = 32, /* that one person had */
	SCIM_NAMES_MAX = 4000000
};

struct scim_table {
	struct scim_user **users; /* [number], with those that are gone */
	size_t n_users, cap_users;
	struct scim_group **groups;
	size_t n_groups, cap_groups;
	/* Every name that somebody had, in the order in which they were taken. */
	struct scim_name {
		char *name;
		uint32_t number;
	} * names;
	size_t n_names, cap_names;
	size_t live_users, live_groups;
	int64_t newest; /* unix seconds of the newest change: an older copy put back is told by it */
};

void scim_table_free(struct scim_table *t);

/* Applies one line (without its end). E_FORMAT says what is wrong with it. */
int scim_table_apply(struct scim_table *t, const char *line, size_t n,
		     struct errmsg *em) MUST_CHECK;

/* NULL: there is none, or it is gone. */
struct scim_user *scim_table_user(const struct scim_table *t, const char *id);
struct scim_group *scim_table_group(const struct scim_table *t, const char *id);
/* This is a new name for somebody who had as many as one may have. None is ever forgotten instead: it would make a
 * stranger of that name the person who had it. */
bool scim_table_renamed_out(const struct scim_table *t, const struct scim_user *u);
/* The live user, other than `but`, with this userName or externalId; NULL. */
const struct scim_user *scim_table_clash(const struct scim_table *t, const struct scim_user *but);
const struct scim_group *scim_table_group_clash(const struct scim_table *t,
						const struct scim_group *but);
/* For scim_people: ctx is the table; live users only. */
bool scim_table_number(void *ctx, const char *id, uint32_t *ret);

/* A new id: the number that it will have, and random digits. E_TOOBIG when the table is full. */
int scim_table_new_id(size_t n, size_t max, char ret[SCIM_ID_SIZE]) MUST_CHECK;

/* The lines, each with its end, appended to out. */
int scim_line_user(const struct scim_user *u, struct buf *out) MUST_CHECK;
int scim_line_group(const struct scim_group *g, struct buf *out) MUST_CHECK;
int scim_line_gone(const char *op, const char *id, int64_t at, struct buf *out) MUST_CHECK;
int scim_line_free(const char *name, struct buf *out) MUST_CHECK;
/* What makes `was` (NULL: nobody) into `is`: as many lines as it takes. */
int scim_line_members(const struct scim_table *t, const char *group, const struct scim_members *was,
		      const struct scim_members *is, struct buf *out) MUST_CHECK;
/* Everything anew, with the names in their order: what a shorter file begins with. */
int scim_table_dump(const struct scim_table *t, struct buf *out) MUST_CHECK;

#endif
