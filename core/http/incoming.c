#include "core/http/incoming.h"
#include "core/base/text.h"
#include "core/http/form.h"

#include <strings.h>

void incoming_init(struct incoming *x, const char *uri, size_t max_body, bool raw_body)
{
	x->n_uri = strlen(uri);
	x->uri = x->n_uri <= INCOMING_URI_MAX ? strdup(uri) : NULL;
	x->max_body = max_body;
	x->raw_body = raw_body;
	x->req.path = "";
	buf_init(&x->body, max_body);
}

bool incoming_header(struct incoming *x, const char *name, const char *value, size_t n)
{
	x->too_many_headers = x->too_many_headers || x->n_headers == INCOMING_PAIRS_MAX;
	if (x->too_many_headers)
		return false;
	x->headers[x->n_headers++] = (struct http_pair){.name = name, .value = value, .n = n};
	return true;
}

static size_t header_count(const struct incoming *x, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_headers; i++)
		n += strcasecmp(x->headers[i].name, name) == 0;
	return n;
}

unsigned incoming_check(struct incoming *x)
{
	size_t lengths, codings;
	int64_t length;

	x->req.headers = x->headers;
	x->req.n_headers = x->n_headers;
	if (x->too_many_headers)
		return 431;
	if (!x->uri)
		return 414;
	lengths = header_count(x, "Content-Length");
	codings = header_count(x, "Transfer-Encoding");
	if (lengths + codings > 1 || header_count(x, "Host") > 1)
		return 400;
	if (codings && strcasecmp(http_header(&x->req, "Transfer-Encoding"), "chunked") != 0)
		return 400;
	if (!lengths)
		return 0;
	switch (text_int64(http_header(&x->req, "Content-Length"), &length)) {
	case E_OK:
		if (length < 0)
			return 400;
		x->declared = (uint64_t)length;
		return x->declared > x->max_body ? 413 : 0;
	case E_TOOBIG:
		x->declared = UINT64_MAX;
		return 413;
	default:
		return 400;
	}
}

static char *storage_new(struct incoming *x, size_t which, size_t n)
{
	x->n_storage[which] = HTTP_PAIRS_STORAGE(n, INCOMING_PAIRS_MAX);
	x->storage[which] = malloc(x->n_storage[which]);
	return x->storage[which];
}

/* Splits and decodes the URI: the absolute form (RFC 9112 section 3.2.2) loses scheme and host. A
 * path that cannot be decoded becomes "", which no route matches. */
static int uri_decode(struct incoming *x)
{
	char *path = x->uri, *query = strchr(x->uri, '?');
	size_t n = query ? (size_t)(query - path) : strlen(path), raw = n;
	struct bytes text = query ? bytes_str(query + 1) : bytes_of(x->uri, 0);
	int rc;

	if (!storage_new(x, 0, text.n))
		return E_NOMEM;
	rc = http_form_parse(text, x->storage[0], x->n_storage[0], x->query, INCOMING_PAIRS_MAX,
			     &x->req.n_query);
	if (rc)
		return rc;
	x->req.query = x->query;
	if (query)
		*query = '\0';
	if (strncasecmp(path, "http://", 7) == 0 || strncasecmp(path, "https://", 8) == 0) {
		path = strstr(path, "//") + 2;
		path += strcspn(path, "/");
		raw = strlen(path);
	}
	if (!(x->target = strdup(path)))
		return E_NOMEM;
	x->req.target = x->target;
	/* An escaped slash would move the borders of the segments that the router compares. */
	if (strcasestr(path, "%2f") || http_unescape(path, path, raw, false, &n) ||
	    strlen(path) != n)
		path += strlen(path);
	x->req.path = path;
	return E_OK;
}

static int cookies_decode(struct incoming *x)
{
	const char *header = http_header(&x->req, "Cookie");

	if (!header)
		return E_OK;
	if (!storage_new(x, 1, strlen(header)))
		return E_NOMEM;
	x->req.cookies = x->cookies;
	return http_cookie_parse(header, x->storage[1], x->n_storage[1], x->cookies,
				 INCOMING_PAIRS_MAX, &x->req.n_cookies);
}

static bool is_form(const struct incoming *x)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const char *header = http_header(&x->req, "Content-Type");
	size_t n = sizeof(type) - 1;

	return header && strncasecmp(header, type, n) == 0 &&
	       (header[n] == '\0' || header[n] == ';' || header[n] == ' ');
}

static int form_decode(struct incoming *x)
{
	if (x->raw_body || !is_form(x) || !x->body.n)
		return E_OK;
	if (!storage_new(x, 2, x->body.n))
		return E_NOMEM;
	x->req.form = x->form;
	return http_form_parse(buf_bytes(&x->body), x->storage[2], x->n_storage[2], x->form,
			       INCOMING_PAIRS_MAX, &x->req.n_form);
}

unsigned incoming_decode(struct incoming *x)
{
	int rc;

	x->req.body = buf_bytes(&x->body);
	rc = uri_decode(x);
	if (!rc)
		rc = cookies_decode(x);
	if (!rc)
		rc = form_decode(x);
	return rc == E_OK ? 0 : rc == E_NOMEM ? 500 : 400;
}

void incoming_free(struct incoming *x)
{
	for (size_t i = 0; i < 3; i++) {
		text_wipe(x->storage[i], x->n_storage[i]);
		free(x->storage[i]);
	}
	text_wipe(x->uri, x->n_uri);
	free(x->uri);
	if (x->target)
		text_wipe(x->target, strlen(x->target));
	free(x->target);
	buf_free(&x->body);
}
