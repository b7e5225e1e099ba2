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

void store_row_text(struct buf *rows, const char *text)
{
	buf_addf(rows, "%zu:", strlen(text));
	buf_adds(rows, text);
}

void store_row_int(struct buf *rows, int64_t v)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%" PRId64, v);
	store_row_text(rows, number);
}

int store_rebuild(struct store *s, struct bytes rows, bool dry_run, int64_t *ret_changed,
		  struct errmsg *em)
{
	struct call c;

	call_init(&c, "rebuild");
	call_bytes(&c, rows);
	if (dry_run)
		call_str(&c, "look");
	return call_run_int(&c, s, ret_changed, em);
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
