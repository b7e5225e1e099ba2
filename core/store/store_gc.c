#include "core/store/store_gc.h"

#include "core/store/store_call.h"

int store_gc(struct store *s, int64_t keep, bool dry, char cursor[STORE_CURSOR_SIZE],
	     struct store_gone *gone, struct errmsg *em)
{
	char next[STORE_CURSOR_SIZE] = "";
	struct store_gone n = {.certs = 0};
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init(&c, "gc");
	call_str(&c, cursor);
	call_int(&c, keep);
	call_str(&c, dry ? "dry" : "remove");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 6 || reply_text(r, 0, next, sizeof(next)) ||
	    reply_number(r, 1, &n.certs) || reply_number(r, 2, &n.revocations) ||
	    reply_number(r, 3, &n.devices) || reply_number(r, 4, &n.entries) ||
	    reply_number(r, 5, &n.events))
		rc = call_bad_reply(em);
	reply_free(r);
	if (rc != E_OK)
		return rc;
	memcpy(cursor, next, sizeof(next));
	gone->certs += n.certs;
	gone->revocations += n.revocations;
	gone->devices += n.devices;
	gone->entries += n.entries;
	gone->events += n.events;
	return E_OK;
}
