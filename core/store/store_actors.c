/* Who may log in, and who may write events. */
#include "core/store/store_call.h"

int store_actors(struct store *s, int (*fn)(void *ctx, const char *name, const char *kind),
		 void *ctx, struct errmsg *em)
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
		if (reply_text(r, i, name, sizeof(name)) != E_OK ||
		    reply_text(r, i + 1, kind, sizeof(kind)) != E_OK)
			rc = call_bad_reply(em);
		else
			rc = fn(ctx, name, kind);
	}
	reply_free(r);
	return rc;
}

int store_acl_users(struct store *s, int (*fn)(void *ctx, const char *name), void *ctx,
		    struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_plain(&c, "ACL");
	call_str(&c, "USERS");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i < reply_count(r); i++) {
		char name[256];

		if (reply_text(r, i, name, sizeof(name)) == E_OK) /* a longer one is none of ours */
			rc = fn(ctx, name);
	}
	reply_free(r);
	return rc;
}
