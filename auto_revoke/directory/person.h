/* Reads the single values of an export into a struct person, strictly. Pure. */
#ifndef AUTO_REVOKE_DIRECTORY_PERSON_H
#define AUTO_REVOKE_DIRECTORY_PERSON_H

#include "auto_revoke/directory/directory.h"
#include "core/base/bytes.h"

/* All take the value as it stood in the export; E_FORMAT or E_TOOBIG, em says what (not where). */
int person_set_login(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;
int person_set_status(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;
int person_set_groups(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;
int person_set_email(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;
/* A name that is too long is cut at a character: it is for people to read only. */
int person_set_name(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;
/* "" (none), unix seconds, 2026-09-30 (from 00:00 UTC of that day) or 2026-09-30T18:00:00Z. */
int person_set_leave_at(struct person *p, struct bytes v, struct errmsg *em) MUST_CHECK;

/* True when all bytes are valid UTF-8 (no overlong forms, no surrogates) and none is NUL. */
bool person_text_ok(struct bytes v);

/* Sorts the groups and drops repetitions, so that equal sets compare equal. */
void person_groups_sort(char groups[][NAME_SIZE], size_t *n);

#endif
