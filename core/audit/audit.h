/*
 * The audit trail leaves as one escaped JSON line per event on standard output (and syslog when
 * asked). docs/EVENTS.md is the schema; names are stable. Thread-safe; blocks on the output only.
 */
#ifndef CORE_AUDIT_AUDIT_H
#define CORE_AUDIT_AUDIT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_field {
	const char *name;
	const char *value; /* NULL counts as "" */
};

/* Call once, before threads start and before the sandbox is entered. */
void audit_open(const char *program, bool to_syslog);

/*
 * event: a stable word such as "cert_issued"; actor: who did it, by ACL ("" when it is this program,
 * whose name is then written). Any text is safe as a value: bytes that are not UTF-8 become U+FFFD,
 * control characters are escaped (DEL becomes "?"), values
 * longer than 1024 bytes (or less, when the line would pass 4000 bytes) are cut and the line says "truncated":true. Names become [a-z0-9_]; a field that
 * carries a name of the envelope (time, program, event, actor) is written as x_<name>.
 * Never pass passwords, challenges, cookies or keys. E_IO / E_TIMEOUT: the line did not leave.
 */
int audit_event(const char *event, const char *actor, const struct audit_field *fields,
		size_t n) MUST_CHECK;

/* The same for something that happened at `when` (unix seconds) and is only reported now. */
int audit_event_at(int64_t when, const char *event, const char *actor,
		   const struct audit_field *fields, size_t n) MUST_CHECK;

#endif
