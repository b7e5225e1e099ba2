/*
 * Connections that are over and told, judged once more by the version of the group map that runs in shadow. Only a
 * report and counters come of it. For one thread, which waits for Redis; no worker does. Knows no type of the server's.
 */
#ifndef RLM_SCEPAUTH_SHADOW_H
#define RLM_SCEPAUTH_SHADOW_H

#include "core/authz/change.h"
#include "core/base/err.h"

#define SHADOW_RESULTS(X)                                                                          \
	X(SHADOW_SAME, "same")                                                                     \
	X(SHADOW_REFUSED, "refused")                                                               \
	X(SHADOW_LET_IN, "let_in")                                                                 \
	X(SHADOW_MOVED, "moved")                                                                   \
	X(SHADOW_SESSION, "session")                                                               \
	X(SHADOW_BROKEN, "broken")   /* that version is damaged */                                 \
	X(SHADOW_SKIPPED, "skipped") /* too much to do, or the facts have changed since */         \
	X(SHADOW_FAILED, "failed")   /* the ledger gave no good answer */

enum shadow_result {
#define X(name, text) name,
	SHADOW_RESULTS(X)
#undef X
		SHADOW_N_RESULTS
};

/* why: "" but for the first failure of a row of them. */
typedef void shadow_said_fn(void *ctx, enum shadow_result r, const char *why);

struct shadow;
struct store; /* core/store/store.h */

/* said may be NULL. E_NOMEM. */
int shadow_open(shadow_said_fn *said, void *ctx, struct shadow **ret) MUST_CHECK;
void shadow_close(struct shadow *w);

/* One connection: what was asked, where it was let in ("-": no VLAN; NULL: refused) and by which version of the group
 * map (0: not known). busy: it is only counted. May block for two calls of the store's deadline. */
void shadow_judge(struct shadow *w, struct store *s, const struct authz_request *req,
		  const char *vlan, int64_t policy, bool busy);

/* There is nothing else to do: what was counted goes to the report. May block as above. */
void shadow_flush(struct shadow *w, struct store *s);

const char *shadow_result_text(enum shadow_result r);

#endif
