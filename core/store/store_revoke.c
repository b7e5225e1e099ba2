/* Revocation, holds, and what a person is told about somebody's access. */
#include "core/store/store_call.h"

int store_revoke_cert(struct store *s, const char *serial, const char *reason, struct errmsg *em)
{
	struct call c;

	call_init(&c, "revoke_cert");
	call_str(&c, serial);
	call_str(&c, reason);
	return call_run(&c, s, NULL, em);
}

int store_revoke_user(struct store *s, const char *login, const char *reason, const char *source,
		      int64_t *ret_n, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int64_t n;
	int rc;

	call_init(&c, "revoke_user");
	call_str(&c, login);
	call_str(&c, reason);
	call_str(&c, source);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_number(r, 0, &n) != E_OK)
		rc = call_bad_reply(em);
	else if (ret_n != NULL)
		*ret_n = n;
	reply_free(r);
	return rc;
}

int store_suspend_user(struct store *s, const char *login, const char *reason, const char *source,
		       struct errmsg *em)
{
	struct call c;

	call_init(&c, "suspend_user");
	call_str(&c, login);
	call_str(&c, reason);
	call_str(&c, source);
	return call_run(&c, s, NULL, em);
}

int store_restore_user(struct store *s, const char *login, const char *source, struct errmsg *em)
{
	struct call c;

	call_init(&c, "restore_user");
	call_str(&c, login);
	call_str(&c, source);
	return call_run(&c, s, NULL, em);
}

int store_why(struct store *s, const char *login_or_serial, struct buf *out, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	size_t i;
	int rc;

	call_init_ro(&c, "why");
	call_str(&c, login_or_serial);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) == 0)
		rc = call_bad_reply(em);
	for (i = 0; rc == E_OK && i < reply_count(r); i++) {
		rc = reply_buf(r, i, out);
		if (rc == E_INTERNAL)
			rc = call_bad_reply(em);
		buf_addc(out, '\n');
	}
	if (rc == E_OK)
		rc = buf_error(out);
	reply_free(r);
	return rc;
}
