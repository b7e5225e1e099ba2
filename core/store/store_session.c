/* Sessions: who is on the network right now, by what the NASes say. */
#include "core/store/store_session.h"

#include "core/store/store_call.h"

#include <assert.h>
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

	call_init(&c, "session_open");
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
	call_str(c, x->token);
	call_int(c, silence);
	put_fields(c, x);
}

int store_session_update(struct store *s, const struct nas_session *x, int64_t silence,
			 bool *ret_known, struct errmsg *em)
{
	struct call c;

	call_init(&c, "session_update");
	ask_update(&c, x, silence);
	return run_known(&c, s, ret_known, em);
}

static void ask_close(struct call *c, const char *token)
{
	call_str(c, token);
}

int store_session_close(struct store *s, const char *token, bool *ret_known, struct errmsg *em)
{
	struct call c;

	call_init(&c, "session_close");
	ask_close(&c, token);
	return run_known(&c, s, ret_known, em);
}

static void ask_refused(struct call *c, const struct nas_session *x, const char *reason)
{
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

	call_init(&c, "session_refused");
	ask_refused(&c, x, reason);
	return call_run(&c, s, NULL, em);
}

/* --- many at once -------------------------------------------------------------------------------- */

/* FCALL session_tell 0, and of each how many words, the Function and its arguments. */
static_assert(3 + SESSION_PART * (5 + 2 * N_FIELDS) <= CALL_ARGS_MAX, "one call takes a part");
static_assert(SESSION_PART * 2 <= CALL_INTS_MAX, "one call takes a part");

static void add(struct call *c, const struct session_call *x)
{
	static const char *const names[] = {
		[SESSION_OPEN] = "session_open",
		[SESSION_UPDATE] = "session_update",
		[SESSION_CLOSE] = "session_close",
		[SESSION_REFUSED] = "session_refused",
	};
	char *words = c->ints[c->n_ints];
	size_t at = c->argc;

	call_int(c, 0); /* known below */
	call_str(c, names[x->verb]);
	switch (x->verb) {
	case SESSION_OPEN:
		ask_open(c, x->session, x->seconds);
		break;
	case SESSION_UPDATE:
		ask_update(c, x->session, x->seconds);
		break;
	case SESSION_CLOSE:
		ask_close(c, x->session->token);
		break;
	case SESSION_REFUSED:
		ask_refused(c, x->session, x->reason);
		break;
	}
	(void)snprintf(words, sizeof(c->ints[0]), "%zu", c->argc - at - 1);
	c->argv[at] = bytes_str(words);
}

static int queue_part(struct store *s, const struct session_call *x, size_t n)
{
	struct call c NOT_CLEARED;

	call_init(&c, "session_tell");
	for (size_t i = 0; i < n; i++)
		add(&c, &x[i]);
	return c.overflow ? E_TOOBIG : redis_conn_queue(s->conn, c.argv, c.argc);
}

static int read_told(struct store *s, const struct reply *row, struct session_call *x)
{
	int64_t good = 0;
	struct bytes text = reply_bytes(reply_at(row, 1));

	if (reply_count(row) != 2 || reply_number(row, 0, &good) || !text.p)
		return call_bad_reply(&x->em);
	if (good != 1)
		return redis_conn_error(s->conn, (const char *)text.p, &x->em);
	return x->verb == SESSION_OPEN ? read_bad(reply_at(row, 1), x->bad, &x->em) : E_OK;
}

static void read_part(struct store *s, struct session_call *x, size_t n)
{
	struct errmsg em = {""};
	struct reply *r = NULL;
	int rc = redis_conn_next(s->conn, &r, &em);

	if (rc == E_OK && (reply_kind(r) != REPLY_ARRAY || reply_count(r) != n))
		rc = call_bad_reply(&em);
	for (size_t i = 0; i < n; i++)
		x[i].rc = rc == E_OK ? read_told(s, reply_at(r, i), &x[i])
				     : err_set(&x[i].em, rc, "%s", em.text);
	reply_free(r);
}

static size_t part_of(size_t n, size_t from)
{
	return n - from < SESSION_PART ? n - from : SESSION_PART;
}

void store_session_tell(struct store *s, struct session_call *calls, size_t n)
{
	struct errmsg em = {""};
	int rc = E_OK;

	for (size_t i = 0; i < n; i++)
		calls[i].bad[0] = '\0';
	for (size_t i = 0; i < n && rc == E_OK; i += SESSION_PART)
		rc = queue_part(s, calls + i, part_of(n, i));
	if (rc == E_OK)
		rc = redis_conn_flush(s->conn, &em);
	else
		redis_conn_forget(s->conn);
	for (size_t i = 0; i < n && rc != E_OK; i++)
		calls[i].rc = err_set(&calls[i].em, rc, "%s", em.text[0] ? em.text : err_text(rc));
	for (size_t i = 0; i < n && rc == E_OK; i += SESSION_PART)
		read_part(s, calls + i, part_of(n, i));
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
