#include "core/store/store_meta.h"

#include "core/base/text.h"
#include "core/store/store_call.h"

/* The row of meta_row() in redis/scepauth.lua. */
static int read_row(const struct reply *r, struct store_meta *m)
{
	char state[16];

	if (reply_count(r) != 6 || reply_text(r, 0, m->at.store, sizeof(m->at.store)) ||
	    reply_number(r, 1, &m->at.epoch) || reply_number(r, 2, &m->at.head) ||
	    reply_text(r, 3, m->at.head_hash, sizeof(m->at.head_hash)) ||
	    reply_number(r, 4, &m->beat) || reply_text(r, 5, state, sizeof(state)))
		return E_INTERNAL;
	return E_OK;
}

int store_meta_get(struct store *s, struct store_meta *ret, struct errmsg *em)
{
	struct store_meta m = {.set_up = false};
	struct reply *r = NULL;
	int64_t set_up = 0, ready = 0;
	struct call c;
	int rc;

	call_init_ro(&c, "status");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_count(r) != 4 || reply_number(r, 0, &set_up) || reply_number(r, 1, &ready) ||
	    read_row(reply_at(r, 2), &m))
		rc = call_bad_reply(em);
	m.set_up = set_up == 1;
	m.ready = ready == 1;
	reply_free(r);
	if (rc == E_OK)
		*ret = m;
	return rc;
}

static int read_said(const struct reply *r, enum store_said *ret)
{
	static const char *const words[] = {
		[STORE_FITS] = "ok",
		[STORE_LOST] = "lost",
		[STORE_FOREIGN] = "foreign",
		[STORE_OLD_EPOCH] = "old_epoch",
		[STORE_NEW_EPOCH] = "new_epoch",
		[STORE_BEHIND] = "behind",
		[STORE_BEYOND] = "beyond",
		[STORE_SUSPECT] = "suspect",
	};
	char said[16];

	if (reply_count(r) != 2 || reply_text(r, 0, said, sizeof(said)))
		return E_INTERNAL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(said, words[i]) == 0) {
			*ret = (enum store_said)i;
			return E_OK;
		}
	}
	return E_INTERNAL;
}

static void add_head(struct call *c, const struct store_head *h)
{
	call_str(c, h->store);
	call_int(c, h->epoch);
	call_int(c, h->head);
	call_str(c, h->head_hash);
}

int store_beat(struct store *s, const struct store_head *mine, int64_t least,
	       enum store_said *ret_said, struct store_meta *ret, struct errmsg *em)
{
	enum store_said said = STORE_LOST;
	struct store_meta m = {.set_up = false};
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init(&c, "beat");
	add_head(&c, mine);
	call_int(&c, least);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (read_said(r, &said) || read_row(reply_at(r, 1), &m))
		rc = call_bad_reply(em);
	reply_free(r);
	if (rc != E_OK)
		return rc;
	m.set_up = said != STORE_LOST;
	m.ready = said == STORE_FITS;
	*ret_said = said;
	*ret = m;
	return E_OK;
}

int store_suspect(struct store *s, const char *reason, struct errmsg *em)
{
	struct call c;

	call_init(&c, "suspect");
	call_str(&c, reason);
	return call_run(&c, s, NULL, em);
}

int store_renew(struct store *s, const struct store_head *h, bool ready, struct errmsg *em)
{
	struct call c;

	call_init(&c, "renew");
	add_head(&c, h);
	call_str(&c, ready ? "ready" : "suspect");
	return call_run(&c, s, NULL, em);
}
