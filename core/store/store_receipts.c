/* Which sessions are to be looked at, and what came of ending them. */
#include "core/store/store_call.h"
#include "core/store/store_disconnect.h"

#include <stddef.h>

int store_sessions_check(struct store *s, enum sessions_of what, const char *value,
			 void (*fn)(void *ctx, const struct nas_session *x, const struct facts *f),
			 void *ctx, char ret_cursor[CURSOR_SIZE], struct errmsg *em)
{
	static const char *const names[] = {"user", "token", "page"};
	char cursor[CURSOR_SIZE] = "0";
	const struct reply *rows;
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_ro(&c, "sessions_check");
	call_str(&c, names[what]);
	call_str(&c, value);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	rows = reply_at(r, 1);
	if (reply_count(r) != 2 || reply_kind(rows) != REPLY_ARRAY ||
	    reply_text(r, 0, cursor, sizeof(cursor)) != E_OK)
		rc = call_bad_reply(em);
	for (size_t i = 0; rc == E_OK && i < reply_count(rows); i++) {
		struct nas_session x = {.token = ""};
		struct facts f;

		/* One that is spoilt must not keep the others on. */
		if (reply_session(reply_at(rows, i), &x) == E_OK &&
		    reply_facts(reply_at(reply_at(rows, i), 2), &f) == E_OK)
			fn(ctx, &x, &f);
	}
	reply_free(r);
	if (rc == E_OK && ret_cursor != NULL)
		memcpy(ret_cursor, cursor, sizeof(cursor));
	return rc;
}

/* --- receipts: lines of name and value ------------------------------------------------------------------ */

#define FIELD(name, where)                                                                         \
	{                                                                                          \
		name, offsetof(struct receipt, where), sizeof(((struct receipt *)0)->where)        \
	}
static const struct {
	const char *name;
	size_t at, size;
} texts[] =
	{
		FIELD("token", session.token), FIELD("serial", session.serial),
		FIELD("user", session.user),   FIELD("login", session.login),
		FIELD("mac", session.mac),     FIELD("nas", session.nas),
		FIELD("vlan", vlan),           FIELD("why", why),
		FIELD("result", result),       FIELD("detail", detail),
},
  numbers[] = {
	  FIELD("ends", session.ends), FIELD("cause", cause),
	  FIELD("tries", tries),       FIELD("ms", ms),
	  FIELD("time", time),
};
#undef FIELD

enum { N_TEXTS = sizeof(texts) / sizeof(*texts), N_NUMBERS = sizeof(numbers) / sizeof(*numbers) };

static int receipt_text(const struct receipt *p, struct buf *out)
{
	buf_addf(out, "action %s\n", p->move ? "move" : "disconnect");
	for (size_t i = 0; i < N_TEXTS; i++) {
		const char *v = (const char *)p + texts[i].at;

		/* A value that could be taken for lines of its own is left out. */
		if (*v != '\0' && strchr(v, '\n') == NULL)
			buf_addf(out, "%s %s\n", texts[i].name, v);
	}
	for (size_t i = 0; i < N_NUMBERS - 1; i++) /* the time is the ledger's */
		buf_addf(out, "%s %lld\n", numbers[i].name,
			 (long long)*(const int64_t *)(const void *)((const char *)p +
								     numbers[i].at));
	return buf_error(out);
}

int store_receipts_put(struct store *s, const struct receipt *list, size_t n, struct errmsg *em)
{
	struct buf text[64];
	struct call c;
	int rc = n == 0 || n > 64 ? E_TOOBIG : E_OK;

	if (rc != E_OK)
		return rc;
	call_init(&c, "receipts_put");
	for (size_t i = 0; i < n; i++)
		buf_init(&text[i], 8192);
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		rc = receipt_text(&list[i], &text[i]);
		call_bytes(&c, buf_bytes(&text[i]));
	}
	if (rc == E_OK)
		rc = call_run(&c, s, NULL, em);
	for (size_t i = 0; i < n; i++)
		buf_free(&text[i]);
	return rc;
}

static void receipt_field(const struct reply *flat, size_t i, struct receipt *p)
{
	char name[24], value[NAS_TEXT_SIZE];

	if (reply_text(flat, i, name, sizeof(name)) != E_OK)
		return;
	if (strcmp(name, "action") == 0)
		p->move = reply_text(flat, i + 1, value, sizeof(value)) == E_OK &&
			  strcmp(value, "move") == 0;
	for (size_t k = 0; k < N_TEXTS; k++)
		if (strcmp(name, texts[k].name) == 0 &&
		    reply_text(flat, i + 1, (char *)p + texts[k].at, texts[k].size) != E_OK)
			((char *)p)[texts[k].at] = '\0';
	for (size_t k = 0; k < N_NUMBERS; k++)
		if (strcmp(name, numbers[k].name) == 0 &&
		    reply_number(flat, i + 1, (int64_t *)(void *)((char *)p + numbers[k].at)) !=
			    E_OK)
			*(int64_t *)(void *)((char *)p + numbers[k].at) = 0;
}

int store_receipts(struct store *s, const char *who, struct receipt **ret, size_t *ret_n,
		   struct errmsg *em)
{
	struct receipt *list = NULL;
	struct reply *r = NULL;
	struct call c;
	size_t n;
	int rc;

	call_init_ro(&c, "receipts");
	call_str(&c, who);
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	n = reply_count(r);
	if (reply_kind(r) != REPLY_ARRAY)
		rc = call_bad_reply(em);
	else if (n > 0 && (list = calloc(n, sizeof(*list))) == NULL)
		rc = E_NOMEM;
	for (size_t i = 0; list != NULL && i < n; i++)
		for (size_t k = 0; k + 1 < reply_count(reply_at(r, i)); k += 2)
			receipt_field(reply_at(r, i), k, &list[i]);
	reply_free(r);
	if (rc != E_OK) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return E_OK;
}
