#include "auto_revoke/disconnect/watch.h"

#include "auto_revoke/disconnect/engine.h"
#include "auto_revoke/disconnect/figures.h"
#include "auto_revoke/rules/pace.h"
#include "core/authz/authz.h"
#include "core/authz/place.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_disconnect.h"

#include <time.h>

enum {
	USERS_MAX = 1024,    /* hinted at and not looked at yet; beyond: a sweep */
	RECEIPTS_MAX = 8192, /* that wait for the store */
	RECEIPTS_AT_ONCE = 64,
	HINTS_AT_ONCE = 32,
	QUEUE_ENOUGH = 2000, /* a sweep goes on when fewer wait to be sent */
	PAGE_LOAD = 4,       /* a sweep takes at most one part in so many of the store's time */
	IDLE_MS = 250,
	BUSY_MS = 20, /* events are read this often while answers are waited for */
	CLAIM_EACH_MS = 10000,
	AWAY_MS = 500,
};

struct watch {
	struct watch_options o;
	struct engine *engine;
	struct hints *hints;
	char (*users)[ID_SIZE];
	size_t n_users;
	char (*tokens)[TOKEN_SIZE];
	size_t n_tokens;
	struct receipt *receipts;
	size_t n_receipts, lost;
	bool away, reopen, sweep_now;
	bool urgent;              /* an event names the person */
	char cursor[CURSOR_SIZE]; /* of the sweep under way, "": none */
	int64_t next_sweep, next_page, next_claim;
	struct pace pace;
	struct figures figures;
	size_t crowded; /* sessions that the engine had no room for since the last sweep */
};

/* --- hints ------------------------------------------------------------------------------------------------ */

static void remember(void *list, size_t *n, size_t max, size_t size, const char *what,
		     bool *ret_full)
{
	char *at = list;

	if (what[0] == '\0' || strlen(what) >= size)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp(at + i * size, what) == 0)
			return;
	if (*n == max)
		*ret_full = true;
	else
		memcpy(at + (*n)++ * size, what, strlen(what) + 1);
}

static void on_hint(void *ctx, const struct hint *x)
{
	struct watch *w = ctx;

	w->figures.events++;
	if (strcmp(x->word, "actor_added") == 0)
		w->reopen = true;
	if (strcmp(x->word, "group_changed") == 0 || strcmp(x->word, "group_removed") == 0)
		w->sweep_now = true;
	remember(w->users, &w->n_users, USERS_MAX, ID_SIZE, x->user, &w->sweep_now);
	remember(w->tokens, &w->n_tokens, USERS_MAX, TOKEN_SIZE, x->token, &w->sweep_now);
}

static int hints_read(struct watch *w, int wait_ms, struct errmsg *em)
{
	size_t n = 0;
	int rc = E_OK;

	if (w->reopen) {
		store_hints_close(w->hints);
		w->hints = NULL;
		w->reopen = false;
	}
	if (w->hints == NULL) {
		rc = store_hints_open(w->o.store, w->o.reader, &w->hints, em);
		w->next_claim = 0;
	}
	if (rc == E_OK && clock_mono_ms() >= w->next_claim) {
		rc = store_hints_claim(w->o.store, w->hints, on_hint, w, &n, em);
		w->next_claim = clock_mono_ms() + CLAIM_EACH_MS;
	}
	if (rc == E_OK)
		rc = store_hints_read(w->o.store, w->hints, n > 0 ? 0 : wait_ms, on_hint, w, &n,
				      em);
	if (rc != E_OK)
		w->reopen = true;
	return rc;
}

/* --- what is to end ------------------------------------------------------------------------------------------ */

/* A verdict about the store or about us is no verdict about the device. */
static bool is_about_device(enum authz_reason r)
{
	switch (r) {
	case AUTHZ_UNKNOWN_CERT:
	case AUTHZ_WRONG_ISSUER:
	case AUTHZ_CERT_NOT_ACTIVE:
	case AUTHZ_CERT_REVOKED:
	case AUTHZ_CERT_NOT_YET_VALID:
	case AUTHZ_CERT_EXPIRED:
	case AUTHZ_UNKNOWN_USER:
	case AUTHZ_USER_HELD:
	case AUTHZ_USER_LEFT:
	case AUTHZ_NO_GROUP:
	case AUTHZ_MAC_NOT_ALLOWED:
	case AUTHZ_TWO_MACS:
		return true;
	default:
		return false;
	}
}

/* It would be refused where it is. */
static bool is_about_place(enum authz_reason r)
{
	return r == AUTHZ_WRONG_SSID || r == AUTHZ_WRONG_NAS;
}

/* A place that the session does not name must not count as another place: groups may be bound to one. */
static bool is_placed(const struct nas_session *x, const struct facts *f)
{
	bool ssid = place_ssid(x->called) != NULL, nas = x->nas[0] != '\0' || x->nas_id[0] != '\0';

	for (size_t i = 0; i < f->n_groups; i++)
		if ((f->groups[i].ssids[0] != '\0' && !ssid) ||
		    (f->groups[i].nas[0] != '\0' && !nas))
			return false;
	return true;
}

/* Whom an event names, and what was revoked or held, never waits. */
static bool policy_may(struct watch *w, const char *token, enum authz_reason r)
{
	bool policy = r == AUTHZ_OK || r == AUTHZ_NO_GROUP || r == AUTHZ_MAC_NOT_ALLOWED ||
		      is_about_place(r);

	return w->urgent || !policy ||
	       (!engine_has(w->engine, token, false) && pace_take(&w->pace, clock_mono_ms()));
}

static void on_session(void *ctx, const struct nas_session *x, const struct facts *f)
{
	struct watch *w = ctx;
	struct authz_request q = {.now = clock_now(), .again = true};
	struct authz_verdict v;
	const char *vlan;
	bool placed = is_placed(x, f);
	int rc = E_OK;

	memcpy(q.serial, x->serial, sizeof(q.serial));
	memcpy(q.called, x->called, sizeof(q.called));
	memcpy(q.nas, x->nas, sizeof(q.nas));
	memcpy(q.nas_id, x->nas_id, sizeof(q.nas_id));
	memcpy(q.calling, x->mac, sizeof(q.calling));
	(void)snprintf(q.user_name, sizeof(q.user_name), "%s",
		       x->login); /* it was let in with it */
	memcpy(q.issuer, f->cert.issuer, sizeof(q.issuer));
	if (!f->have_cert)
		(void)snprintf(q.issuer, sizeof(q.issuer), "00");
	authz_decide(&q, f, &v);
	if (v.accept && strcmp(x->apart, "late") == 0) {
		v.accept = false;
		v.reason = AUTHZ_TWO_MACS;
	}
	vlan = v.vlan[0] != '\0' ? v.vlan : "-";
	if (!v.accept && (is_about_device(v.reason) || (placed && is_about_place(v.reason)))) {
		if (policy_may(w, x->token, v.reason))
			rc = engine_add(w->engine, x, NULL, authz_reason_text(v.reason), w->urgent);
	} else if (v.accept && placed && x->vlan[0] != '\0' && strcmp(x->apart, "yes") != 0 &&
		   strcmp(x->vlan, vlan) != 0 && policy_may(w, x->token, v.reason)) {
		rc = engine_add(w->engine, x, vlan[0] != '-' ? vlan : NULL, "vlan", w->urgent);
	}
	w->crowded += rc == E_TOOBIG;
	if (rc == E_NOMEM)
		log_error("a session cannot be ended now: out of memory");
}

/* A name that somebody typed into a stream must not hold up the rest. */
static int hint_check(struct watch *w, enum sessions_of what, const char *value, size_t *n,
		      struct errmsg *em)
{
	int rc;

	w->urgent = true;
	rc = store_sessions_check(w->o.store, what, value, on_session, w, NULL, em);
	w->urgent = false;
	if (err_is_away(rc))
		return rc;
	(*n)--;
	return E_OK;
}

/* Some at a time, so that the first are on their way before the last are looked at. */
static int hinted_check(struct watch *w, struct errmsg *em)
{
	int rc = E_OK;

	for (int i = 0; rc == E_OK && i < HINTS_AT_ONCE && w->n_tokens > 0; i++)
		rc = hint_check(w, SESSIONS_OF_TOKEN, w->tokens[w->n_tokens - 1], &w->n_tokens, em);
	for (int i = 0; rc == E_OK && i < HINTS_AT_ONCE && w->n_users > 0; i++)
		rc = hint_check(w, SESSIONS_OF_USER, w->users[w->n_users - 1], &w->n_users, em);
	return rc;
}

static bool sweep_due(const struct watch *w)
{
	int64_t now = clock_mono_ms();

	if (w->cursor[0] != '\0')
		return now >= w->next_page && engine_waiting(w->engine) < QUEUE_ENOUGH;
	return w->sweep_now || now >= w->next_sweep;
}

static int sweep_page(struct watch *w, struct errmsg *em)
{
	int64_t begin = clock_mono_ms(), now;
	int rc;

	if (w->cursor[0] == '\0') {
		(void)snprintf(w->cursor, sizeof(w->cursor), "0");
		w->sweep_now = false;
		w->next_sweep = begin + w->o.sweep_ms;
	}
	rc = store_sessions_check(w->o.store, SESSIONS_PAGE, w->cursor, on_session, w, w->cursor,
				  em);
	now = clock_mono_ms();
	w->next_page = now + PAGE_LOAD * (now - begin);
	if (rc != E_OK || strcmp(w->cursor, "0") != 0)
		return rc;
	w->cursor[0] = '\0';
	w->figures.last_sweep = clock_now();
	if (w->pace.over > 0)
		log_warn("the groups' policy would end or move %zu sessions more; that goes on, "
			 "%ld a "
			 "minute (disconnect.policy-rate): is it as it is meant?",
			 w->pace.over, w->pace.a_minute);
	if (w->crowded > 0)
		log_warn("%zu sessions are to end and wait: too many are under way", w->crowded);
	w->pace.over = w->crowded = 0;
	return E_OK;
}

/* --- what came of it -------------------------------------------------------------------------------------------- */

static void on_done(void *ctx, const struct engine_report *x)
{
	struct watch *w = ctx;
	const struct nas_session *s = x->session;
	struct receipt r = {.session = *s,
			    .move = x->vlan != NULL,
			    .cause = x->cause,
			    .tries = x->sends,
			    .ms = x->ms};

	(void)snprintf(r.vlan, sizeof(r.vlan), "%s", x->vlan != NULL ? x->vlan : "");
	(void)snprintf(r.why, sizeof(r.why), "%s", x->why);
	(void)snprintf(r.result, sizeof(r.result), "%s", engine_result_word(x->result));
	(void)snprintf(r.detail, sizeof(r.detail), "%s", engine_result_text(x->result));
	if (x->result == ENGINE_REFUSED)
		(void)snprintf(r.detail, sizeof(r.detail), "%s", dyn_cause_text(x->cause));
	log_info("session %s: %s, %s; serial=%s tries=%d ms=%lld", s->token, r.why, r.result,
		 s->serial, x->sends, (long long)x->ms);
	figures_count(&w->figures, x->result, x->cause);
	if (w->n_receipts == RECEIPTS_MAX) {
		w->figures.lost++;
		w->lost++;
		return;
	}
	w->receipts[w->n_receipts++] = r;
}

/* The store refused some: what it takes one by one is kept, what it does not take now it never will. */
static int receipts_singly(struct watch *w, size_t first, size_t n, struct errmsg *em)
{
	for (size_t i = first; i < first + n; i++) {
		int rc = store_receipts_put(w->o.store, w->receipts + i, 1, em);

		if (err_is_away(rc))
			return rc;
		if (rc != E_OK)
			log_error("no receipt for session %s: %s", w->receipts[i].session.token,
				  em->text);
	}
	return E_OK;
}

static int receipts_write(struct watch *w, struct errmsg *em)
{
	size_t done = 0;
	int rc = E_OK;

	while (rc == E_OK && done < w->n_receipts) {
		size_t n = w->n_receipts - done < RECEIPTS_AT_ONCE ? w->n_receipts - done
								   : RECEIPTS_AT_ONCE;

		rc = store_receipts_put(w->o.store, w->receipts + done, n, em);
		if (rc != E_OK && !err_is_away(rc))
			rc = receipts_singly(w, done, n, em);
		done += rc == E_OK ? n : 0;
	}
	memmove(w->receipts, w->receipts + done, (w->n_receipts - done) * sizeof(*w->receipts));
	w->n_receipts -= done;
	if (rc == E_OK && w->lost > 0) {
		log_error("%zu receipts are lost: the store was away for too long", w->lost);
		w->lost = 0;
	}
	return rc;
}

/* --- the rhythm ---------------------------------------------------------------------------------------------------- */

static int patience(const struct watch *w)
{
	int64_t left = (w->cursor[0] != '\0' ? w->next_page : w->next_sweep) - clock_mono_ms();

	if (engine_busy(w->engine) || w->n_users + w->n_tokens > 0 || w->sweep_now || left <= 0)
		return 0;
	return left < IDLE_MS ? (int)left : IDLE_MS;
}

/* Receipts first: a session that has ended must be forgotten before all are looked at again. */
static int turn(struct watch *w, struct errmsg *em)
{
	struct errmsg inner = {""};
	int rc = receipts_write(w, em), hints;

	if (rc != E_OK)
		return rc;
	hints = hints_read(w, patience(w), &inner);
	rc = hinted_check(w, em);
	if (rc == E_OK && sweep_due(w))
		rc = sweep_page(w, em);
	if (rc == E_OK && hints != E_OK)
		rc = err_set(em, hints, "%s", inner.text);
	return rc;
}

static void news(struct watch *w, int rc, const struct errmsg *em)
{
	if (rc != E_OK && !w->away)
		log_error("%s; trying again", em->text[0] ? em->text : err_text(rc));
	else if (rc == E_OK && w->away)
		log_info("the store is back");
	w->away = rc != E_OK;
}

static void nap(long ms)
{
	struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};

	(void)nanosleep(&t, NULL);
}

static void figures_tell(struct watch *w, bool now)
{
	if (w->figures.folder == NULL || (!now && !figures_due(&w->figures)))
		return;
	w->figures.waiting = engine_waiting(w->engine);
	w->figures.hints = w->n_users + w->n_tokens;
	w->figures.store_up = !w->away;
	figures_write(&w->figures);
}

static void work(struct watch *w)
{
	while (!*w->o.stop) {
		struct errmsg em = {""};
		int rc = turn(w, &em);

		news(w, rc, &em);
		figures_tell(w, false);
		if (engine_busy(w->engine))
			engine_step(w->engine, w->n_users + w->n_tokens > 0 ? 0
					       : rc == E_OK                 ? BUSY_MS
									    : AWAY_MS);
		else if (rc != E_OK)
			nap(AWAY_MS);
	}
}

int watch_run(const struct watch_options *o, struct errmsg *em)
{
	struct watch w = {.o = *o,
			  .figures = {.folder = o->metrics, .nas = nas_table_count(o->table)}};
	const struct engine_options eo = {
		.table = o->table, .give_up_ms = o->give_up_ms, .done = on_done, .ctx = &w};
	int rc = E_NOMEM;

	pace_begin(&w.pace, o->policy_rate, clock_mono_ms());
	w.users = calloc(USERS_MAX, sizeof(*w.users));
	w.tokens = calloc(USERS_MAX, sizeof(*w.tokens));
	w.receipts = calloc(RECEIPTS_MAX, sizeof(*w.receipts));
	if (w.users != NULL && w.tokens != NULL && w.receipts != NULL)
		rc = engine_open(&eo, &w.engine);
	if (rc == E_OK) {
		work(&w);
		figures_tell(&w, true);
		/* What is known by now is kept, if the store is there. */
		if (w.n_receipts > 0 && receipts_write(&w, em) != E_OK)
			log_warn("receipts are lost at the end: %s", em->text);
	} else {
		(void)err_set(em, rc, "%s", err_text(rc));
	}
	engine_close(w.engine);
	store_hints_close(w.hints);
	free(w.users);
	free(w.tokens);
	free(w.receipts);
	return rc;
}
