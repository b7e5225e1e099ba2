#include "core/store/store_remind.h"

#include "core/store/store_call.h"

static int read_row(const struct reply *r, struct remind_cert *c)
{
	if (reply_count(r) != 8 || reply_text(r, 0, c->user, sizeof(c->user)) ||
	    reply_text(r, 1, c->login, sizeof(c->login)) ||
	    reply_text(r, 2, c->email, sizeof(c->email)) ||
	    reply_text(r, 3, c->lang, sizeof(c->lang)) ||
	    reply_text(r, 4, c->device, sizeof(c->device)) ||
	    reply_text(r, 5, c->serial, sizeof(c->serial)) || reply_number(r, 6, &c->not_after) ||
	    reply_number(r, 7, &c->told))
		return E_INTERNAL;
	return E_OK;
}

int store_remind_due(struct store *s, char cursor[REMIND_CURSOR_SIZE], long days,
		     int (*fn)(void *ctx, const struct remind_cert *c), void *ctx,
		     struct errmsg *em)
{
	const struct reply *list;
	struct remind_cert row;
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "remind_due");
	call_str(&c, cursor);
	call_int(&c, days);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	list = reply_at(r, 1);
	if (reply_count(r) != 2 || reply_text(r, 0, cursor, REMIND_CURSOR_SIZE) ||
	    reply_kind(list) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i < reply_count(list); i++) {
		rc = read_row(reply_at(list, i), &row) == E_OK ? fn(ctx, &row) : call_bad_reply(em);
	}
	reply_free(r);
	return rc;
}

int store_remind_claim(struct store *s, const char *user, long per_hour, const char *const *serials,
		       const int64_t *days, size_t n, bool *ret, struct errmsg *em)
{
	char text[REMIND_CERTS_MAX][24];
	int64_t claimed = 0;
	struct call c;
	int rc;

	if (n == 0 || n > REMIND_CERTS_MAX)
		return E_TOOBIG;
	call_init(&c, "remind_claim");
	call_str(&c, user);
	call_int(&c, per_hour);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%lld", (long long)days[i]);
		call_str(&c, serials[i]);
		call_str(&c, text[i]);
	}
	rc = call_run_int(&c, s, &claimed, em);
	*ret = rc == E_OK && claimed == 1;
	return rc;
}

int store_remind_undo(struct store *s, const char *user, const char *const *serials, size_t n,
		      struct errmsg *em)
{
	struct call c;

	call_init(&c, "remind_undo");
	call_str(&c, user);
	for (size_t i = 0; i < n; i++)
		call_str(&c, serials[i]);
	return call_run(&c, s, NULL, em);
}

static int set(struct store *s, const char *user, const char *field, const char *value,
	       struct errmsg *em)
{
	struct call c;

	call_init(&c, "remind_set");
	call_str(&c, user);
	call_str(&c, field);
	call_str(&c, value);
	return call_run(&c, s, NULL, em);
}

int store_remind_language(struct store *s, const char *user, const char *lang, struct errmsg *em)
{
	return set(s, user, "lang", lang, em);
}

int store_remind_off(struct store *s, const char *user, bool off, struct errmsg *em)
{
	return set(s, user, "no", off ? "1" : "0", em);
}
