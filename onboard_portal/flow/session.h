/*
 * Sealed session cookies: all state is in the cookie, authenticated by HMAC-SHA256 with the
 * portal's session key. Pure: key, time and random bytes come in as arguments.
 *
 * A session without a user is that of a visitor who was shown the login form; it carries the
 * CSRF token of that form, so that nobody can be logged in from another site's page.
 */
#ifndef ONBOARD_PORTAL_FLOW_SESSION_H
#define ONBOARD_PORTAL_FLOW_SESSION_H

#include "core/base/bytes.h"
#include "core/base/err.h"
#include "core/model/limits.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_COOKIE "__Host-portal"
#define SESSION_KEY_SIZE 32
#define SESSION_NONCE_SIZE 16

enum { SESSION_TEXT_SIZE = 512, SESSION_CSRF_SIZE = 65 };

struct session {
	char user[ID_SIZE]; /* "": visitor */
	int64_t issued_ms;  /* unix milliseconds: a login right after a logout is a later one */
	int64_t proven_ms;  /* when its person showed who they are, 0: nobody says. A provider that
			     * knows the browser begins a session without asking. */
	int64_t expires;    /* unix seconds, whatever happens */
	int64_t idle_end;   /* unix seconds: unless it is used before, see session_used */
	char nonce[2 * SESSION_NONCE_SIZE + 1];
};

/* user may be "". lifetime and idle in seconds; nothing is proven. E_TOOBIG when the id does not fit. */
int session_start(struct session *ret, const char *user, int64_t now_ms, int64_t lifetime,
		  int64_t idle, const uint8_t rnd[SESSION_NONCE_SIZE]) MUST_CHECK;

/* Did its person show who they are less than so many milliseconds ago? */
bool session_recent(const struct session *s, int64_t now_ms, int64_t within_ms);

/* Its person did something: true when the cookie must be sealed anew, a few times in `idle` seconds. */
bool session_used(struct session *s, int64_t now, int64_t idle);

/* Cookie value, [A-Za-z0-9_.-] only. */
int session_seal(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		 char dst[SESSION_TEXT_SIZE]) MUST_CHECK;

/* E_DENIED for a value that was not sealed with this key, E_TIMEOUT for one that has
 * expired or was not used for too long. */
int session_open(const char *cookie, const uint8_t key[SESSION_KEY_SIZE], int64_t now,
		 struct session *ret) MUST_CHECK;

/* The token that every form of this session carries. */
int session_csrf(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		 char dst[SESSION_CSRF_SIZE]) MUST_CHECK;

/* Constant time; false for NULL. */
bool session_csrf_ok(const struct session *s, const uint8_t key[SESSION_KEY_SIZE],
		     const char *token);

#endif
