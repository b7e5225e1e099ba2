/*
 * Counts failed logins per name (an account or an address) and says how long the next try must
 * wait. Constant memory: a table of fixed size, keyed so that nobody can aim at another's slot; in
 * a full set the entry that matters least gives way. Pure, not thread-safe.
 */
#ifndef ONBOARD_PORTAL_FLOW_TRIES_H
#define ONBOARD_PORTAL_FLOW_TRIES_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct tries_rule {
	unsigned free_tries; /* failures without any delay */
	int64_t first_delay; /* seconds after the next one; doubles with each further failure */
	int64_t max_delay;
	int64_t forget; /* seconds without a failure after which all is forgotten */
};

struct tries;

enum { TRIES_KEY_SIZE = 32, TRIES_ADDRESS_SIZE = 64 };

/* slots is rounded up to a multiple of 8. Free with tries_free. */
int tries_new(const struct tries_rule *rule, size_t slots, const uint8_t key[TRIES_KEY_SIZE],
	      struct tries **ret) MUST_CHECK;
void tries_free(struct tries *t);

/* Seconds to wait before the next try, 0: go ahead. */
int64_t tries_wait(struct tries *t, const char *name, int64_t now);

/* Counted before the password is looked at, so that parallel tries cannot slip through. */
void tries_failed(struct tries *t, const char *name, int64_t now);
/* Takes back one failure: the try succeeded, or was never made. */
void tries_undo(struct tries *t, const char *name, int64_t now);
void tries_forget(struct tries *t, const char *name);

/* Text under which an address is counted: IPv6 by its /64, as one host owns all of it. */
void tries_address(char dst[TRIES_ADDRESS_SIZE], const char *client);

#endif
