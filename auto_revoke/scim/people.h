/*
 * From what was provisioned to the people of the campus: who is behind a login name, and is that person
 * still there. Pure.
 *
 * A person is known by externalId, else by id. A login name belongs to the first person who had it,
 * whatever that person is called now, until an administrator frees it: somebody else who later gets
 * the name of somebody who left must not get what that one had.
 */
#ifndef AUTO_REVOKE_SCIM_PEOPLE_H
#define AUTO_REVOKE_SCIM_PEOPLE_H

#include "auto_revoke/directory/directory.h"
#include "auto_revoke/scim/table.h"

struct scim_mapping {
	const char *domain; /* "example.edu": taken off names that end so; "": none */
	bool groups;        /* groups decide about access; else they are the portal's business */
	/* displayName (any case) -> our group, SCIM groups of other names count for nothing */
	const struct scim_mapping_row {
		const char *display, *group;
	} * rows;
	size_t n_rows;
};

struct scim_counts {
	size_t people;
	size_t taken;    /* live users whose name is somebody else's: they count for nothing */
	size_t unusable; /* names that nobody can log in with */
};

/* Emits everybody, also those who are gone (PERSON_REMOVED), each login once. */
int scim_people_emit(const struct scim_table *t, const struct scim_mapping *m, directory_emit *emit,
		     void *ctx, struct scim_counts *ret, struct errmsg *em) MUST_CHECK;

#endif
