/*
 * Makes logging out real although sessions live in cookies: remembers, per person, the moment
 * before which no session counts any more, for as long as such a session could still be shown.
 * Bounded: when there is no room the entry that ends first gives way, and with it everybody's session of before
 * that logout. In this process only. Pure, not thread-safe.
 */
#ifndef ONBOARD_PORTAL_FLOW_LOGOUTS_H
#define ONBOARD_PORTAL_FLOW_LOGOUTS_H

#include "onboard_portal/flow/session.h"

struct logouts;

struct logouts *logouts_new(size_t max); /* NULL without memory */
void logouts_free(struct logouts *l);

/* Ends every session of the person begun up to now_ms; lifetime: longest session, in seconds. */
void logouts_add(struct logouts *l, const char *user, int64_t now_ms, int64_t lifetime);
bool logouts_ended(const struct logouts *l, const struct session *s);

#endif
