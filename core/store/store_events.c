/* Reading all writers' events once, with a position kept in Redis. */
#include "core/store/store_call.h"
#include "core/store/store_tail.h"

#define FIELDS_MAX 64

static int event_row(const struct reply *r, const char *fields[FIELDS_MAX], struct store_event *e)
{
	const struct reply *list = reply_at(r, 2);
	struct bytes v;
	size_t i;

	e->writer = (const char *)reply_bytes(reply_at(r, 0)).p;
	e->id = (const char *)reply_bytes(reply_at(r, 1)).p;
	if (reply_count(r) != 3 || e->writer == NULL || e->id == NULL ||
	    reply_kind(list) != REPLY_ARRAY || reply_count(list) % 2 != 0)
		return E_INTERNAL;
	/* A person may write any event into the own stream, also one with many fields. */
	e->n_fields = reply_count(list) < FIELDS_MAX ? reply_count(list) : FIELDS_MAX;
	for (i = 0; i < e->n_fields; i++) {
		v = reply_bytes(reply_at(list, i));
		if (v.p == NULL)
			return E_INTERNAL;
		fields[i] = (const char *)v.p; /* ends at its first NUL, if it holds one */
	}
	e->fields = fields;
	return E_OK;
}

/* Calls fn for each row until one fails; *n counts those that it took. */
static int tell(const struct reply *rows, int (*fn)(void *ctx, const struct store_event *e),
		void *ctx, size_t *n, struct errmsg *em)
{
	const char *fields[FIELDS_MAX];
	struct store_event e;
	int rc = E_OK;

	while (rc == E_OK && *n < reply_count(rows)) {
		if (event_row(reply_at(rows, *n), fields, &e) != E_OK)
			rc = call_bad_reply(em);
		else
			rc = fn(ctx, &e);
		*n += rc == E_OK;
	}
	return rc;
}

/* Moves the position of every writer among the first n rows to its last row there. */
static int ack(struct store *s, const char *reader, const struct reply *rows, size_t n,
	       struct errmsg *em)
{
	const struct reply *writer;
	struct bytes w, seen;
	struct call c;
	bool known;
	size_t i, k;
	int rc;

	call_init(&c, "events_ack");
	call_str(&c, reader);
	for (i = n; i-- > 0;) {
		writer = reply_at(reply_at(rows, i), 0);
		w = reply_bytes(writer);
		for (known = false, k = 4; k + 1 < c.argc && !known; k += 2) {
			seen = c.argv[k];
			known = seen.n == w.n && memcmp(seen.p, w.p, w.n) == 0;
		}
		if (known)
			continue;
		if (c.argc + 2 > CALL_ARGS_MAX) {
			/* An older row of a writer told before is ignored by the Function. */
			rc = call_run(&c, s, NULL, em);
			if (rc != E_OK)
				return rc;
			call_init(&c, "events_ack");
			call_str(&c, reader);
		}
		call_bytes(&c, w);
		call_bytes(&c, reply_bytes(reply_at(reply_at(rows, i), 1)));
	}
	return c.argc > 4 ? call_run(&c, s, NULL, em) : E_OK;
}

int store_events_read(struct store *s, const char *reader, unsigned max,
		      int (*fn)(void *ctx, const struct store_event *e), void *ctx, size_t *ret_n,
		      struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	size_t n = 0;
	int rc, ack_rc;

	call_init_ro(&c, "events");
	call_str(&c, reader);
	call_int(&c, max > 1000 ? 1000 : (int64_t)max);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	if (rc == E_OK)
		rc = tell(r, fn, ctx, &n, em);
	/* Also after a failure: what fn took is not told again. */
	ack_rc = n > 0 ? ack(s, reader, r, n, rc == E_OK ? em : NULL) : E_OK;
	reply_free(r);
	if (rc == E_OK)
		rc = ack_rc;
	if (rc == E_OK)
		*ret_n = n;
	return rc;
}

int store_events_tail(struct store *s, struct buf *positions, int64_t since_ms, unsigned max,
		      int (*fn)(void *ctx, const struct store_event *e), void *ctx, size_t *ret_n,
		      struct errmsg *em)
{
	const struct reply *rows;
	struct reply *r = NULL;
	struct bytes now;
	struct call c;
	size_t n = 0;
	int rc;

	call_init_ro(&c, "events_tail");
	call_str(&c, buf_str(positions));
	call_int(&c, max > EVENTS_TAIL_MAX ? EVENTS_TAIL_MAX : (int64_t)max);
	call_int(&c, since_ms);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	now = reply_bytes(reply_at(r, 0));
	rows = reply_at(r, 1);
	if (reply_count(r) != 2 || now.p == NULL || reply_kind(rows) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	if (rc == E_OK)
		rc = tell(rows, fn, ctx, &n, em);
	if (rc == E_OK) {
		buf_reset(positions);
		buf_add_bytes(positions, now);
		rc = buf_error(positions);
	}
	reply_free(r);
	if (rc == E_OK)
		*ret_n = n;
	return rc;
}

int store_events_gaps(struct store *s, const char *reader,
		      void (*fn)(void *ctx, const char *writer, const char *after,
				 const char *before),
		      void *ctx, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init(&c, "events_gaps");
	call_str(&c, reader);
	rc = call_run(&c, s, &r, em);
	for (size_t i = 0; rc == E_OK && i < reply_count(r); i++) {
		const char *text[3];

		for (size_t k = 0; k < 3; k++)
			text[k] = (const char *)reply_bytes(reply_at(reply_at(r, i), k)).p;
		if (text[0] == NULL || text[1] == NULL || text[2] == NULL)
			rc = call_bad_reply(em);
		else
			fn(ctx, text[0], text[1], text[2]);
	}
	reply_free(r);
	return rc;
}

int store_leavers_note(struct store *s, const char *word, const char *const *fields, size_t n,
		       struct errmsg *em)
{
	struct call c;

	call_init(&c, "leavers_note");
	call_str(&c, word);
	for (size_t i = 0; i < n && c.argc < CALL_ARGS_MAX; i++)
		call_str(&c, fields[i]);
	return call_run(&c, s, NULL, em);
}
