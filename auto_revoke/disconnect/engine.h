/*
 * Sends requests to access points and waits for their answers: poll based, single threaded, a bounded number
 * under way to each, unanswered ones again with the same bytes. Knows no store.
 */
#ifndef AUTO_REVOKE_DISCONNECT_ENGINE_H
#define AUTO_REVOKE_DISCONNECT_ENGINE_H

#include "auto_revoke/disconnect/nas_table.h"

enum { ENGINE_JOBS_MAX = 20000 };

enum engine_result {
	ENGINE_ENDED,        /* Disconnect-ACK */
	ENGINE_MOVED,        /* CoA-ACK */
	ENGINE_GONE,         /* NAK: no such session (any more) */
	ENGINE_REFUSED,      /* any other NAK */
	ENGINE_SILENT,       /* no answer */
	ENGINE_WRONG_SECRET, /* answers came, none with the right authenticator */
	ENGINE_UNCONFIGURED, /* no section nas covers its address */
	ENGINE_UNNAMEABLE,   /* the session has nothing that would name it alone */
	ENGINE_FAILED,       /* could not be sent at all */
};

const char *engine_result_word(enum engine_result r);
/* One sentence for a person. Never NULL. */
const char *engine_result_text(enum engine_result r);

struct engine_report {
	const struct nas_session *session;
	const char *vlan; /* of a move; NULL: it was to end */
	const char *why;
	enum engine_result result;
	uint32_t cause; /* of a NAK */
	int sends;
	int64_t ms; /* from the first send to the end */
};

struct engine_options {
	const struct nas_table *table; /* borrowed */
	int64_t give_up_ms;
	void (*done)(void *ctx, const struct engine_report *x); /* calls no engine_* */
	void *ctx;
};

struct engine;

int engine_open(const struct engine_options *o, struct engine **ret) MUST_CHECK;
void engine_close(struct engine *e);

/*
 * vlan NULL: ends the session; else moves it. E_EXISTS: this session is under way, or failed so lately that it is
 * not tried again yet, unless it is urgent; E_TOOBIG: too many wait. What cannot be sent is reported by done at once, from
 * within. An access point that takes no moves, or refuses one, is asked to end the session instead.
 */
int engine_add(struct engine *e, const struct nas_session *x, const char *vlan, const char *why,
	       bool urgent) MUST_CHECK;

/* Would engine_add say E_EXISTS? */
bool engine_has(const struct engine *e, const char *token, bool urgent);

/* Something is under way or waits to be sent. */
bool engine_busy(const struct engine *e);
size_t engine_waiting(const struct engine *e);

/* Sends, then waits up to max_ms for answers or timers and deals with all there are. */
void engine_step(struct engine *e, int max_ms);

#endif
