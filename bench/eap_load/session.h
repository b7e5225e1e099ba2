/*
 * One authentication: what RADIUS brings goes in, what EAP wants sent comes out, until an outcome stands.
 * No socket, no clock.
 */
#ifndef BENCH_EAP_LOAD_SESSION_H
#define BENCH_EAP_LOAD_SESSION_H

#include "bench/eap_load/eap.h"
#include "bench/eap_load/radius.h"
#include "bench/eap_load/stats.h"
#include "bench/eap_load/tls.h"

struct session {
	struct identity *id;
	struct eap_peer eap;
	struct tls tls;
	uint8_t state[RADIUS_VALUE_MAX]; /* to be sent back as it came */
	size_t state_n;
	struct buf reply; /* the EAP packet to be sent next */
	/* when over: */
	enum outcome outcome;
	char reason[REASON_SIZE];
	bool resumed, keys_seen;
	int tls_version;
	unsigned rounds;
};

/* Begins; s->reply is to be sent. `s` must stay where it is. E_NOMEM, E_CRYPTO. */
int session_open(struct session *s, SSL_CTX *ctx, struct identity *id, size_t fragment) MUST_CHECK;

/* Takes a believed answer to the last request. True: goes on, s->reply is to be sent. False: over. */
bool session_take(struct session *s, const struct radius_reply *r,
		  const uint8_t authenticator[RADIUS_AUTH_SIZE], struct bytes secret) MUST_CHECK;

void session_close(struct session *s);

#endif
