/*
 * The audit trail leaves as one escaped JSON line per event on standard output (and syslog when
 * asked). docs/EVENTS.md is the schema; names are stable. Thread-safe; blocks on the output only.
 */
#ifndef CORE_AUDIT_AUDIT_H
#define CORE_AUDIT_AUDIT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct audit_field {
	const char *name;
	const char *value;
};

void audit_open(const char *program, bool to_syslog);

/* event: a stable word such as "cert_issued"; actor: who did it, by ACL ("" when it is this program). */
int audit_event(const char *event, const char *actor, const struct audit_field *fields, size_t n) MUST_CHECK;

#endif
