/* What the ca copies into its journal: who and what is revoked or held, people and their devices. */
#include "core/store/store_facts.h"

#include "core/store/store_call.h"

/* Of one row: kind, id, extra, and the fields of a record. */
#define ROW_MAX 64

static int read_row(const struct reply *row, store_fact_fn *fn, void *ctx, struct errmsg *em)
{
	const char *fields[ROW_MAX];
	struct store_fact f = {.fields = fields};
	size_t n = reply_count(row);

	if (n < 3 || n > ROW_MAX)
		return call_bad_reply(em);
	for (size_t i = 0; i < n; i++) {
		struct bytes v = reply_bytes(reply_at(row, i));

		if (!v.p)
			return call_bad_reply(em);
		fields[i] = (const char *)v.p;
	}
	f.kind = (enum store_fact_kind)fields[0][0];
	f.id = fields[1];
	f.extra = fields[2];
	f.fields = fields + 3;
	f.n_fields = n - 3;
	if (f.kind == STORE_FACT_HELD ? f.n_fields != 1 : f.n_fields % 2 != 0)
		return call_bad_reply(em);
	return fn(ctx, &f);
}

static int read_rows(const struct reply *list, store_fact_fn *fn, void *ctx, struct errmsg *em)
{
	int rc = reply_kind(list) == REPLY_ARRAY ? E_OK : call_bad_reply(em);

	for (size_t i = 0; rc == E_OK && i < reply_count(list); i++)
		rc = read_row(reply_at(list, i), fn, ctx, em);
	return rc;
}

int store_facts(struct store *s, bool standing_only, char cursor[STORE_CURSOR_SIZE],
		store_fact_fn *fn, void *ctx, struct errmsg *em)
{
	char next[STORE_CURSOR_SIZE];
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "facts");
	call_str(&c, cursor);
	if (standing_only)
		call_str(&c, "standing");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 2 || reply_text(r, 0, next, sizeof(next)))
		rc = call_bad_reply(em);
	if (rc == E_OK)
		rc = read_rows(reply_at(r, 1), fn, ctx, em);
	if (rc == E_OK)
		memcpy(cursor, next, sizeof(next));
	reply_free(r);
	return rc;
}

int store_facts_of(struct store *s, const char *user, store_fact_fn *fn, void *ctx,
		   struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "facts_of");
	call_str(&c, user);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rc = read_rows(r, fn, ctx, em);
	reply_free(r);
	return rc;
}

static int ask_missing(struct store *s, const char *function, const char *const *ids, size_t n,
		       size_t *ret_missing, char ret_first[HASH_SIZE], struct errmsg *em)
{
	char first[HASH_SIZE] = "";
	struct reply *r = NULL;
	struct call c;
	int rc;

	if (n == 0 || n > STORE_UNREVOKED_MAX)
		return err_set(em, E_TOOBIG, "1 to %d ids", STORE_UNREVOKED_MAX);
	call_init_ro(&c, function);
	for (size_t i = 0; i < n; i++)
		call_str(&c, ids[i]);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_ARRAY ||
	    (reply_count(r) > 0 && reply_text(r, 0, first, sizeof(first))))
		rc = call_bad_reply(em);
	if (rc == E_OK) {
		*ret_missing = reply_count(r);
		memcpy(ret_first, first, sizeof(first));
	}
	reply_free(r);
	return rc;
}

int store_unrevoked(struct store *s, const char *const *ids, size_t n, size_t *ret_missing,
		    char ret_first[HASH_SIZE], struct errmsg *em)
{
	return ask_missing(s, "unrevoked", ids, n, ret_missing, ret_first, em);
}

int store_inactive(struct store *s, const char *const *serials, size_t n, size_t *ret_missing,
		   char ret_first[HASH_SIZE], struct errmsg *em)
{
	return ask_missing(s, "inactive", serials, n, ret_missing, ret_first, em);
}

static int tell_changes(const struct reply *list,
			int (*fn)(void *ctx, const struct store_change *c), void *ctx,
			struct errmsg *em)
{
	int rc = reply_kind(list) == REPLY_ARRAY ? E_OK : call_bad_reply(em);

	for (size_t i = 0; rc == E_OK && i < reply_count(list); i++) {
		const struct reply *row = reply_at(list, i);
		struct store_change c;
		int64_t renewed = 0;

		if (reply_count(row) != 4 || reply_text(row, 0, c.user, sizeof(c.user)) ||
		    reply_text(row, 1, c.restored_by, sizeof(c.restored_by)) ||
		    reply_text(row, 2, c.hold, sizeof(c.hold)) || reply_number(row, 3, &renewed))
			rc = call_bad_reply(em);
		c.renewed = renewed == 1;
		if (rc == E_OK)
			rc = fn(ctx, &c);
	}
	return rc;
}

int store_changed(struct store *s, struct buf *positions, int64_t *ret_revoked,
		  int (*fn)(void *ctx, const struct store_change *c), void *ctx, struct errmsg *em)
{
	struct reply *r = NULL;
	struct bytes now;
	int64_t revoked = 0;
	struct call c;
	int rc;

	call_init_ro(&c, "changed");
	call_str(&c, buf_str(positions));
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	now = reply_bytes(reply_at(r, 1));
	if (reply_count(r) != 3 || reply_number(r, 0, &revoked) || !now.p)
		rc = call_bad_reply(em);
	if (rc == E_OK)
		rc = tell_changes(reply_at(r, 2), fn, ctx, em);
	if (rc == E_OK) {
		buf_reset(positions);
		buf_add_bytes(positions, now);
		rc = buf_error(positions);
	}
	if (rc == E_OK)
		*ret_revoked = revoked;
	reply_free(r);
	return rc;
}

/* --- putting back ---------------------------------------------------------------------------------- */

int store_revoke_again(struct store *s, const char *id, const char *record, struct errmsg *em)
{
	int64_t fresh = 0;
	struct call c;

	call_init_plain(&c, "HSETNX");
	call_str(&c, "revoked");
	call_str(&c, id);
	call_str(&c, record);
	return call_run_int(&c, s, &fresh, em);
}

int store_is_held(struct store *s, const char *source, const char *user, bool *ret,
		  struct errmsg *em)
{
	char key[NAME_SIZE + 8];
	int64_t there = 0;
	struct call c;
	int n = snprintf(key, sizeof(key), "hold:%s", source), rc;

	if (n < 0 || (size_t)n >= sizeof(key))
		return E_TOOBIG;
	call_init_plain(&c, "HEXISTS");
	call_str(&c, key);
	call_str(&c, user);
	rc = call_run_int(&c, s, &there, em);
	if (rc == E_OK)
		*ret = there == 1;
	return rc;
}

int store_mend(struct store *s, const struct store_head *at, const char *const *row, size_t n,
	       bool *ret_changed, struct errmsg *em)
{
	int64_t changed = 0;
	struct call c;
	int rc;

	call_init(&c, "mend");
	call_str(&c, at->store);
	call_int(&c, at->epoch);
	call_int(&c, at->head);
	for (size_t i = 0; i < n; i++)
		call_str(&c, row[i]);
	rc = call_run_int(&c, s, &changed, em);
	if (rc == E_OK)
		*ret_changed = changed == 1;
	return rc;
}

int store_certs_live(struct store *s, char cursor[STORE_CURSOR_SIZE],
		     int (*fn)(void *ctx, const char *serial), void *ctx, struct errmsg *em)
{
	char next[STORE_CURSOR_SIZE], serial[HASH_SIZE + 1];
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "certs_live");
	call_str(&c, cursor);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 2 || reply_text(r, 0, next, sizeof(next)) ||
	    reply_kind(reply_at(r, 1)) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i < reply_count(reply_at(r, 1)); i++)
		rc = reply_text(reply_at(r, 1), i, serial, sizeof(serial)) ? call_bad_reply(em)
									   : fn(ctx, serial);
	if (rc == E_OK)
		memcpy(cursor, next, sizeof(next));
	reply_free(r);
	return rc;
}
