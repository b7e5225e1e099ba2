/* Reading the events of all writers as one group of readers; plain commands, since Functions cannot wait. */
#include "core/store/store_call.h"
#include "core/store/store_disconnect.h"

#define GROUP "disconnect"

enum { STREAMS_MAX = 4096, STREAMS_AT_ONCE = 100, EACH = 80, ARGS = 2 * STREAMS_AT_ONCE + 10 };

struct hints {
	char (*streams)[NAME_SIZE + 8]; /* "events:<actor>" */
	size_t n;
	char reader[NAME_SIZE];
};

static const char *writer_of(const char *stream)
{
	return strncmp(stream, "events:", 7) == 0 ? stream + 7 : stream;
}

/* One message: id and fields. Whatever is wrong with it is a hint that says nothing. */
static void message(const char *stream, const struct reply *fields,
		    void (*fn)(void *ctx, const struct hint *x), void *ctx)
{
	struct hint x = {writer_of(stream), "", "", "", ""};
	const struct {
		const char *name, **value;
	} wanted[] = {{"event", &x.word},
		      {"user", &x.user},
		      {"serial", &x.serial},
		      {"session", &x.token}};

	for (size_t i = 0; i + 1 < reply_count(fields); i += 2) {
		const char *name = (const char *)reply_bytes(reply_at(fields, i)).p;
		const char *value = (const char *)reply_bytes(reply_at(fields, i + 1)).p;

		for (size_t k = 0; k < 4 && name != NULL && value != NULL; k++)
			if (**wanted[k].value == '\0' && strcmp(name, wanted[k].name) == 0)
				*wanted[k].value = value;
	}
	fn(ctx, &x);
}

static int acknowledge(struct store *s, const char *stream, const struct reply *messages,
		       struct errmsg *em)
{
	struct call c;

	for (size_t i = 0; i < reply_count(messages);) {
		call_init_plain(&c, "XACK");
		call_str(&c, stream);
		call_str(&c, GROUP);
		for (size_t k = 0; k < EACH && i < reply_count(messages); k++, i++)
			call_bytes(&c, reply_bytes(reply_at(reply_at(messages, i), 0)));
		int rc = call_run(&c, s, NULL, em);

		if (rc != E_OK)
			return rc;
	}
	return E_OK;
}

static size_t messages_tell(const char *stream, const struct reply *messages,
			    void (*fn)(void *ctx, const struct hint *x), void *ctx)
{
	for (size_t i = 0; i < reply_count(messages); i++)
		message(stream, reply_at(reply_at(messages, i), 1), fn, ctx);
	return reply_count(messages);
}

/* --- which streams ------------------------------------------------------------------------------------- */

static int stream_join(struct store *s, struct hints *h, const char *actor, struct errmsg *em)
{
	char *stream = h->streams[h->n];
	struct errmsg inner = {""};
	struct call c;
	int rc, n = snprintf(stream, sizeof(*h->streams), "events:%s", actor);

	if (n <= 0 || (size_t)n >= sizeof(*h->streams))
		return E_OK; /* no name of an actor */
	call_init_plain(&c, "XGROUP");
	call_str(&c, "CREATE");
	call_str(&c, stream);
	call_str(&c, GROUP);
	call_str(&c, "$");
	call_str(&c, "MKSTREAM");
	rc = call_run(&c, s, NULL, &inner);
	if (rc == E_OK || rc == E_EXISTS) {
		h->n++;
		return E_OK;
	}
	return err_set(em, rc, "%s", inner.text);
}

static int streams_find(struct store *s, struct hints *h, struct errmsg *em)
{
	struct reply *r = NULL;
	struct call c;
	int rc;

	call_init_plain(&c, "HGETALL");
	call_str(&c, "actors");
	rc = call_run(&c, s, &r, em);
	if (rc != E_OK)
		return rc;
	if (reply_kind(r) != REPLY_ARRAY || reply_count(r) / 2 >= STREAMS_MAX)
		rc = call_bad_reply(em);
	if (rc == E_OK) {
		h->streams = calloc(reply_count(r) / 2 + 1, sizeof(*h->streams));
		rc = h->streams == NULL ? E_NOMEM : stream_join(s, h, "installer", em);
	}
	for (size_t i = 0; rc == E_OK && i + 1 < reply_count(r); i += 2) {
		const char *actor = (const char *)reply_bytes(reply_at(r, i)).p;

		/* Our own events tell us nothing. */
		if (actor != NULL && strcmp(actor, GROUP) != 0 && strcmp(actor, "installer") != 0)
			rc = stream_join(s, h, actor, em);
	}
	reply_free(r);
	return rc;
}

int store_hints_open(struct store *s, const char *reader, struct hints **ret, struct errmsg *em)
{
	struct hints *h = calloc(1, sizeof(*h));
	int rc = h == NULL ? E_NOMEM : E_OK;

	if (rc == E_OK) {
		(void)snprintf(h->reader, sizeof(h->reader), "%s", reader);
		rc = streams_find(s, h, em);
	}
	if (rc != E_OK) {
		store_hints_close(h);
		return rc;
	}
	*ret = h;
	return E_OK;
}

void store_hints_close(struct hints *h)
{
	if (h == NULL)
		return;
	free(h->streams);
	free(h);
}

int store_hints_claim(struct store *s, struct hints *h, void (*fn)(void *ctx, const struct hint *x),
		      void *ctx, size_t *ret_n, struct errmsg *em)
{
	size_t total = 0;
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < h->n;) {
		struct reply *r = NULL;
		struct call c;
		size_t n = 0;

		call_init_plain(&c, "XAUTOCLAIM");
		call_str(&c, h->streams[i]);
		call_str(&c, GROUP);
		call_str(&c, h->reader);
		call_int(&c, HINTS_LEFT_MS);
		call_str(&c, "0-0");
		call_str(&c, "COUNT");
		call_int(&c, EACH);
		rc = call_run(&c, s, &r, em);
		if (rc == E_OK) {
			n = messages_tell(h->streams[i], reply_at(r, 1), fn, ctx);
			rc = acknowledge(s, h->streams[i], reply_at(r, 1), em);
		}
		reply_free(r);
		total += n;
		i += n == 0; /* the same stream until nothing is left */
	}
	if (rc == E_OK)
		*ret_n = total;
	return rc;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static int some_read(struct store *s, struct hints *h, size_t first, size_t n, int wait_ms,
		     void (*fn)(void *ctx, const struct hint *x), void *ctx, size_t *ret_n,
		     struct errmsg *em)
{
	struct bytes argv[ARGS];
	struct reply *r = NULL;
	char wait[16], each[16];
	size_t argc = 0;
	int rc;

	(void)snprintf(wait, sizeof(wait), "%d", wait_ms);
	(void)snprintf(each, sizeof(each), "%d", EACH);
	argv[argc++] = bytes_str("XREADGROUP");
	argv[argc++] = bytes_str("GROUP");
	argv[argc++] = bytes_str(GROUP);
	argv[argc++] = bytes_str(h->reader);
	argv[argc++] = bytes_str("COUNT");
	argv[argc++] = bytes_str(each);
	if (wait_ms > 0) { /* BLOCK 0 would be for ever */
		argv[argc++] = bytes_str("BLOCK");
		argv[argc++] = bytes_str(wait);
	}
	argv[argc++] = bytes_str("STREAMS");
	for (size_t i = 0; i < n; i++)
		argv[argc++] = bytes_str(h->streams[first + i]);
	for (size_t i = 0; i < n; i++)
		argv[argc++] = bytes_str(">");
	rc = redis_conn_run(s->conn, argv, argc, &r, em);
	if (rc != E_OK)
		return rc;
	for (size_t i = 0; rc == E_OK && i < reply_count(r); i++) {
		const struct reply *row = reply_at(r, i);
		const char *stream = (const char *)reply_bytes(reply_at(row, 0)).p;

		if (stream == NULL) {
			rc = call_bad_reply(em);
			break;
		}
		*ret_n += messages_tell(stream, reply_at(row, 1), fn, ctx);
		rc = acknowledge(s, stream, reply_at(row, 1), em);
	}
	reply_free(r);
	return rc;
}

int store_hints_read(struct store *s, struct hints *h, int wait_ms,
		     void (*fn)(void *ctx, const struct hint *x), void *ctx, size_t *ret_n,
		     struct errmsg *em)
{
	size_t parts = (h->n + STREAMS_AT_ONCE - 1) / STREAMS_AT_ONCE, n = 0;
	int rc = E_OK;

	for (size_t first = 0; rc == E_OK && first < h->n; first += STREAMS_AT_ONCE) {
		size_t some = h->n - first < STREAMS_AT_ONCE ? h->n - first : STREAMS_AT_ONCE;

		rc = some_read(s, h, first, some, wait_ms / (int)parts, fn, ctx, &n, em);
	}
	if (rc == E_OK)
		*ret_n = n;
	return rc;
}
