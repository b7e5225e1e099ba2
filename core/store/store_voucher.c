#include "core/store/store_voucher.h"

#include "core/store/store_call.h"

int store_voucher_put(struct store *s, const struct voucher *v, const char *code, long limit,
		      struct errmsg *em)
{
	struct call c;

	call_init(&c, "voucher_put");
	call_str(&c, v->id);
	call_str(&c, code);
	call_str(&c, v->by);
	call_str(&c, v->name);
	call_str(&c, v->reason);
	call_str(&c, v->group);
	call_int(&c, v->from);
	call_int(&c, v->until);
	call_int(&c, v->devices);
	call_int(&c, limit);
	return call_run(&c, s, NULL, em);
}

static int read_voucher(const struct reply *r, struct voucher *v)
{
	if (reply_count(r) != 12 || reply_text(r, 0, v->id, sizeof(v->id)) ||
	    reply_text(r, 1, v->by, sizeof(v->by)) ||
	    reply_text(r, 2, v->by_login, sizeof(v->by_login)) ||
	    reply_text(r, 3, v->name, sizeof(v->name)) ||
	    reply_text(r, 4, v->reason, sizeof(v->reason)) ||
	    reply_text(r, 5, v->group, sizeof(v->group)) || reply_number(r, 6, &v->from) ||
	    reply_number(r, 7, &v->until) || reply_number(r, 8, &v->devices) ||
	    reply_number(r, 9, &v->used) || reply_number(r, 10, &v->revoked) ||
	    reply_text(r, 11, v->user, sizeof(v->user)))
		return E_INTERNAL;
	return E_OK;
}

int store_voucher_use(struct store *s, const char *id, const char *code, const char *fresh,
		      bool with_sponsor, struct voucher *ret, struct errmsg *em)
{
	struct reply *r = NULL;
	struct voucher v = {0};
	struct call c;
	int rc;

	call_init(&c, "voucher_use");
	call_str(&c, id);
	call_str(&c, code);
	call_str(&c, fresh);
	call_int(&c, with_sponsor ? 1 : 0);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = read_voucher(r, &v);
	reply_free(r);
	if (rc != E_OK || *v.user == '\0')
		return call_bad_reply(em);
	*ret = v;
	return E_OK;
}

int store_voucher_revoke(struct store *s, const char *id, const char *by, const char *login,
			 struct errmsg *em)
{
	struct call c;

	call_init(&c, "voucher_revoke");
	call_str(&c, id);
	call_str(&c, by);
	call_str(&c, login);
	return call_run(&c, s, NULL, em);
}

int store_vouchers(struct store *s, const char *by, struct voucher ret[VOUCHERS_MAX], size_t *ret_n,
		   struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	size_t n;
	int rc;

	call_init_ro(&c, "vouchers");
	call_str(&c, by);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	n = reply_count(r);
	if (reply_kind(r) != REPLY_ARRAY || n > VOUCHERS_MAX)
		rc = E_INTERNAL;
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		ret[i] = (struct voucher){0};
		rc = read_voucher(reply_at(r, i), &ret[i]);
	}
	reply_free(r);
	if (rc != E_OK)
		return call_bad_reply(em);
	*ret_n = n;
	return E_OK;
}
