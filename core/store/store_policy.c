#include "core/store/store_policy.h"

#include "core/store/store_call.h"

static int put_group(struct store *s, int64_t version, const struct group *g, struct errmsg *em)
{
	struct call c;

	call_init(&c, "policy_group");
	call_int(&c, version);
	return call_run_group(&c, s, g, em);
}

int store_policy_put(struct store *s, const struct group *groups, size_t n, const char *note,
		     int64_t *ret_version, struct errmsg *em)
{
	int64_t version = 0;
	struct call c;
	int rc;

	call_init(&c, "policy_new");
	call_str(&c, note);
	rc = call_run_int(&c, s, &version, em);
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = put_group(s, version, &groups[i], em);
	if (rc != E_OK)
		return rc;
	call_init(&c, "policy_seal");
	call_int(&c, version);
	call_int(&c, (int64_t)n);
	rc = call_run(&c, s, NULL, em);
	if (rc == E_OK)
		*ret_version = version;
	return rc;
}

int store_policy_activate(struct store *s, int64_t version, struct errmsg *em)
{
	struct call c;

	call_init(&c, "policy_activate");
	call_int(&c, version);
	return call_run(&c, s, NULL, em);
}

int store_policy_rollback(struct store *s, int64_t *ret_version, struct errmsg *em)
{
	struct call c;

	call_init(&c, "policy_rollback");
	return call_run_int(&c, s, ret_version, em);
}

static int read_policy(const struct reply *row, struct store_policy *ret)
{
	if (reply_count(row) != 5 || reply_number(row, 0, &ret->version) ||
	    reply_number(row, 1, &ret->time) || reply_text(row, 2, ret->by, sizeof(ret->by)) ||
	    reply_number(row, 3, &ret->groups) || reply_text(row, 4, ret->note, sizeof(ret->note)))
		return E_INTERNAL;
	return E_OK;
}

int store_policies(struct store *s, struct store_policies *ret, struct errmsg *em)
{
	struct store_policies p = {0};
	const struct reply *list;
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "policies");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	list = reply_at(r, 2);
	p.n = reply_count(list);
	if (reply_count(r) != 4 || reply_number(r, 0, &p.active) || reply_number(r, 1, &p.before) ||
	    reply_number(r, 3, &p.shadow) || reply_kind(list) != REPLY_ARRAY ||
	    p.n > STORE_POLICIES_MAX)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i < p.n; i++)
		if (read_policy(reply_at(list, i), &p.list[i]) != E_OK)
			rc = call_bad_reply(em);
	reply_free(r);
	if (rc == E_OK)
		*ret = p;
	return rc;
}

int store_policy_groups(struct store *s, int64_t version, struct group **ret, size_t *ret_n,
			struct errmsg *em)
{
	struct call c;

	call_init_ro(&c, "policy_show");
	call_int(&c, version);
	return call_run_groups(&c, s, ret, ret_n, em);
}
