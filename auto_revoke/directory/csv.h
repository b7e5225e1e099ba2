/*
 * People from comma-separated values (RFC 4180) with a header row. Strict: whatever is not
 * understood fails the whole text, because half an export would make leavers of everybody else. Pure.
 *
 * Columns by name (case does not matter): login (required), status, groups, name, email, leave_at;
 * others are ignored. Every record ends with a line end, the last one too. A last line
 * "# end N" states the number of people; then no truncation goes unnoticed.
 */
#ifndef AUTO_REVOKE_DIRECTORY_CSV_H
#define AUTO_REVOKE_DIRECTORY_CSV_H

#include "auto_revoke/directory/directory.h"
#include "core/base/bytes.h"

/* em: "line N: what". ret_end_marked: an end line was there. */
int csv_read(struct bytes text, directory_emit *emit, void *emit_ctx, bool *ret_end_marked,
	     struct errmsg *em) MUST_CHECK;

#endif
