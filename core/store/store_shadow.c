#include "core/store/store_shadow.h"

#include "core/store/store_call.h"

int store_shadow_set(struct store *s, int64_t version, struct errmsg *em)
{
	struct call c;

	call_init(&c, "policy_shadow");
	call_int(&c, version);
	return call_run(&c, s, NULL, em);
}

static int read_facts(const struct reply *r, struct store_shadow_facts *ret)
{
	const struct reply *groups = reply_at(r, 2);
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (reply_number(r, 0, &ret->version) || ret->version < 0)
		return E_INTERNAL;
	if (ret->version == 0)
		return E_OK;
	n = reply_count(groups);
	if (reply_count(r) != 4 || reply_facts(reply_at(r, 1), &ret->facts) ||
	    reply_kind(groups) != REPLY_ARRAY || n > USER_GROUPS_MAX ||
	    reply_text(r, 3, ret->broken, sizeof(ret->broken)))
		return E_INTERNAL;
	for (size_t i = 0; i < n; i++)
		if (reply_group(reply_at(groups, i), &ret->groups[i]))
			return E_INTERNAL;
	ret->n_groups = n;
	return E_OK;
}

int store_shadow_facts(struct store *s, const char *serial, struct store_shadow_facts *ret,
		       struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "shadow_facts");
	call_str(&c, serial);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = read_facts(r, ret);
	reply_free(r);
	return rc == E_OK ? E_OK : call_bad_reply(em);
}

int store_shadow_note(struct store *s, const struct store_shadow_note *note, struct errmsg *em)
{
	struct call c;

	call_init(&c, "shadow_note");
	call_int(&c, note->version);
	call_int(&c, note->judged);
	call_int(&c, note->broken);
	for (size_t i = 0; i < note->n; i++) {
		call_str(&c, note->changes[i].serial);
		call_str(&c, note->changes[i].kind);
		call_str(&c, note->changes[i].now);
		call_str(&c, note->changes[i].then);
	}
	return call_run(&c, s, NULL, em);
}

static int read_row(const struct reply *r, struct store_shadow_row *x)
{
	if (reply_count(r) != 9 || reply_text(r, 0, x->serial, sizeof(x->serial)) ||
	    reply_text(r, 1, x->user, sizeof(x->user)) ||
	    reply_text(r, 2, x->login, sizeof(x->login)) ||
	    reply_text(r, 3, x->kind, sizeof(x->kind)) || reply_number(r, 4, &x->count) ||
	    reply_number(r, 5, &x->first) || reply_number(r, 6, &x->last) ||
	    reply_text(r, 7, x->now, sizeof(x->now)) || reply_text(r, 8, x->then, sizeof(x->then)))
		return E_INTERNAL;
	return E_OK;
}

static int read_report(const struct reply *r, struct store_shadow_report *p)
{
	int64_t *const numbers[] = {&p->version, &p->about,   &p->since,  &p->last,
				    &p->judged,  &p->refused, &p->let_in, &p->moved,
				    &p->session, &p->broken,  &p->listed, &p->unlisted};
	const size_t n = sizeof(numbers) / sizeof(numbers[0]);
	const struct reply *list = reply_at(r, n);

	if (reply_count(r) != n + 1 || reply_kind(list) != REPLY_ARRAY)
		return E_INTERNAL;
	for (size_t i = 0; i < n; i++)
		if (reply_number(r, i, numbers[i]))
			return E_INTERNAL;
	p->rows = calloc(reply_count(list) + 1, sizeof(*p->rows));
	if (!p->rows)
		return E_NOMEM;
	/* One that was spoilt by hand must not hide the others. */
	for (size_t i = 0; i < reply_count(list); i++)
		if (read_row(reply_at(list, i), &p->rows[p->n]) == E_OK)
			p->n++;
	return E_OK;
}

int store_shadow_report(struct store *s, struct store_shadow_report *ret, struct errmsg *em)
{
	struct store_shadow_report p = {0};
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "shadow_report");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = read_report(r, &p);
	reply_free(r);
	if (rc != E_OK)
		return rc == E_INTERNAL ? call_bad_reply(em) : rc;
	*ret = p;
	return E_OK;
}
