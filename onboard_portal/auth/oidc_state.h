/*
 * What the portal must remember between sending a browser to the OpenID provider and its return: sealed
 * into a cookie of that browser, so that an answer which came to another browser opens nothing here.
 * What goes over the wire (state, nonce, the PKCE verifier) is derived from its random number with the
 * portal's key and never stored. Pure.
 */
#ifndef ONBOARD_PORTAL_AUTH_OIDC_STATE_H
#define ONBOARD_PORTAL_AUTH_OIDC_STATE_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define OIDC_COOKIE "__Host-oidc"

enum {
	OIDC_STATE_LIFETIME = 600, /* seconds that somebody may take to log in at the provider */
	OIDC_STATE_KEY_SIZE = 32,
	OIDC_STATE_RANDOM = 16,
	OIDC_STATE_TEXT_SIZE = 512,
	OIDC_NEXT_SIZE = 161, /* an act of the console on a certificate */
	OIDC_VALUE_SIZE = 44, /* 32 bytes in base64url, with the NUL */
};

struct oidc_state {
	char random[2 * OIDC_STATE_RANDOM + 1]; /* lower-case hex */
	int64_t started;                        /* unix seconds */
	char again[ID_SIZE];       /* the person who is to prove again who they are; "": a login */
	char next[OIDC_NEXT_SIZE]; /* path of the page to go to afterwards */
};

/* E_FORMAT: `next` is not the path of a page of ours, which may have a query. */
int oidc_state_start(struct oidc_state *ret, const char *again, const char *next, int64_t now,
		     const uint8_t rnd[OIDC_STATE_RANDOM]) MUST_CHECK;

/* Cookie value, [A-Za-z0-9_.-] only. */
int oidc_state_seal(const struct oidc_state *s, const uint8_t key[OIDC_STATE_KEY_SIZE],
		    char dst[OIDC_STATE_TEXT_SIZE]) MUST_CHECK;
/* E_DENIED for a value that was not sealed with this key (or NULL), E_TIMEOUT for an old one. */
int oidc_state_open(const char *cookie, const uint8_t key[OIDC_STATE_KEY_SIZE], int64_t now,
		    struct oidc_state *ret) MUST_CHECK;

enum oidc_value { OIDC_VALUE_STATE, OIDC_VALUE_NONCE, OIDC_VALUE_VERIFIER };
int oidc_state_value(const struct oidc_state *s, const uint8_t key[OIDC_STATE_KEY_SIZE],
		     enum oidc_value what, char dst[OIDC_VALUE_SIZE]) MUST_CHECK;
/* The S256 challenge of RFC 7636 section 4.2. */
int oidc_state_challenge(const char *verifier, char dst[OIDC_VALUE_SIZE]) MUST_CHECK;

/* Answers that were taken already: each counts once. */
struct oidc_used;
struct oidc_used *oidc_used_new(size_t n);
void oidc_used_free(struct oidc_used *u);
/* False when it was taken before, among the last n. */
bool oidc_used_take(struct oidc_used *u, const struct oidc_state *s);

#endif
