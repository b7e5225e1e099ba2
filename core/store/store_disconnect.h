/*
 * The store's verbs about ending sessions: what wakes us up, which sessions are to be looked at, and what
 * came of it. As store.h in all else.
 */
#ifndef CORE_STORE_STORE_DISCONNECT_H
#define CORE_STORE_STORE_DISCONNECT_H

#include "core/model/facts.h"
#include "core/model/nas_session.h"
#include "core/store/store.h"

enum { RECEIPT_TEXT_SIZE = 141, CURSOR_SIZE = 24, HINTS_LEFT_MS = 5000 };

/* --- hints: all events:* streams, by one group of readers ------------------------------------------ */
struct hints; /* which streams there are */

/* Somebody's event: whose sessions to look at, by what it says. An event is a hint, never evidence. */
struct hint {
	const char *writer, *word;         /* never NULL; "" when it has no word */
	const char *user, *serial, *token; /* "" when it names none */
};

/* Joins the streams of all actors, from now on or from where the group is. */
int store_hints_open(struct store *s, const char *reader, struct hints **ret,
		     struct errmsg *em) MUST_CHECK;
void store_hints_close(struct hints *h);

/* What another reader of the group, or we before a crash, took HINTS_LEFT_MS ago or earlier and did not
 * acknowledge; else as store_hints_read. */
int store_hints_claim(struct store *s, struct hints *h, void (*fn)(void *ctx, const struct hint *x),
		      void *ctx, size_t *ret_n, struct errmsg *em) MUST_CHECK;

/*
 * Waits up to wait_ms (0: not at all; less than the store's deadline) for events that nobody of the group
 * has read and calls fn for each; acknowledged when all calls came back. *ret_n: how many.
 * E_NOTFOUND: a stream or its group is gone; open anew.
 */
int store_hints_read(struct store *s, struct hints *h, int wait_ms,
		     void (*fn)(void *ctx, const struct hint *x), void *ctx, size_t *ret_n,
		     struct errmsg *em) MUST_CHECK;

/* --- sessions ------------------------------------------------------------------------------------------ */
enum sessions_of { SESSIONS_OF_USER, SESSIONS_OF_TOKEN, SESSIONS_PAGE };

/*
 * Calls fn for each live session of a person (by id), of a token, or of one page of all, with the facts
 * about its certificate now. cursor: for pages "0" first, then what came back, until that is "0".
 */
int store_sessions_check(struct store *s, enum sessions_of what, const char *value,
			 void (*fn)(void *ctx, const struct nas_session *x, const struct facts *f),
			 void *ctx, char ret_cursor[CURSOR_SIZE], struct errmsg *em) MUST_CHECK;

/* --- receipts -------------------------------------------------------------------------------------------- */
struct receipt {
	struct nas_session session;     /* of a read one: token serial user login mac nas ends */
	int64_t time;                   /* set by the ledger */
	bool move;                      /* to another VLAN; false: it was to end */
	char vlan[33];                  /* of a move */
	char why[NAME_SIZE];            /* reason word of core/authz, or "vlan" */
	char result[NAME_SIZE];         /* ended gone moved refused silent ...: docs/LEAVERS.md */
	int64_t cause;                  /* Error-Cause, 0: none */
	char detail[RECEIPT_TEXT_SIZE]; /* the same for a person */
	int64_t tries, ms;              /* packets sent, time from the first to the end */
};

/* Keeps them, tells each as an event, and forgets sessions that ended. n <= 64. */
int store_receipts_put(struct store *s, const struct receipt *list, size_t n,
		       struct errmsg *em) MUST_CHECK;
/* Of a person (id, login), certificate (any spelling) or device (MAC address), newest first. The caller frees *ret. */
int store_receipts(struct store *s, const char *who, struct receipt **ret, size_t *ret_n,
		   struct errmsg *em) MUST_CHECK;

#endif
