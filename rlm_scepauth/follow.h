/*
 * Reads again, from the store, what it said of the certificates in known.h: each every few seconds, so that a
 * revocation or hold takes it out however it was made, and what is not read any more grows old. One thread.
 */
#ifndef RLM_SCEPAUTH_FOLLOW_H
#define RLM_SCEPAUTH_FOLLOW_H

#include "rlm_scepauth/known.h"

enum { FOLLOW_EVERY_S = 5 };

struct follow;

/* read: asks the store and calls known_read or known_trust; false when it got no answer (the next one is tried a second
 * later). From the thread. Neither k nor ctx may go before follow_close. E_NOMEM. */
int follow_open(struct known *k, bool (*read)(void *ctx, const char *serial, uint64_t turn),
		void *ctx, struct follow **ret) MUST_CHECK;
/* Starts the thread, the first time; not before the server has become a daemon. Any thread. */
void follow_start(struct follow *f);
/* f may be NULL. */
void follow_close(struct follow *f);

#endif
