/* How a directory is that auto_revoke follows, as it leaves word of it in its run folder. Plain data, no I/O. */
#ifndef CORE_MODEL_SOURCE_H
#define CORE_MODEL_SOURCE_H

#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define SOURCE_FILE "run/auto_revoke.sources.json"

enum { SOURCE_TEXT_MAX = 65536 };

struct source {
	char name[NAME_SIZE];  /* ldap, scim */
	char mode[NAME_SIZE];  /* sync, usn, poll, push */
	char state[NAME_SIZE]; /* good, failing */
	char detail[REASON_SIZE];
	int64_t people;
	int64_t checked,
		changed; /* unix seconds: when it last spoke, and last had news; 0: never */
};

/* Whoever stopped writing says "good" for ever. poll: seconds between two looks, where it is asked so. */
bool source_silent(const struct source *s, int64_t poll, int64_t now);

/*
 * Seconds without a sign of life after which a source of this format (csv, ldif, ldap, scim) is silent; 0: never.
 * after: what the configuration says of it, 0: nothing, then a file may be as old as it likes.
 */
int64_t source_silent_after(const char *format, int64_t after, int64_t poll, int64_t pushed);

#endif
