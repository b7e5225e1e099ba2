#include "auto_revoke/rules/plan.h"

#include "auto_revoke/directory/person.h"
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX_BYTES = 1 << 30, GROUPS_TEXT = USER_GROUPS_MAX * NAME_SIZE };

static const char *const op_texts[PLAN_OPS] = {"remove", "suspend", "update", "restore"};

const char *plan_op_text(enum plan_op op)
{
	return (unsigned)op < PLAN_OPS ? op_texts[op] : "?";
}

enum hold_kind plan_hold_kind(const char *value)
{
	static const char word[] = "removed:";
	const char *reason = value == NULL ? NULL : strchr(value, ' ');

	if (value == NULL)
		return HOLD_NONE;
	reason = reason == NULL ? NULL : strchr(reason + 1, ' ');
	return reason != NULL && strncmp(reason + 1, word, sizeof(word) - 1) == 0 ? HOLD_REMOVED
										  : HOLD_SUSPENDED;
}

int64_t plan_hold_time(const char *value)
{
	char number[20];
	size_t n = value == NULL ? 0 : strspn(value, "0123456789");
	int64_t t;

	if (n == 0 || n >= sizeof(number) || value[n] != ' ')
		return 0;
	memcpy(number, value, n);
	number[n] = '\0';
	return text_int64(number, &t) == E_OK ? t : 0;
}

void knowledge_init(struct knowledge *k)
{
	*k = (struct knowledge){.entries = NULL};
	buf_init(&k->text, TEXT_MAX_BYTES);
	buf_addc(&k->text, '\0');
}

void knowledge_free(struct knowledge *k)
{
	if (k == NULL)
		return;
	free(k->entries);
	buf_free(&k->text);
	*k = (struct knowledge){.entries = NULL};
}

static uint32_t keep(struct knowledge *k, const char *s)
{
	size_t at = k->text.n;

	if (s[0] == '\0')
		return 0;
	buf_add(&k->text, s, strlen(s) + 1);
	return (uint32_t)at;
}

int knowledge_add(struct knowledge *k, const char *login, const char *id)
{
	struct known e = {.hold = HOLD_NONE};

	if (k->n >= ROSTER_MAX)
		return E_TOOBIG;
	if (k->n == k->cap) {
		size_t cap = k->cap == 0 ? 256 : k->cap * 2;
		struct known *grown = reallocarray(k->entries, cap, sizeof(*grown));

		if (grown == NULL)
			return E_NOMEM;
		k->entries = grown;
		k->cap = cap;
	}
	e.login = keep(k, login);
	e.id = keep(k, id);
	if (buf_error(&k->text) != E_OK)
		return buf_error(&k->text);
	k->entries[k->n++] = e;
	return E_OK;
}

static int by_id(const void *a, const void *b, void *ctx)
{
	const struct known *x = a, *y = b;

	return strcmp(knowledge_text(ctx, x->id), knowledge_text(ctx, y->id));
}

void knowledge_finish(struct knowledge *k)
{
	size_t kept = 0;

	if (k->n < 2)
		return;
	qsort_r(k->entries, k->n, sizeof(*k->entries), by_id, k);
	for (size_t i = 1; i < k->n; i++) {
		struct known *last = &k->entries[kept];

		if (by_id(last, &k->entries[i], k) != 0)
			k->entries[++kept] = k->entries[i];
		else if (strcmp(knowledge_text(k, last->login),
				knowledge_text(k, k->entries[i].login)) != 0)
			last->ambiguous = true;
	}
	k->n = kept + 1;
}

struct known *knowledge_find(struct knowledge *k, const char *id)
{
	size_t lo = 0, hi = k->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(id, knowledge_text(k, k->entries[mid].id));

		if (c == 0)
			return &k->entries[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const char *knowledge_text(const struct knowledge *k, uint32_t place)
{
	return buf_str(&k->text) + place;
}

static void groups_join(char groups[][NAME_SIZE], size_t n, char dst[GROUPS_TEXT])
{
	size_t at = 0;

	for (size_t i = 0; i < n && i < USER_GROUPS_MAX; i++) {
		size_t len = strnlen(groups[i], NAME_SIZE - 1);

		if (i > 0)
			dst[at++] = ',';
		memcpy(dst + at, groups[i], len);
		at += len;
	}
	dst[at] = '\0';
}

int knowledge_policies(struct knowledge *k, const struct group *groups, size_t n)
{
	size_t at = k->text.n;

	if (n == 0)
		return E_OK;
	for (size_t i = 0; i < n; i++)
		buf_addf(&k->text, ",%s", groups[i].name);
	buf_add(&k->text, ",", 2);
	k->policies = (uint32_t)at;
	return buf_error(&k->text);
}

int knowledge_details(struct knowledge *k, struct known *e, const struct user *u)
{
	char groups[USER_GROUPS_MAX][NAME_SIZE], text[GROUPS_TEXT];
	size_t n = u->n_groups > USER_GROUPS_MAX ? USER_GROUPS_MAX : u->n_groups;

	memcpy(groups, u->groups, sizeof(groups));
	person_groups_sort(groups, &n);
	groups_join(groups, n, text);
	e->groups = keep(k, text);
	e->name = keep(k, u->name);
	e->email = keep(k, u->email);
	e->leave_at = u->leave_at;
	e->have_details = true;
	return buf_error(&k->text);
}

/* Does the directory say something else than the store? An empty name or address says nothing. */
static bool differs(const struct plan *p, const struct known *k, const struct roster_entry *e)
{
	const char *name = roster_text(p->roster, e->name),
		   *email = roster_text(p->roster, e->email);

	if ((e->has & PERSON_HAS_GROUPS) != 0 &&
	    strcmp(roster_text(p->roster, e->groups), knowledge_text(p->knowledge, k->groups)) != 0)
		return true;
	if ((e->has & PERSON_HAS_LEAVE_AT) != 0 && e->leave_at != k->leave_at)
		return true;
	if (name[0] != '\0' && strcmp(name, knowledge_text(p->knowledge, k->name)) != 0)
		return true;
	return email[0] != '\0' && strcmp(email, knowledge_text(p->knowledge, k->email)) != 0;
}

/* Is one of these groups ("a,b") known to give access? */
static bool gives_access(const struct knowledge *k, const char *groups)
{
	const char *policies = knowledge_text(k, k->policies);
	char name[NAME_SIZE + 2];

	while (*groups != '\0') {
		size_t n = strcspn(groups, ",");

		if (n < NAME_SIZE) {
			(void)snprintf(name, sizeof(name), ",%.*s,", (int)n, groups);
			if (strstr(policies, name) != NULL)
				return true;
		}
		groups += n + (groups[n] == ',');
	}
	return false;
}

/* Losing the groups that give access is leaving by another name; so is a leaving date that passes
 * before anybody has looked at the export that set it. */
static bool update_harms(const struct plan *p, const struct known *k, const struct roster_entry *e,
			 int64_t now)
{
	const char *had = knowledge_text(p->knowledge, k->groups),
		   *will = roster_text(p->roster, e->groups);

	if ((e->has & PERSON_HAS_GROUPS) != 0 &&
	    ((e->groups == 0 && k->groups != 0) ||
	     (gives_access(p->knowledge, had) && !gives_access(p->knowledge, will))))
		return true;
	return (e->has & PERSON_HAS_LEAVE_AT) != 0 && user_left(e->leave_at, now + PLAN_SOON_S) &&
	       (k->leave_at == 0 || e->leave_at < k->leave_at) && !user_left(k->leave_at, now);
}

static int step_add(struct plan *p, enum plan_op op, bool harms, const struct known *k,
		    const struct roster_entry *e)
{
	if (p->n == p->cap) {
		size_t cap = p->cap == 0 ? 64 : p->cap * 2;
		struct plan_step *grown = reallocarray(p->steps, cap, sizeof(*grown));

		if (grown == NULL)
			return E_NOMEM;
		p->steps = grown;
		p->cap = cap;
	}
	p->steps[p->n++] = (struct plan_step){.op = op, .harms = harms, .known = k, .entry = e};
	p->count[op]++;
	p->affected += harms;
	p->missing += op == PLAN_REMOVE && e == NULL;
	return E_OK;
}

static int decide_hold(struct plan *p, const struct known *k, const struct roster_entry *e)
{
	if (e == NULL && p->roster->partial)
		return E_OK;
	if (e == NULL || e->status == PERSON_REMOVED)
		return k->hold == HOLD_REMOVED ? E_OK : step_add(p, PLAN_REMOVE, true, k, e);
	if (e->status == PERSON_DISABLED && k->hold == HOLD_NONE)
		return step_add(p, PLAN_SUSPEND, true, k, e);
	if (e->status == PERSON_ACTIVE &&
	    (k->hold == HOLD_REMOVED ||
	     (k->hold == HOLD_SUSPENDED && (e->has & PERSON_HAS_STATUS) != 0)))
		return step_add(p, PLAN_RESTORE, false, k, e);
	return E_OK;
}

static int decide(struct plan *p, const struct known *k, int64_t now, int64_t counted_from)
{
	const struct roster_entry *e =
		roster_person(p->roster, knowledge_text(p->knowledge, k->login),
			      knowledge_text(p->knowledge, k->id));
	bool recent = k->hold != HOLD_NONE && k->hold_at > counted_from;
	size_t before = p->affected + p->count[PLAN_RESTORE];
	int rc = E_OK;

	p->known += k->hold != HOLD_REMOVED || recent;
	/* A second login could keep a leaver in: until a person has looked, neither counts. */
	if (k->ambiguous && p->roster->by_id == NULL)
		rc = k->hold == HOLD_NONE ? step_add(p, PLAN_SUSPEND, true, k, e) : E_OK;
	else
		rc = decide_hold(p, k, e);
	if (rc == E_OK && (!k->ambiguous || p->roster->by_id != NULL) && e != NULL &&
	    e->status != PERSON_REMOVED && k->have_details && differs(p, k, e))
		rc = step_add(p, PLAN_UPDATE,
			      e->status == PERSON_ACTIVE && k->hold == HOLD_NONE &&
				      update_harms(p, k, e, now),
			      k, e);
	/* Who is counted as affected, or comes back, is not counted twice. */
	p->recent += recent && p->affected + p->count[PLAN_RESTORE] == before;
	return rc;
}

static int step_cmp(const void *a, const void *b, void *ctx)
{
	const struct plan_step *x = a, *y = b;

	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return strcmp(plan_login(ctx, x), plan_login(ctx, y));
}

int plan_make(const struct roster *r, const struct knowledge *k, int64_t now, int64_t counted_from,
	      struct plan *ret)
{
	struct plan p = {.roster = r, .knowledge = k};

	for (size_t i = 0; i < k->n; i++) {
		int rc = decide(&p, &k->entries[i], now, counted_from);

		if (rc != E_OK) {
			plan_free(&p);
			return rc;
		}
	}
	if (p.n > 1)
		qsort_r(p.steps, p.n, sizeof(*p.steps), step_cmp, &p);
	*ret = p;
	return E_OK;
}

void plan_free(struct plan *p)
{
	if (p == NULL)
		return;
	free(p->steps);
	*p = (struct plan){.steps = NULL};
}

const char *plan_login(const struct plan *p, const struct plan_step *s)
{
	return knowledge_text(p->knowledge, s->known->login);
}

const char *plan_id(const struct plan *p, const struct plan_step *s)
{
	return knowledge_text(p->knowledge, s->known->id);
}

int plan_text(const struct plan *p, struct buf *out)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_step *s = &p->steps[i];

		if (s->harms)
			buf_addf(out, "%s %s %s\n", plan_op_text(s->op), plan_id(p, s),
				 plan_login(p, s));
	}
	return buf_error(out);
}

static void text_set(char *dst, size_t size, const char *src)
{
	size_t n = strlen(src);

	if (n == 0 || n >= size)
		return;
	memcpy(dst, src, n + 1);
}

void plan_apply_update(const struct plan *p, const struct plan_step *s, struct user *u)
{
	const struct roster_entry *e = s->entry;

	if (e == NULL)
		return;
	if ((e->has & PERSON_HAS_GROUPS) != 0) {
		const char *g = roster_text(p->roster, e->groups);

		/* Names and count were checked when the export was read. */
		for (u->n_groups = 0; *g != '\0' && u->n_groups < USER_GROUPS_MAX;) {
			size_t n = strcspn(g, ",");

			memcpy(u->groups[u->n_groups], g, n < NAME_SIZE ? n : NAME_SIZE - 1);
			u->groups[u->n_groups++][n < NAME_SIZE ? n : NAME_SIZE - 1] = '\0';
			g += n + (g[n] == ',');
		}
	}
	if ((e->has & PERSON_HAS_LEAVE_AT) != 0)
		u->leave_at = e->leave_at;
	text_set(u->name, sizeof(u->name), roster_text(p->roster, e->name));
	text_set(u->email, sizeof(u->email), roster_text(p->roster, e->email));
}
