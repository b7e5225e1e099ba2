#include "core/http/router.h"
#include "core/base/text.h"

#include <strings.h>

#define PATH_MAX_BYTES 4096

static const struct http_pair *pair_find(const struct http_pair *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(p[i].name, name) == 0)
			return &p[i];
	}
	return NULL;
}

/* A value with a NUL inside is nobody's text. */
static const char *pair_text(const struct http_pair *p)
{
	return p && strlen(p->value) == p->n ? p->value : NULL;
}

const char *http_query(const struct http_request *r, const char *name)
{
	return pair_text(pair_find(r->query, r->n_query, name));
}

const char *http_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		if (strcasecmp(r->headers[i].name, name) == 0)
			return pair_text(&r->headers[i]);
	}
	return NULL;
}

const char *http_cookie(const struct http_request *r, const char *name)
{
	return pair_text(pair_find(r->cookies, r->n_cookies, name));
}

const char *http_form(const struct http_request *r, const char *name)
{
	return pair_text(pair_find(r->form, r->n_form, name));
}

int http_set_header(struct http_response *r, const char *name, const char *value)
{
	if (r->n_headers == HTTP_HEADERS_MAX)
		return E_FORMAT;
	for (const char *p = value; *p; p++) {
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return E_FORMAT;
	}
	if (text_copy(r->headers[r->n_headers].value, sizeof(r->headers[0].value), value))
		return E_FORMAT;
	r->headers[r->n_headers++].name = name;
	return E_OK;
}

void http_text(struct http_response *r, unsigned status, const char *text)
{
	r->status = status;
	r->content_type = "text/plain";
	buf_reset(&r->body);
	buf_adds(&r->body, text);
}

/* True for '/'-separated segments of valid text, none of them empty (but for the last), "." or "..". */
static bool path_is_clean(const char *path)
{
	if (path[0] != '/' || !text_is_plain(path, PATH_MAX_BYTES))
		return false;
	for (const char *p = path; *p == '/';) {
		size_t n = strcspn(p + 1, "/");

		if (n == 0 && p[1] == '/')
			return false;
		if ((n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return false;
		p += 1 + n;
	}
	return true;
}

struct match {
	const char *start[HTTP_PARAMS_MAX];
	size_t len[HTTP_PARAMS_MAX];
	size_t n;
};

static bool match_keep(struct match *m, const char *start, size_t len)
{
	if (m->n == HTTP_PARAMS_MAX)
		return false;
	m->start[m->n] = start;
	m->len[m->n++] = len;
	return true;
}

/* Compares a pattern with a clean path, segment by segment. */
static bool match_path(const char *pattern, const char *path, struct match *m)
{
	*m = (struct match){.n = 0};
	while (*pattern == '/') {
		size_t np = strcspn(pattern + 1, "/"), n;

		if (np == 1 && pattern[1] == '*' && pattern[2] == '\0') {
			const char *rest = *path == '/' ? path + 1 : path;

			return match_keep(m, rest, strlen(rest));
		}
		if (*path != '/')
			return false;
		n = strcspn(path + 1, "/");
		if (np > 1 && pattern[1] == ':') {
			if (n == 0 || !match_keep(m, path + 1, n))
				return false;
		} else if (n != np || memcmp(pattern + 1, path + 1, n) != 0) {
			return false;
		}
		pattern += 1 + np;
		path += 1 + n;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool method_fits(const char *route, const char *method)
{
	return strcmp(route, method) == 0 ||
	       (strcmp(route, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static bool match_store(const struct match *m, struct http_request *req, char *storage, size_t size)
{
	for (size_t i = 0; i < HTTP_PARAMS_MAX; i++)
		req->params[i] = NULL;
	for (size_t i = 0; i < m->n; i++) {
		if (m->len[i] >= size)
			return false;
		memcpy(storage, m->start[i], m->len[i]);
		storage[m->len[i]] = '\0';
		req->params[i] = storage;
		storage += m->len[i] + 1;
		size -= m->len[i] + 1;
	}
	return true;
}

/* The rest of the target behind a pattern that ends in "**", or NULL. */
static const char *raw_rest(const struct http_route *r, const char *target)
{
	size_t n = strlen(r->pattern);

	if (n < 3 || strcmp(r->pattern + n - 3, "/**") != 0 || !target)
		return NULL;
	return strncmp(target, r->pattern, n - 2) == 0 ? target + n - 2 : NULL;
}

/* Route for a target as it came; its method only decides among those that match. */
static const struct http_route *match_raw(const struct http_route *table, struct http_request *req,
					  unsigned *ret_status)
{
	for (const struct http_route *r = table; r->method; r++) {
		const char *rest = raw_rest(r, req->target);

		if (!rest)
			continue;
		*ret_status = 405;
		if (!method_fits(r->method, req->method))
			continue;
		for (size_t i = 0; i < HTTP_PARAMS_MAX; i++)
			req->params[i] = i == 0 ? rest : NULL;
		return r;
	}
	return NULL;
}

const struct http_route *http_match(const struct http_route *table, struct http_request *req,
				    char *storage, size_t size, unsigned *ret_status)
{
	const struct http_route *raw;
	unsigned status = 404;
	struct match m;

	raw = match_raw(table, req, &status);

	if (raw)
		return raw;
	if (!path_is_clean(req->path)) {
		*ret_status = status;
		return NULL;
	}
	for (const struct http_route *r = table; r->method; r++) {
		if (!match_path(r->pattern, req->path, &m))
			continue;
		status = 405;
		if (!method_fits(r->method, req->method))
			continue;
		if (match_store(&m, req, storage, size))
			return r;
		status = 404;
		break;
	}
	*ret_status = status;
	return NULL;
}

void http_allow(const struct http_route *table, const char *path, char *dst, size_t size)
{
	struct match m;
	size_t at = 0;

	if (size)
		dst[0] = '\0';
	if (!path_is_clean(path))
		return;
	for (const struct http_route *r = table; r->method; r++) {
		bool get = strcmp(r->method, "GET") == 0, listed = false;
		int n;

		/* A method stands once, however many patterns match. */
		for (const struct http_route *p = table; p != r && !listed; p++)
			listed = strcmp(p->method, r->method) == 0 &&
				 match_path(p->pattern, path, &m);
		if (listed || !match_path(r->pattern, path, &m))
			continue;
		n = snprintf(dst + at, size - at, "%s%s%s", at ? ", " : "", r->method,
			     get ? ", HEAD" : "");
		if (n < 0 || (size_t)n >= size - at) {
			dst[at] = '\0';
			return;
		}
		at += (size_t)n;
	}
}
