#include "auto_revoke/daemon/revoker.h"

#include "auto_revoke/rules/plan.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ipc/brake_file.h"

#include <stdio.h>
#include <string.h>

enum { PROGRESS_EACH = 1000, PLAN_TEXT_MAX = 200 << 20, SAMPLE_PEOPLE = 8 };

static int on_login(void *ctx, const char *login, const char *user)
{
	/* Lists for people are made of these: what could break a line is not ours. */
	if (!text_is_plain(login, LOGIN_SIZE - 1) || !text_is_name(user, ID_SIZE - 1)) {
		log_warn("a login in the store is not well formed; passed over");
		return E_OK;
	}
	return knowledge_add(ctx, login, user);
}

static int on_hold(void *ctx, const char *user, const char *value)
{
	struct known *k = knowledge_find(ctx, user);

	if (k != NULL) {
		k->hold = (uint8_t)plan_hold_kind(value);
		k->hold_at = plan_hold_time(value);
	}
	return E_OK;
}

static bool is_dirty(const struct revoker *r, const char *id)
{
	for (size_t i = 0; i < r->n_dirty; i++)
		if (strcmp(r->dirty[i], id) == 0)
			return true;
	return false;
}

/* Groups, names and dates are one round trip each: for everybody now and then, else where it stirs. */
static int details_read(struct revoker *r, struct knowledge *k, bool full, struct errmsg *em)
{
	char hold[REASON_SIZE];
	struct user u;

	for (size_t i = 0; i < k->n; i++) {
		struct known *e = &k->entries[i];
		const struct roster_entry *listed;
		int rc;

		listed = roster_person(&r->roster, knowledge_text(k, e->login),
				       knowledge_text(k, e->id));
		if (listed == NULL ||
		    (!full && !listed->fresh && !is_dirty(r, knowledge_text(k, e->id))) ||
		    (listed->has & ~(unsigned)PERSON_HAS_STATUS) == 0 ||
		    listed->status == PERSON_REMOVED)
			continue;
		if (*r->stop)
			return err_set(em, E_STATE, "stopped");
		rc = store_user_get(r->store, knowledge_text(k, e->id), &u, hold, em);
		if (rc == E_OK)
			rc = knowledge_details(k, e, &u);
		if (rc != E_OK && rc != E_NOTFOUND)
			return rc;
	}
	return E_OK;
}

static int policies_read(struct revoker *r, struct knowledge *k, struct errmsg *em)
{
	struct group *groups = NULL;
	size_t n = 0;
	int rc = store_groups(r->store, &groups, &n, em);

	if (rc == E_OK)
		rc = knowledge_policies(k, groups, n);
	free(groups);
	return rc;
}

static int knowledge_read(struct revoker *r, struct knowledge *k, bool full, struct errmsg *em)
{
	int rc = store_logins(r->store, r->identity, on_login, k, em);

	if (rc != E_OK)
		return rc;
	knowledge_finish(k);
	for (size_t i = 0; i < k->n; i++)
		if (k->entries[i].ambiguous && r->roster.by_id == NULL)
			log_warn("several logins lead to %s (one is %s): suspended, whatever the "
				 "directory says of them",
				 knowledge_text(k, k->entries[i].id),
				 knowledge_text(k, k->entries[i].login));
	rc = store_holds(r->store, r->hold, on_hold, k, em);
	if (rc == E_OK)
		rc = policies_read(r, k, em);
	return rc != E_OK ? rc : details_read(r, k, full, em);
}

static int step_apply(struct revoker *r, const struct plan *p, const struct plan_step *s,
		      struct errmsg *em)
{
	const char *id = plan_id(p, s);
	char hold[REASON_SIZE];
	struct user u;
	int64_t gone;
	int rc;

	switch (s->op) {
	case PLAN_REMOVE:
		return store_revoke_user(r->store, id, PLAN_REASON_REMOVE, r->hold, &gone, em);
	case PLAN_SUSPEND:
		return store_suspend_user(r->store, id, PLAN_REASON_SUSPEND, r->hold, em);
	case PLAN_RESTORE:
		return store_restore_user(r->store, id, r->hold, em);
	case PLAN_UPDATE:
		rc = store_user_get(r->store, id, &u, hold, em);
		if (rc != E_OK)
			return rc;
		plan_apply_update(p, s, &u);
		return store_user_put(r->store, &u, em);
	case PLAN_OPS:
		break;
	}
	return err_set(em, E_INTERNAL, "unknown step");
}

static void step_failed(struct revoker *r, const struct plan *p, const struct plan_step *s,
			const char *detail)
{
	const struct audit_field f[] = {{"source", r->hold},
					{"step", plan_op_text(s->op)},
					{"user", plan_id(p, s)},
					{"login", plan_login(p, s)},
					{"detail", detail}};

	log_error("cannot %s %s: %s", plan_op_text(s->op), plan_login(p, s), detail);
	revoker_event("apply_failed", r, f, 5);
}

static void cycle_event(struct revoker *r, const struct plan *p, const size_t done[PLAN_OPS],
			size_t failed)
{
	char n[7][24];
	const size_t v[7] = {r->roster.n,
			     p->known,
			     done[PLAN_REMOVE],
			     done[PLAN_SUSPEND],
			     done[PLAN_RESTORE],
			     done[PLAN_UPDATE],
			     failed};
	const struct audit_field f[] = {
		{"source", r->hold}, {"listed", n[0]},   {"known", n[1]},   {"removed", n[2]},
		{"suspended", n[3]}, {"restored", n[4]}, {"updated", n[5]}, {"failed", n[6]}};

	for (size_t i = 0; i < 7; i++)
		(void)snprintf(n[i], sizeof(n[i]), "%zu", v[i]);
	log_info("removed %s, suspended %s, restored %s, updated %s, failed %s", n[2], n[3], n[4],
		 n[5], n[6]);
	revoker_event("directory_applied", NULL, f, 8);
}

/* Goes on after a person who cannot be changed; ends when the store is away. */
static int plan_apply(struct revoker *r, const struct plan *p, struct errmsg *em)
{
	size_t done[PLAN_OPS] = {0}, failed = 0;
	int rc = E_OK;

	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *s = &p->steps[i];

		if (*r->stop) {
			rc = err_set(em, E_STATE, "stopped after %zu of %zu steps", i, p->n);
			break;
		}
		rc = step_apply(r, p, s, em);
		if (err_is_away(rc))
			break;
		if (rc == E_OK) {
			done[s->op]++;
			r->steps[s->op]++;
		} else {
			failed++;
			r->failed++;
			step_failed(r, p, s, em->text);
			rc = E_OK;
		}
		report_write(r, false);
		if ((i + 1) % PROGRESS_EACH == 0)
			log_info("%zu of %zu steps done", i + 1, p->n);
	}
	r->applied +=
		done[PLAN_REMOVE] + done[PLAN_SUSPEND] + done[PLAN_RESTORE] + done[PLAN_UPDATE];
	if (p->n > 0)
		cycle_event(r, p, done, failed);
	return rc;
}

static void sample(const char *plan, char *dst, size_t size)
{
	struct brake_row rows[SAMPLE_PEOPLE];
	size_t n = brake_sample(plan, SAMPLE_PEOPLE, rows), at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < n && at + (size_t)rows[i].n_login + 2 <= size; i++)
		at += (size_t)snprintf(dst + at, size - at, "%s%.*s", i > 0 ? " " : "",
				       rows[i].n_login, rows[i].login);
}

/* by NULL: nobody released it. */
static void brake_event(struct revoker *r, const char *event, const struct brake_held *b,
			const struct brake_release *by)
{
	char n[4][24], people[512];
	const struct audit_field f[] = {{"source", r->hold},
					{"digest", b->digest},
					{"why", b->why},
					{"known", n[0]},
					{"affected", n[1]},
					{"listed", n[2]},
					{"before", n[3]},
					{"sample", people},
					{"by", by != NULL ? by->by : ""},
					{"reason", by != NULL ? by->reason : ""}};
	const size_t v[4] = {b->known, b->affected, b->listed, b->before};

	for (size_t i = 0; i < 4; i++)
		(void)snprintf(n[i], sizeof(n[i]), "%zu", v[i]);
	sample(b->plan, people, sizeof(people));
	revoker_event(event, r, f, by == NULL ? 8 : by->reason[0] == '\0' ? 9 : 10);
}

/* Is this the plan that a person let through, or the rest of one that was cut short? */
static bool released(struct revoker *r, const struct brake_held *b, const struct run_state *state,
		     struct brake_release *by, struct errmsg *em)
{
	struct brake_held held = {.plan = NULL};
	bool yes = false;

	if (brake_approval(r->run_dir, by, em) != E_OK)
		return false;
	if (strcmp(by->digest, b->digest) == 0) {
		yes = true;
	} else if (strcmp(by->digest, state->applying) == 0 &&
		   brake_read(r->run_dir, &held, em) == E_OK) {
		yes = strcmp(held.digest, by->digest) == 0 && brake_covers(held.plan, b->plan);
		brake_free(&held);
	}
	return yes;
}

static int brake_engage(struct revoker *r, const struct brake_held *b, struct errmsg *em)
{
	struct brake_held held = {.plan = NULL};
	bool same =
		brake_read(r->run_dir, &held, em) == E_OK && strcmp(held.digest, b->digest) == 0;
	int rc = E_OK;

	brake_free(&held);
	if (!same) {
		/* A release is for one list; it does not outlive it. */
		rc = runfile_remove(r->run_dir, BRAKE_APPROVED, em);
		if (rc == E_OK)
			rc = brake_write(r->run_dir, b, em);
		if (rc != E_OK)
			return rc;
	}
	if (alarm_raise(&r->brake_alarm, b->digest)) {
		log_error("brake engaged (%s): %zu of %zu people would lose access; nothing is "
			  "applied. See %s/%s; "
			  "to let exactly this through: scepctl -c CONF brake release %s REASON",
			  b->why, b->affected, b->known, r->run_dir, BRAKE_FILE, r->hold);
		brake_event(r, "brake_engaged", b, NULL);
	}
	r->braked = true;
	r->braked_people = b->affected;
	return err_set(em, E_DENIED, "the mass-change brake holds back %zu people", b->affected);
}

/* The plan needs no release (any more), or has been applied. */
static int brake_clear(struct revoker *r, bool applied, struct errmsg *em)
{
	struct brake_held held = {.plan = NULL};
	int rc = brake_read(r->run_dir, &held, em);

	if (rc == E_OK && !applied) {
		log_info("brake cleared: the export no longer asks for it");
		brake_event(r, "brake_cleared", &held, NULL);
	}
	brake_free(&held);
	alarm_clear(&r->brake_alarm);
	r->braked = false;
	rc = runfile_remove(r->run_dir, BRAKE_APPROVED, em);
	return rc != E_OK ? rc : runfile_remove(r->run_dir, BRAKE_FILE, em);
}

static int brake_check(struct revoker *r, const struct plan *p, bool full, struct run_state *state,
		       bool *ret_released, struct errmsg *em)
{
	enum brake_why why = brake_decide(&r->limits, p->known, p->affected, p->recent, r->roster.n,
					  (size_t)state->people);
	struct brake_held b = {.known = p->known,
			       .affected = p->affected,
			       .listed = r->roster.n,
			       .before = (size_t)state->people};
	struct brake_release by = {.reason = ""};
	struct buf text;
	int rc;

	/* Of a released list that was cut short nothing is left that needs a release: those people do not count any more. */
	*ret_released = full && why == BRAKE_NO && p->affected == 0 && state->applying[0] != '\0';
	if (why == BRAKE_NO)
		return E_OK;
	if (!full) {
		/* What a person approves is compared with everybody, so it is made from everybody. */
		r->full_ms = 0;
		return err_set(em, E_STATE, "everybody is compared first");
	}
	buf_init(&text, PLAN_TEXT_MAX);
	rc = plan_text(p, &text);
	if (rc == E_OK)
		rc = digest_sha256_hex(buf_bytes(&text), b.digest);
	if (rc != E_OK) {
		(void)err_set(em, rc, "cannot list the plan: %s", err_text(rc));
		goto out;
	}
	b.plan = buf_str(&text);
	(void)snprintf(b.source, sizeof(b.source), "%s", r->hold);
	(void)snprintf(b.why, sizeof(b.why), "%s", brake_why_text(why));
	clock_iso(b.since, sizeof(b.since), clock_now());
	if (!released(r, &b, state, &by, em)) {
		rc = brake_engage(r, &b, em);
		goto out;
	}
	*ret_released = true;
	if (strcmp(state->applying, by.digest) != 0) {
		log_info("brake released by %s: applying %zu changes", by.by, b.affected);
		brake_event(r, "brake_released", &b, &by);
		memcpy(state->applying, by.digest, sizeof(by.digest));
		rc = run_state_write(r->run_dir, r->file, state, em);
	}
out:
	buf_free(&text);
	return rc;
}

static int state_keep(struct revoker *r, struct run_state *state, bool was_released,
		      struct errmsg *em)
{
	struct run_state now = {.people = (int64_t)r->roster.n,
				.mtime_ns = r->mark.mtime_ns,
				.end_marked = r->mark.end_marked,
				.counted_from = was_released ? clock_now() : state->counted_from};

	/* A short list that touched nobody does not become the measure for the next one. */
	if (now.people * 2 < state->people && !was_released)
		now.people = state->people;
	if (now.people == state->people && now.mtime_ns == state->mtime_ns &&
	    now.end_marked == state->end_marked && state->applying[0] == '\0')
		return E_OK;
	return run_state_write(r->run_dir, r->file, &now, em);
}

static void plan_print(struct revoker *r, const struct plan *p, const struct run_state *state)
{
	enum brake_why why = brake_decide(&r->limits, p->known, p->affected, p->recent, r->roster.n,
					  (size_t)state->people);

	for (size_t i = 0; i < p->n; i++)
		printf("%s %s %s\n", plan_op_text(p->steps[i].op), plan_id(p, &p->steps[i]),
		       plan_login(p, &p->steps[i]));
	printf("# listed %zu, known %zu: remove %zu, suspend %zu, update %zu, restore %zu; brake: "
	       "%s\n",
	       r->roster.n, p->known, p->count[PLAN_REMOVE], p->count[PLAN_SUSPEND],
	       p->count[PLAN_UPDATE], p->count[PLAN_RESTORE],
	       why == BRAKE_NO ? "no" : brake_why_text(why));
	(void)fflush(stdout);
}

static int plan_carry(struct revoker *r, const struct plan *p, struct run_state *state, bool full,
		      struct errmsg *em)
{
	bool was_released = false;
	int rc;

	if (r->dry_run) {
		plan_print(r, p, state);
		return E_OK;
	}
	rc = brake_check(r, p, full, state, &was_released, em);
	if (rc == E_OK)
		rc = plan_apply(r, p, em);
	if (rc == E_OK)
		rc = state_keep(r, state, was_released, em);
	if (rc == E_OK)
		rc = brake_clear(r, was_released, em);
	return rc;
}

static int plan_from(struct revoker *r, const struct knowledge *k, const struct run_state *state,
		     struct plan *ret, struct errmsg *em)
{
	int64_t now = clock_now(), from = now - BRAKE_WINDOW_S;
	int rc = plan_make(&r->roster, k, now,
			   state->counted_from > from ? state->counted_from : from, ret);

	return rc == E_OK ? E_OK : err_set(em, rc, "cannot make a plan: %s", err_text(rc));
}

/*
 * The ledger was read after the directory: whoever came to both in between would seem to be missing. Whom the
 * plan would remove for not being listed is looked for once more.
 */
static int plan_confirm(struct revoker *r, struct knowledge *k, bool full,
			const struct run_state *state, struct plan *plan, struct errmsg *em)
{
	uint64_t before = r->reads;
	int rc;

	if (plan->missing == 0)
		return E_OK;
	rc = source_look(r, em);
	if (rc != E_OK || r->reads == before)
		return rc;
	plan_free(plan);
	*plan = (struct plan){.steps = NULL};
	rc = details_read(r, k, full, em);
	return rc == E_OK ? plan_from(r, k, state, plan, em) : rc;
}

int cycle_run(struct revoker *r, struct errmsg *em)
{
	bool full = r->full_ms == 0 || clock_mono_ms() - r->full_ms >= FULL_COMPARE_S * 1000LL;
	struct plan plan = {.steps = NULL};
	struct run_state state;
	struct knowledge k;
	int rc;

	knowledge_init(&k);
	rc = knowledge_read(r, &k, full, em);
	if (rc == E_OK)
		rc = run_state_read(r->run_dir, r->file, &state, em);
	if (rc == E_OK) {
		if (state.people == 0 && state.counted_from == 0)
			state.counted_from =
				clock_now(); /* a new start: nothing of before counts */
		rc = plan_from(r, &k, &state, &plan, em);
	}
	if (rc == E_OK)
		rc = plan_confirm(r, &k, full, &state, &plan, em);
	if (rc == E_OK)
		rc = plan_carry(r, &plan, &state, full, em);
	plan_free(&plan);
	knowledge_free(&k);
	r->due = rc != E_OK && rc != E_DENIED;
	if (!r->due) {
		r->woken = false;
		r->n_dirty = 0;
		if (rc == E_OK)
			for (size_t i = 0; i < r->roster.n; i++)
				r->roster.entries[i].fresh = false;
		if (rc == E_DENIED)
			r->full_ms = 0; /* nothing was applied: nobody is up to date */
		else if (full)
			r->full_ms = clock_mono_ms();
		r->last_cycle = clock_now();
	}
	return rc;
}
