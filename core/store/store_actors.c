/* Who may write events: what the installer registered. */
#include "core/store/store_call.h"

int store_actors(struct store *s, int (*fn)(void *ctx, const char *name, const char *kind), void *ctx,
		 struct errmsg *em)
{
	char name[NAME_SIZE], kind[NAME_SIZE];
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_plain(&c, "HGETALL");
	call_str(&c, "actors");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i + 1 < reply_count(r); i += 2) {
		if (reply_text(r, i, name, sizeof(name)) != E_OK || reply_text(r, i + 1, kind, sizeof(kind)) != E_OK)
			rc = call_bad_reply(em);
		else
			rc = fn(ctx, name, kind);
	}
	reply_free(r);
	return rc;
}
