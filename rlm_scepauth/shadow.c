#include "rlm_scepauth/shadow.h"

#include "core/base/clock.h"
#include "core/store/store_shadow.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOOK_MS = 1000,   /* while nothing runs in shadow */
	AGAIN_MS = 5000,  /* after a failure */
	FLUSH_AFTER = 64, /* connections */
};

struct shadow {
	shadow_said_fn *said;
	void *ctx;
	struct store_shadow_facts facts; /* large, hence not on the stack */
	int64_t version, judged, broken; /* not in the report yet */
	int64_t not_before;              /* monotonic ms */
	bool failing;
};

int shadow_open(shadow_said_fn *said, void *ctx, struct shadow **ret)
{
	struct shadow *w = calloc(1, sizeof(*w));

	if (!w)
		return E_NOMEM;
	w->said = said;
	w->ctx = ctx;
	*ret = w;
	return E_OK;
}

void shadow_close(struct shadow *w)
{
	free(w);
}

const char *shadow_result_text(enum shadow_result r)
{
	switch (r) {
#define X(name, text)                                                                              \
	case name:                                                                                 \
		return text;
		SHADOW_RESULTS(X)
#undef X
	case SHADOW_N_RESULTS:
		break;
	}
	return "failed";
}

static void say(const struct shadow *w, enum shadow_result r, const char *why)
{
	if (w->said)
		w->said(w->ctx, r, why);
}

static void forget(struct shadow *w, int64_t version)
{
	w->version = version;
	w->judged = w->broken = 0;
}

static void fail(struct shadow *w, const struct errmsg *em)
{
	say(w, SHADOW_FAILED, w->failing ? "" : em->text);
	w->failing = true;
	w->not_before = clock_mono_ms() + AGAIN_MS;
}

/* serial NULL: only what was counted. */
static int report(struct shadow *w, struct store *s, const char *serial, enum authz_change change,
		  const struct authz_verdict *now, const struct authz_verdict *then,
		  struct errmsg *em)
{
	char before[AUTHZ_DESCRIBED_SIZE] = "", after[AUTHZ_DESCRIBED_SIZE] = "";
	const struct store_shadow_note note = {
		.version = w->version,
		.judged = w->judged,
		.broken = w->broken,
		.serial = serial,
		.kind = authz_change_text(change),
		.now = before,
		.then = after,
	};
	int rc;

	if (serial) {
		authz_describe(now, before);
		authz_describe(then, after);
	}
	rc = store_shadow_note(s, &note, em);
	if (rc == E_OK)
		forget(w, w->version);
	return rc;
}

void shadow_flush(struct shadow *w, struct store *s)
{
	struct errmsg em = {""};

	if (w->judged + w->broken == 0 || clock_mono_ms() < w->not_before)
		return;
	if (report(w, s, NULL, AUTHZ_SAME, NULL, NULL, &em) != E_OK)
		fail(w, &em);
}

static enum shadow_result result_of(enum authz_change c)
{
	switch (c) {
	case AUTHZ_SAME:
		return SHADOW_SAME;
	case AUTHZ_REFUSED:
		return SHADOW_REFUSED;
	case AUTHZ_LET_IN:
		return SHADOW_LET_IN;
	case AUTHZ_MOVED:
		return SHADOW_MOVED;
	case AUTHZ_OTHER_SESSION:
		return SHADOW_SESSION;
	}
	return SHADOW_FAILED;
}

/* By the same facts twice: what the ledger has learnt since the connection is no difference of the versions. */
static int compare(struct shadow *w, struct store *s, const struct authz_request *req,
		   bool accepted, int64_t policy, enum shadow_result *ret, struct errmsg *em)
{
	struct facts *f = &w->facts.facts;
	struct authz_verdict now, then;
	enum authz_change change;

	authz_decide(req, f, &now);
	if (now.accept != accepted || f->policy != policy) {
		*ret = SHADOW_SKIPPED;
		return E_OK;
	}
	memcpy(f->groups, w->facts.groups, sizeof(f->groups));
	f->n_groups = w->facts.n_groups;
	authz_decide(req, f, &then);
	change = authz_compare(&now, &then);
	*ret = result_of(change);
	w->judged++;
	if (change == AUTHZ_SAME)
		return E_OK;
	return report(w, s, req->serial, change, &now, &then, em);
}

void shadow_judge(struct shadow *w, struct store *s, const struct authz_request *req, bool accepted,
		  int64_t policy, bool busy)
{
	enum shadow_result result = SHADOW_BROKEN;
	struct errmsg em = {""};
	int rc;

	if (clock_mono_ms() < w->not_before)
		return;
	if (busy) {
		if (w->version)
			say(w, SHADOW_SKIPPED, "");
		return;
	}
	rc = store_shadow_facts(s, req->serial, &w->facts, &em);
	if (rc != E_OK) {
		fail(w, &em);
		return;
	}
	if (w->facts.version != w->version)
		forget(w, w->facts.version);
	if (!w->version) {
		w->failing = false;
		w->not_before = clock_mono_ms() + LOOK_MS;
		return;
	}
	if (w->facts.broken[0])
		w->broken++;
	else
		rc = compare(w, s, req, accepted, policy, &result, &em);
	if (rc != E_OK) {
		fail(w, &em);
		return;
	}
	w->failing = false;
	say(w, result, "");
	if (w->judged + w->broken >= FLUSH_AFTER)
		shadow_flush(w, s);
}
