/* People, devices, groups as the portal and the installer see them. */
#include "core/base/text.h"
#include "core/store/store_call.h"

int store_user_put(struct store *s, struct user *u, struct errmsg *em)
{
	char groups[USER_GROUPS_MAX * NAME_SIZE], id[ID_SIZE];
	struct reply *r = NULL;
	struct bytes v;
	struct call c;
	int rc;

	rc = user_groups_text(u, groups, sizeof(groups));
	if (rc != E_OK)
		return err_set(em, rc, "the groups of %s do not fit", u->login);
	call_init(&c, "user_put");
	call_str(&c, u->source);
	call_str(&c, u->login);
	call_str(&c, u->id);
	call_str(&c, u->name);
	call_str(&c, u->email);
	call_str(&c, groups);
	call_int(&c, u->leave_at);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	v = reply_bytes(r);
	if (v.p == NULL || v.n == 0 || v.n >= sizeof(id) || memchr(v.p, '\0', v.n) != NULL) {
		rc = call_bad_reply(em);
	} else {
		memcpy(u->id, v.p, v.n);
		u->id[v.n] = '\0';
	}
	reply_free(r);
	return rc;
}

static int user_call(struct store *s, const char *function, const char *arg, struct user *ret,
		     char *hold, size_t hold_size, struct errmsg *em)
{
	char text[REASON_SIZE];
	struct reply *r = NULL;
	struct user u;
	struct call c;
	int rc;

	call_init_ro(&c, function);
	call_str(&c, arg);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 9 || reply_user(r, &u) || reply_text(r, 7, text, sizeof(text)) ||
	    reply_number(r, 8, &u.devices)) {
		rc = call_bad_reply(em);
	} else {
		*ret = u;
		if (hold != NULL)
			rc = text_copy(hold, hold_size, text);
	}
	reply_free(r);
	return rc;
}

int store_user_get(struct store *s, const char *id, struct user *ret, char hold[REASON_SIZE],
		   struct errmsg *em)
{
	return user_call(s, "user_get", id, ret, hold, REASON_SIZE, em);
}

int store_user_find(struct store *s, const char *login, struct user *ret, struct errmsg *em)
{
	return user_call(s, "user_find", login, ret, NULL, 0, em);
}

int store_device_put(struct store *s, const struct device *d, struct errmsg *em)
{
	struct call c;

	call_init(&c, "device_put");
	call_str(&c, d->id);
	call_str(&c, d->owner);
	call_str(&c, d->name);
	call_str(&c, d->platform);
	return call_run(&c, s, NULL, em);
}

static int device_row(const struct reply *r, struct store_device_row *row)
{
	int64_t open;

	const struct reply *seen = reply_at(r, 5);

	if (reply_count(r) != 6 || reply_device(reply_at(r, 0), &row->device) ||
	    reply_kind(reply_at(r, 1)) != REPLY_ARRAY || reply_number(r, 2, &open) ||
	    reply_number(r, 3, &row->ticket_expires) ||
	    reply_text(r, 4, row->ticket, sizeof(row->ticket)) || reply_count(seen) != 5 ||
	    reply_number(seen, 0, &row->accept) || reply_number(seen, 1, &row->reject) ||
	    reply_text(seen, 2, row->reason, sizeof(row->reason)) ||
	    reply_text(seen, 3, row->nas, sizeof(row->nas)) ||
	    reply_text(seen, 4, row->vlan, sizeof(row->vlan)))
		return E_INTERNAL;
	row->ticket_open = open == 1;
	if (reply_count(reply_at(r, 1)) == 0)
		return E_OK;
	return reply_cert(reply_at(r, 1), &row->cert);
}

int store_devices(struct store *s, const char *user, struct store_device_row **ret, size_t *ret_n,
		  struct errmsg *em)
{
	struct store_device_row *rows = NULL;
	struct reply *r = NULL;
	struct call c;
	size_t i, n;
	int rc;

	call_init_ro(&c, "devices");
	call_str(&c, user);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	n = reply_count(r);
	rows = calloc(n + 1, sizeof(*rows));
	if (rows == NULL)
		rc = E_NOMEM;
	else if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (i = 0; rc == E_OK && i < n; i++)
		if (device_row(reply_at(r, i), &rows[i]) != E_OK)
			rc = call_bad_reply(em);
	reply_free(r);
	if (rc != E_OK) {
		free(rows);
		return rc;
	}
	*ret = rows;
	*ret_n = n;
	return E_OK;
}

int store_device_revoke(struct store *s, const char *user, const char *device, const char *reason,
			struct errmsg *em)
{
	struct call c;

	call_init(&c, "device_revoke");
	call_str(&c, user);
	call_str(&c, device);
	call_str(&c, reason);
	return call_run(&c, s, NULL, em);
}
