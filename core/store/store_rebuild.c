#include "core/store/store_rebuild.h"

#include "core/store/store_call.h"

#include <inttypes.h>

int store_look_empty(struct store *s, struct store_emptiness *ret, struct errmsg *em)
{
	struct store_emptiness e = {.functions = false};
	struct reply *r = NULL;
	int64_t set_up = 0;
	struct call c;
	int rc;

	call_init_plain(&c, "FUNCTION");
	call_str(&c, "LIST");
	call_str(&c, "LIBRARYNAME");
	call_str(&c, "scepauth");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	e.functions = reply_count(r) > 0;
	reply_free(r);
	r = NULL;
	if (e.functions) {
		call_init_ro(&c, "rebuild_look");
		rc = call_run(&c, s, &r, em);
		if (rc == E_OK && (reply_count(r) != 2 || reply_number(r, 0, &set_up) ||
				   reply_number(r, 1, &e.keys)))
			rc = call_bad_reply(em);
		reply_free(r);
	}
	e.set_up = set_up == 1;
	if (rc == E_OK)
		*ret = e;
	return rc;
}

void store_rows_begin(struct store_rows *r)
{
	if (!r->b.max)
		buf_init(&r->b, STORE_ROWS_MAX);
	buf_reset(&r->b);
	r->n = 0;
}

void store_rows_free(struct store_rows *r)
{
	buf_free(&r->b);
}

int store_rows_error(const struct store_rows *r)
{
	return buf_error(&r->b);
}

void store_rows_text(struct store_rows *r, const char *text)
{
	uint32_t n = (uint32_t)strnlen(text, STORE_ROWS_MAX);

	buf_add_u8(&r->b, 0xdb); /* a string with 32 bits of length */
	buf_add_u32(&r->b, n);
	buf_add(&r->b, text, n);
	r->n++;
}

void store_rows_int(struct store_rows *r, int64_t v)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, v);
	store_rows_text(r, number);
}

int store_rebuild(struct store *s, const struct store_rows *rows, bool dry_run,
		  int64_t *ret_changed, struct errmsg *em)
{
	struct buf all = {0};
	struct call c;
	int rc;

	buf_init(&all, STORE_ROWS_MAX + 5);
	buf_add_u8(&all, 0xdd); /* an array with 32 bits of count */
	buf_add_u32(&all, rows->n);
	buf_add_bytes(&all, buf_bytes(&rows->b));
	rc = buf_error(&all);
	if (rc != E_OK)
		return err_set(em, rc, "%s", err_text(rc));
	call_init(&c, "rebuild");
	call_bytes(&c, buf_bytes(&all));
	if (dry_run)
		call_str(&c, "look");
	rc = call_run_int(&c, s, ret_changed, em);
	buf_free(&all);
	return rc;
}

static int may_write(struct store *s, const char *name, const char *stream, bool *ret,
		     struct errmsg *em)
{
	char key[NAME_SIZE + 8], said[256];
	struct reply *r = NULL;
	struct call c;
	int n = snprintf(key, sizeof(key), "events:%s", stream), rc;

	if (n < 0 || (size_t)n >= sizeof(key)) {
		*ret = false;
		return E_OK;
	}
	call_init_plain(&c, "ACL");
	call_str(&c, "DRYRUN");
	call_str(&c, name);
	call_str(&c, "XADD");
	call_str(&c, key);
	call_str(&c, "*");
	call_str(&c, "a");
	call_str(&c, "b");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	(void)snprintf(said, sizeof(said), "%s",
		       reply_bytes(r).p ? (const char *)reply_bytes(r).p : "");
	*ret = strcmp(said, "OK") == 0;
	reply_free(r);
	return E_OK;
}

int store_acl_is_actor(struct store *s, const char *name, bool *ret, struct errmsg *em)
{
	bool own = false, all = false;
	int rc = may_write(s, name, name, &own, em);

	if (rc == E_OK && own)
		rc = may_write(s, name, "installer", &all, em);
	if (rc == E_OK)
		*ret = own && !all;
	return rc;
}
