/* The helpdesk's console: who may use it, and what one person's records come to. Pure. */
#ifndef ONBOARD_PORTAL_CONSOLE_DESK_H
#define ONBOARD_PORTAL_CONSOLE_DESK_H

#include "core/model/desk.h"

#include <stddef.h>

enum { DESK_SEARCH_MAX = 128, DESK_TIME_SIZE = 24 };

/* True when the person is in one of these groups. No group, nobody. */
bool desk_member(const struct user *u, const char *const *groups, size_t n);

/* What was typed, without blanks around it. E_FORMAT: empty, longer than DESK_SEARCH_MAX bytes or with control
 * characters. */
int desk_search(const char *text, char dst[DESK_SEARCH_MAX + 1]) MUST_CHECK;

/* "<unix> <actor> <reason>". A record written by hand that is not of this form: at 0, actor "", reason all of it. */
struct desk_record {
	int64_t at;
	char actor[NAME_SIZE];
	char reason[REASON_SIZE];
};
void desk_record_read(const char *record, struct desk_record *ret);

/* "2026-11-23 18:49" (UTC), "" for a time that is none. */
void desk_time(int64_t t, char dst[DESK_TIME_SIZE]);

enum desk_cert_state {
	DESK_ACTIVE,
	DESK_SOON,
	DESK_EXPIRED,
	DESK_REVOKED,
	DESK_RESERVED,
	DESK_ABORTED
};
enum desk_cert_state desk_cert_state(const struct certrec *c, int64_t now);

/*
 * The one word for why this person gets in or does not, as things stand: a reason word of core/authz/reason.h, or
 * "no_device" (never finished a set-up), "code_open" (a code waits to be used), "never_came" (set up, but no
 * connection was seen), "try_again" (what stood in the way is over). Points into p or to a constant.
 */
const char *desk_advice(const struct desk_person *p, int64_t now);

/* The catalogue's key of the sentence to say for a reason word; unknown words give that of internal_error. */
void desk_say_key(const char *reason, char dst[64]);

#endif
