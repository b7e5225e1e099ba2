/*
 * What the ledger is told about connections, after the device has had its answer: a bounded queue and
 * one thread with a connection of its own. No worker ever waits for it. Knows no type of the server's.
 * What was told is judged once more where a version of the group map runs in shadow.
 */
#ifndef RLM_SCEPAUTH_NOTES_H
#define RLM_SCEPAUTH_NOTES_H

#include "core/base/err.h"
#include "core/model/nas_session.h"
#include "rlm_scepauth/shadow.h"

#include <stdbool.h>
#include <stdint.h>

struct redis_tls;

enum note_kind { NOTE_ACCEPT, NOTE_REJECT, NOTE_UPDATE, NOTE_STOP };

struct note {
	enum note_kind kind;
	struct nas_session session;
	int64_t seconds; /* ACCEPT: its Session-Timeout; UPDATE: between two updates, 0: not known */
	char reason[NAME_SIZE];     /* REJECT: the code */
	struct authz_request asked; /* ACCEPT, REJECT */
};

struct notes_options {
	const char *socket, *host;
	int port;
	const char *user, *password;
	const char *servers, *sentinel_name, *sentinel_user,
		*sentinel_password; /* as in backend.h */
	struct redis_tls *tls;      /* as there */
	int deadline_ms;            /* of one try */
	unsigned max;               /* notes that may wait */
	/* Called from the thread. serial, token: of an accepted connection that is no longer wanted. */
	void (*unwanted)(void *ctx, const char *serial, const char *token, const char *why);
	/* Called from the thread when the ledger stops taking notes and when it takes them again. */
	void (*news)(void *ctx, bool lost, const char *why);
	shadow_said_fn *
		shadowed; /* what became of each under the version in shadow; from the thread; NULL */
	void *ctx;
};

struct notes;

/* Copies the options. The thread starts with the first note: the server forks after this. */
int notes_open(const struct notes_options *o, struct notes **ret) MUST_CHECK;

/* Never blocks longer than a moment. When the queue is full an old update or refusal goes, else the oldest
 * note. Returns 0, or how many are lost so far when it is time for a line about it. */
uint64_t notes_add(struct notes *n, const struct note *note);

/* Gives what waits at most grace_ms to go, then drops it. */
void notes_close(struct notes *n, int64_t grace_ms);

#endif
