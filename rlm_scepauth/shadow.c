#include "rlm_scepauth/shadow.h"

#include "core/base/clock.h"
#include "core/store/store_shadow.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOOK_MS = 1000,   /* while nothing runs in shadow */
	AGAIN_MS = 5000,  /* after a failure */
	FLUSH_AFTER = 64, /* connections that are as now */
};

struct shadow {
	shadow_said_fn *said;
	void *ctx;
	struct store_shadow_facts facts; /* large, hence not on the stack */
	struct store_shadow_note note;   /* not in the report yet */
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
	memset(&w->note, 0, sizeof(w->note));
	w->note.version = version;
}

static void fail(struct shadow *w, const struct errmsg *em)
{
	say(w, SHADOW_FAILED, w->failing ? "" : em->text);
	w->failing = true;
	w->not_before = clock_mono_ms() + AGAIN_MS;
}

/* What cannot be told is forgotten: it is a report, and what comes next counts as much. */
static int report(struct shadow *w, struct store *s, struct errmsg *em)
{
	int rc = store_shadow_note(s, &w->note, em);

	forget(w, w->note.version);
	if (rc == E_OK)
		w->failing = false;
	return rc;
}

void shadow_flush(struct shadow *w, struct store *s)
{
	struct errmsg em = {""};

	if (w->note.judged + w->note.broken == 0 || clock_mono_ms() < w->not_before)
		return;
	if (report(w, s, &em) != E_OK)
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

static bool was_told(const struct authz_verdict *now, const char *vlan)
{
	if (!now->accept || !vlan)
		return !now->accept && !vlan;
	return strcmp(now->vlan[0] ? now->vlan : "-", vlan) == 0;
}

/* By the same facts twice: what the ledger has learnt since the connection is no difference of the versions. */
static int compare(struct shadow *w, struct store *s, const struct authz_request *req,
		   const char *vlan, int64_t policy, enum shadow_result *ret, struct errmsg *em)
{
	struct facts *f = &w->facts.facts;
	struct authz_verdict now, then;
	enum authz_change change;
	struct store_shadow_change *x;

	authz_decide(req, f, &now);
	if (!was_told(&now, vlan) || f->policy != policy) {
		*ret = SHADOW_SKIPPED;
		return E_OK;
	}
	memcpy(f->groups, w->facts.groups, sizeof(f->groups));
	f->n_groups = w->facts.n_groups;
	authz_decide(req, f, &then);
	change = authz_compare(&now, &then);
	*ret = result_of(change);
	w->note.judged++;
	if (change == AUTHZ_SAME)
		return E_OK;
	x = &w->note.changes[w->note.n++];
	memcpy(x->serial, req->serial, sizeof(x->serial));
	x->kind = authz_change_text(change);
	authz_describe(&now, x->now);
	authz_describe(&then, x->then);
	return w->note.n == STORE_SHADOW_CHANGES_MAX ? report(w, s, em) : E_OK;
}

void shadow_judge(struct shadow *w, struct store *s, const struct authz_request *req,
		  const char *vlan, int64_t policy, bool busy)
{
	enum shadow_result result = SHADOW_BROKEN;
	struct errmsg em = {""};
	int rc;

	if (clock_mono_ms() < w->not_before)
		return;
	if (busy) {
		if (w->note.version)
			say(w, SHADOW_SKIPPED, "");
		return;
	}
	rc = store_shadow_facts(s, req->serial, &w->facts, &em);
	if (rc != E_OK) {
		fail(w, &em);
		return;
	}
	if (w->facts.version != w->note.version)
		forget(w, w->facts.version);
	if (!w->note.version) {
		w->failing = false;
		w->not_before = clock_mono_ms() + LOOK_MS;
		return;
	}
	if (w->facts.broken[0])
		w->note.broken++;
	else
		rc = compare(w, s, req, vlan, policy, &result, &em);
	if (rc != E_OK) {
		fail(w, &em);
		return;
	}
	say(w, result, "");
	if (w->note.judged + w->note.broken >= FLUSH_AFTER)
		shadow_flush(w, s);
}
