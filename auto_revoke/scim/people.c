#include "auto_revoke/scim/people.h"

#include "auto_revoke/directory/person.h"
#include "core/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Who stands for a user of the table: resources with one externalId are one person. */
struct who {
	uint32_t first; /* the oldest resource: what tells persons apart */
	uint32_t now;   /* the one that counts: the live one, else the newest */
};

struct login {
	char name[LOGIN_SIZE];
	size_t order; /* in which names were taken */
	uint32_t number;
};

struct work {
	const struct scim_table *t;
	const struct scim_mapping *m;
	struct who *who;
	uint32_t *by_external;
	struct login *logins;
	size_t n_logins;
};

static const char *external_of(const struct scim_table *t, uint32_t number)
{
	const char *x = t->users[number]->text[SCIM_EXTERNAL_ID];

	return x != NULL ? x : "";
}

static int by_external(const void *a, const void *b, void *ctx)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int c = strcmp(external_of(ctx, x), external_of(ctx, y));

	return c != 0 ? c : x < y ? -1 : x > y;
}

static void who_is_who(struct work *w)
{
	const struct scim_table *t = w->t;
	size_t i = 0, end;

	for (uint32_t k = 0; k < t->n_users; k++) {
		w->by_external[k] = k;
		w->who[k] = (struct who){k, k};
	}
	qsort_r(w->by_external, t->n_users, sizeof(*w->by_external), by_external,
		(void *)(uintptr_t)t);
	for (; i < t->n_users; i = end) {
		uint32_t first = w->by_external[i], now = first;

		for (end = i + 1;
		     end < t->n_users && external_of(t, first)[0] != '\0' &&
		     strcmp(external_of(t, first), external_of(t, w->by_external[end])) == 0;
		     end++)
			if (t->users[now]->gone)
				now = w->by_external[end];
		for (size_t k = i; k < end; k++)
			w->who[w->by_external[k]] = (struct who){first, now};
	}
}

/* The name as people type it at the portal; false: nobody could. */
static bool login_of(const struct scim_mapping *m, const char *name, char dst[LOGIN_SIZE])
{
	size_t n = strlen(name), d = strlen(m->domain);
	struct person p;
	struct errmsg none;

	if (d > 0 && n > d + 1 && name[n - d - 1] == '@' &&
	    strcasecmp(name + n - d, m->domain) == 0)
		n -= d + 1;
	if (person_set_login(&p, bytes_of(name, n), &none) != E_OK)
		return false;
	memcpy(dst, p.login, sizeof(p.login));
	return true;
}

static int by_login(const void *a, const void *b)
{
	const struct login *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c != 0 ? c : x->order < y->order ? -1 : x->order > y->order;
}

static void logins_make(struct work *w, struct scim_counts *counts)
{
	for (size_t i = 0; i < w->t->n_names; i++) {
		struct login *l = &w->logins[w->n_logins];

		if (login_of(w->m, w->t->names[i].name, l->name)) {
			l->order = i;
			l->number = w->t->names[i].number;
			w->n_logins++;
		} else {
			counts->unusable += !w->t->users[w->t->names[i].number]->gone;
		}
	}
	qsort(w->logins, w->n_logins, sizeof(*w->logins), by_login);
}

static int group_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int groups_of(const struct work *w, uint32_t number, struct person *p, struct errmsg *em)
{
	p->has |= PERSON_HAS_GROUPS;
	for (size_t i = 0; i < w->t->n_groups; i++) {
		const struct scim_group *g = w->t->groups[i];

		if (g->gone || !scim_members_have(&g->members, number))
			continue;
		for (size_t k = 0; k < w->m->n_rows; k++) {
			bool known = strcasecmp(w->m->rows[k].display, g->display) != 0;

			for (size_t j = 0; !known && j < p->n_groups; j++)
				known = strcmp(p->groups[j], w->m->rows[k].group) == 0;
			if (known)
				continue;
			if (p->n_groups == USER_GROUPS_MAX ||
			    text_copy(p->groups[p->n_groups], NAME_SIZE, w->m->rows[k].group) !=
				    E_OK)
				return err_set(em, E_TOOBIG, "%.100s: is in too many groups",
					       p->login);
			p->n_groups++;
		}
	}
	qsort(p->groups, p->n_groups, sizeof(p->groups[0]), group_order);
	return E_OK;
}

static int emit_one(const struct work *w, const struct login *l, directory_emit *emit, void *ctx,
		    struct errmsg *em)
{
	const struct scim_user *u = w->t->users[w->who[l->number].now];
	struct person p = {.status = u->gone     ? PERSON_REMOVED
				     : u->active ? PERSON_ACTIVE
						 : PERSON_DISABLED,
			   .has = PERSON_HAS_STATUS};
	const char *name = u->text[SCIM_DISPLAY_NAME], *given = u->text[SCIM_GIVEN_NAME],
		   *family = u->text[SCIM_FAMILY_NAME], *email = u->text[SCIM_EMAIL];
	struct errmsg none;
	char full[2 * SCIM_TEXT_SIZE];
	int rc = E_OK;

	memcpy(p.login, l->name, sizeof(p.login));
	if (u->gone)
		return emit(ctx, &p, em);
	if (name == NULL)
		name = u->text[SCIM_FORMATTED];
	if (name == NULL && given != NULL && family != NULL) {
		(void)snprintf(full, sizeof(full), "%s %s", given, family);
		name = full;
	}
	/* For people to read: what is of no use there does not keep anybody in or out. */
	if (name != NULL && person_set_name(&p, bytes_str(name), &none) != E_OK)
		p.name[0] = '\0';
	if (email != NULL && person_set_email(&p, bytes_str(email), &none) != E_OK)
		p.email[0] = '\0';
	if (w->m->groups && u->grouped)
		rc = groups_of(w, w->who[l->number].now, &p, em);
	return rc == E_OK ? emit(ctx, &p, em) : rc;
}

static int work_emit(struct work *w, directory_emit *emit, void *ctx, struct scim_counts *counts,
		     struct errmsg *em)
{
	int rc = E_OK;

	who_is_who(w);
	logins_make(w, counts);
	for (size_t i = 0; rc == E_OK && i < w->n_logins; i++) {
		const struct login *l = &w->logins[i];

		if (i > 0 && strcmp(l->name, w->logins[i - 1].name) == 0) {
			if (w->who[l->number].first != w->who[w->logins[i - 1].number].first)
				counts->taken += !w->t->users[l->number]->gone;
			/* The comparison with the next one is with the owner too. */
			w->logins[i].number = w->logins[i - 1].number;
			continue;
		}
		rc = emit_one(w, l, emit, ctx, em);
		counts->people++;
	}
	return rc;
}

int scim_people_emit(const struct scim_table *t, const struct scim_mapping *m, directory_emit *emit,
		     void *ctx, struct scim_counts *ret, struct errmsg *em)
{
	struct work w = {.t = t, .m = m};
	struct scim_counts counts = {0};
	size_t n = t->n_users + 1, k = t->n_names + 1;
	int rc = E_NOMEM;

	w.who = calloc(n, sizeof(*w.who));
	w.by_external = calloc(n, sizeof(*w.by_external));
	w.logins = calloc(k, sizeof(*w.logins));
	if (w.who != NULL && w.by_external != NULL && w.logins != NULL)
		rc = work_emit(&w, emit, ctx, &counts, em);
	else
		(void)err_set(em, rc, "%s", err_text(rc));
	free(w.who);
	free(w.by_external);
	free(w.logins);
	if (rc == E_OK)
		*ret = counts;
	return rc;
}
