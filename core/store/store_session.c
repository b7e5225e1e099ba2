/* Sessions: who is on the network right now, by what the NASes say. */
#include "core/store/store_session.h"

#include "core/store/store_call.h"

#include <stddef.h>

static const struct {
	const char *name;
	size_t at, size;
} fields[] = {
#define FIELD(name)                                                                                \
	{                                                                                          \
#name, offsetof(struct nas_session, name), sizeof(((struct nas_session *)0)->name) \
	}
	FIELD(nas),   FIELD(nas_id), FIELD(nas_ip), FIELD(nas_port), FIELD(nas_port_id),
	FIELD(acct),  FIELD(mac),    FIELD(called), FIELD(login),    FIELD(vlan),
	FIELD(group), FIELD(policy), FIELD(bind),   FIELD(apart),
#undef FIELD
};

#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

static void put_fields(struct call *c, const struct nas_session *x)
{
	for (size_t i = 0; i < N_FIELDS; i++) {
		const char *value = (const char *)x + fields[i].at;

		if (!*value)
			continue;
		call_str(c, fields[i].name);
		call_str(c, value);
	}
}

static void ask_open(struct call *c, const struct nas_session *x, int64_t seconds)
{
	call_init(c, "session_open");
	call_str(c, x->token);
	call_str(c, x->serial);
	call_int(c, seconds);
	put_fields(c, x);
}

static int read_bad(const struct reply *r, char ret_bad[REASON_SIZE], struct errmsg *em)
{
	struct bytes bad = reply_bytes(r);

	if (!bad.p || bad.n >= REASON_SIZE)
		return call_bad_reply(em);
	memcpy(ret_bad, bad.p, bad.n + 1);
	return E_OK;
}

int store_session_open(struct store *s, const struct nas_session *x, int64_t seconds,
		       char ret_bad[REASON_SIZE], struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	ask_open(&c, x, seconds);
	rc = call_run(&c, s, &r, em);
	if (rc == E_OK)
		rc = read_bad(r, ret_bad, em);
	reply_free(r);
	return rc;
}

/* 1 or 0 */
static int run_known(struct call *c, struct store *s, bool *ret, struct errmsg *em)
{
	int64_t known = 0;
	int rc = call_run_int(c, s, &known, em);

	if (rc == E_OK)
		*ret = known == 1;
	return rc;
}

static void ask_update(struct call *c, const struct nas_session *x, int64_t silence)
{
	call_init(c, "session_update");
	call_str(c, x->token);
	call_int(c, silence);
	put_fields(c, x);
}

int store_session_update(struct store *s, const struct nas_session *x, int64_t silence,
			 bool *ret_known, struct errmsg *em)
{
	struct call c;

	ask_update(&c, x, silence);
	return run_known(&c, s, ret_known, em);
}

static void ask_close(struct call *c, const char *token)
{
	call_init(c, "session_close");
	call_str(c, token);
}

int store_session_close(struct store *s, const char *token, bool *ret_known, struct errmsg *em)
{
	struct call c;

	ask_close(&c, token);
	return run_known(&c, s, ret_known, em);
}

static void ask_refused(struct call *c, const struct nas_session *x, const char *reason)
{
	call_init(c, "session_refused");
	call_str(c, x->serial);
	call_str(c, reason);
	call_str(c, x->mac);
	call_str(c, x->nas_id[0] ? x->nas_id : x->nas);
	call_str(c, x->policy);
}

int store_session_refused(struct store *s, const struct nas_session *x, const char *reason,
			  struct errmsg *em)
{
	struct call c;

	ask_refused(&c, x, reason);
	return call_run(&c, s, NULL, em);
}

/* --- many at once -------------------------------------------------------------------------------- */

static int queue(struct store *s, const struct session_call *x)
{
	struct call c;

	switch (x->verb) {
	case SESSION_OPEN:
		ask_open(&c, x->session, x->seconds);
		break;
	case SESSION_UPDATE:
		ask_update(&c, x->session, x->seconds);
		break;
	case SESSION_CLOSE:
		ask_close(&c, x->session->token);
		break;
	case SESSION_REFUSED:
		ask_refused(&c, x->session, x->reason);
		break;
	}
	if (c.overflow)
		return E_TOOBIG;
	return redis_conn_queue(s->conn, c.argv, c.argc);
}

void store_session_tell(struct store *s, struct session_call *calls, size_t n)
{
	struct errmsg em = {""};
	int rc = E_OK;

	for (size_t i = 0; i < n && rc == E_OK; i++)
		rc = queue(s, &calls[i]);
	if (rc == E_OK)
		rc = redis_conn_flush(s->conn, &em);
	else
		redis_conn_forget(s->conn);
	for (size_t i = 0; i < n; i++) {
		struct session_call *x = &calls[i];
		struct reply *r = NULL;

		x->bad[0] = '\0';
		if (rc == E_OK)
			x->rc = redis_conn_next(s->conn, &r, &x->em);
		else
			x->rc = err_set(&x->em, rc, "%s", em.text[0] ? em.text : err_text(rc));
		if (x->rc == E_OK && x->verb == SESSION_OPEN)
			x->rc = read_bad(r, x->bad, &x->em);
		reply_free(r);
	}
}

int store_forget_mac(struct store *s, const char *who, const char *reason, int64_t *ret_n,
		     struct errmsg *em)
{
	struct call c;

	call_init(&c, "forget_mac");
	call_str(&c, who);
	call_str(&c, reason);
	return call_run_int(&c, s, ret_n, em);
}

/* --- reading ------------------------------------------------------------------------------------- */

static int read_number(const struct reply *flat, size_t i, int64_t *ret)
{
	/* Written by hand, perhaps: such a session is still to be ended. */
	if (reply_number(flat, i, ret) != E_OK)
		*ret = 0;
	return E_OK;
}

static int read_field(const struct reply *flat, size_t i, struct nas_session *x)
{
	char name[24];

	if (reply_text(flat, i, name, sizeof(name)) != E_OK)
		return E_OK; /* not one of ours */
	if (strcmp(name, "serial") == 0)
		return reply_text(flat, i + 1, x->serial, sizeof(x->serial));
	if (strcmp(name, "user") == 0)
		return reply_text(flat, i + 1, x->user, sizeof(x->user));
	if (strcmp(name, "opened") == 0)
		return read_number(flat, i + 1, &x->opened);
	if (strcmp(name, "seen") == 0)
		return read_number(flat, i + 1, &x->seen);
	if (strcmp(name, "ends") == 0)
		return read_number(flat, i + 1, &x->ends);
	for (size_t k = 0; k < N_FIELDS; k++)
		if (strcmp(name, fields[k].name) == 0)
			return reply_text(flat, i + 1, (char *)x + fields[k].at, fields[k].size);
	return E_OK;
}

int reply_session(const struct reply *row, struct nas_session *x)
{
	const struct reply *flat = reply_at(row, 1);
	int rc = reply_text(row, 0, x->token, sizeof(x->token));

	if (rc == E_OK && (reply_kind(flat) != REPLY_ARRAY || reply_count(flat) % 2 != 0))
		rc = E_INTERNAL;
	for (size_t i = 0; rc == E_OK && i < reply_count(flat); i += 2)
		rc = read_field(flat, i, x);
	return rc;
}

int store_sessions(struct store *s, const char *who, struct nas_session **ret, size_t *ret_n,
		   struct errmsg *em)
{
	struct nas_session *list = NULL;
	struct reply *r = NULL;
	struct call c;
	size_t n;
	int rc;

	call_init_ro(&c, "sessions");
	call_str(&c, who);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	n = reply_count(r);
	if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	else if (n > 0 && !(list = calloc(n, sizeof(*list))))
		rc = E_NOMEM;
	for (size_t i = 0; rc == E_OK && i < n; i++)
		if (reply_session(reply_at(r, i), &list[i]) != E_OK)
			rc = call_bad_reply(em);
	reply_free(r);
	if (rc != E_OK) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return E_OK;
}
