/* The store's verbs about sessions: who is on the network now. As store.h in all else. */
#ifndef CORE_STORE_STORE_SESSION_H
#define CORE_STORE_STORE_SESSION_H

#include "core/model/nas_session.h"
#include "core/store/store.h"

/* Notes that this connection was let in for so many seconds (1 to 31 days), and looks at the certificate anew in
 * the same step: ret_bad is "" when it is still good, or why not; then the event session_unwanted was
 * written, and who follows the events ends the session. */
int store_session_open(struct store *s, const struct nas_session *x, int64_t seconds,
		       char ret_bad[REASON_SIZE], struct errmsg *em) MUST_CHECK;
/* What accounting says: fields that are not "" replace what is known. silence: after three times so many
 * seconds without an update the session is forgotten (0: at its end). ret_known false: nobody knows it. */
int store_session_update(struct store *s, const struct nas_session *x, int64_t silence,
			 bool *ret_known, struct errmsg *em) MUST_CHECK;
int store_session_close(struct store *s, const char *token, bool *ret_known,
			struct errmsg *em) MUST_CHECK;
/* For why: a refusal of a certificate that the ledger knows, of x: serial, mac, nas_id or nas, and
 * policy ("": not known). */
int store_session_refused(struct store *s, const struct nas_session *x, const char *reason,
			  struct errmsg *em) MUST_CHECK;

/* One of the above, to be told with others. */
enum session_verb { SESSION_OPEN, SESSION_UPDATE, SESSION_CLOSE, SESSION_REFUSED };

struct session_call {
	enum session_verb verb;
	const struct nas_session
		*session;   /* CLOSE: its token; REFUSED: serial, mac, nas_id or nas, policy */
	int64_t seconds;    /* OPEN; UPDATE: silence */
	const char *reason; /* REFUSED */
	/* What came of it */
	int rc;
	char bad[REASON_SIZE]; /* OPEN */
	struct errmsg em;
};

#define SESSION_CALLS_MAX 35
#define SESSION_PART 7 /* so many to one call of a Function */

/* All of them in their order and in one go. Each has its own rc; E_UNAVAIL and the like in one may be due to
 * another, and leave open whether it was done: all may be told again. */
void store_session_tell(struct store *s, struct session_call *calls, size_t n);

/* Of a certificate, or all of a person's: the device of the next use is the one it is bound to. ret_n: how many
 * bindings went. */
int store_forget_mac(struct store *s, const char *who, const char *reason, int64_t *ret_n,
		     struct errmsg *em) MUST_CHECK;

/* The sessions of a person that have not ended, by id or login. The caller frees *ret (NULL when empty). */
int store_sessions(struct store *s, const char *who, struct nas_session **ret, size_t *ret_n,
		   struct errmsg *em) MUST_CHECK;

#endif
