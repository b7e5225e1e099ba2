#include "onboard_portal/daemon/portal.h"

#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/http/html.h"
#include "onboard_portal/daemon/looks.h"
#include "onboard_portal/profile/pem.h"

/* Cached, but asked for again each time: a new version shows at once, an old one costs a 304. */
static int cached(const struct http_request *req, struct http_response *res, const char *type)
{
	const char *known = http_header(req, "If-None-Match");
	char hash[HASH_SIZE], etag[40];
	int r = digest_sha256_hex(buf_bytes(&res->body), hash);

	if (r != E_OK)
		return r;
	snprintf(etag, sizeof(etag), "\"%.32s\"", hash);
	r = http_set_header(res, "ETag", etag);
	if (r == E_OK)
		r = http_set_header(res, "Cache-Control", "no-cache");
	if (r != E_OK)
		return r;
	res->content_type = type;
	res->status = 200;
	if (known != NULL && strstr(known, etag) != NULL) {
		buf_reset(&res->body);
		res->status = 304;
	}
	return E_OK;
}

static void send_cached(struct portal *p, const struct http_request *req, struct http_response *res,
			const char *type)
{
	int r = buf_error(&res->body);

	if (r == E_OK)
		r = cached(req, res, type);
	if (r != E_OK)
		reply_page(p, res, 500, r);
}

void static_css_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	buf_add_bytes(&res->body, buf_bytes(&looks_now(ctx)->css));
	send_cached(ctx, req, res, "text/css; charset=utf-8");
}

/* First letter of a word, whole when it is a longer UTF-8 character. */
static size_t letter(const char *s, char dst[5])
{
	size_t n = 0;

	do {
		dst[n] = s[n];
		n++;
	} while (n < 4 && ((unsigned char)s[n] & 0xC0) == 0x80);
	dst[n] = '\0';
	return n;
}

/* Up to two initials: of the first and the last word that begins with a capital. */
static void initials(const char *name, char dst[16])
{
	char first[5] = "", last[5] = "", c[5];
	bool start = true;

	for (const char *s = name; *s != '\0';) {
		size_t n = letter(s, c);
		bool capital = (*s >= 'A' && *s <= 'Z') || (unsigned char)*s >= 0x80;

		if (start && capital && *first == '\0')
			memcpy(first, c, sizeof(first));
		else if (start && capital)
			memcpy(last, c, sizeof(last));
		start = strchr(" -/", *s) != NULL;
		s += n;
	}
	if (*first == '\0')
		letter(name, first);
	snprintf(dst, 16, "%s%s", first, last);
}

/* Looked at as a picture it runs nothing; opened by itself it must not either. */
static void send_logo(struct portal *p, const struct looks *l, enum theme_logo kind,
		      const struct http_request *req, struct http_response *res)
{
	bool png = kind == THEME_LOGO_PNG;

	if (l->logo.n == 0 || l->kind != kind) {
		reply_not_found(p, res);
		return;
	}
	if (http_set_header(res, "Content-Security-Policy",
			    "default-src 'none'; style-src 'unsafe-inline'; sandbox; "
			    "frame-ancestors 'none'") != E_OK) {
		reply_page(p, res, 500, E_INTERNAL);
		return;
	}
	buf_add_bytes(&res->body, buf_bytes(&l->logo));
	send_cached(p, req, res, png ? "image/png" : "image/svg+xml");
}

void static_logo_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	send_logo(ctx, looks_now(ctx), THEME_LOGO_PNG, req, res);
}

void static_mark_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	const struct looks *l = looks_now(p);
	char text[16];

	if (l->logo.n > 0) {
		send_logo(p, l, THEME_LOGO_SVG, req, res);
		return;
	}
	initials(p->organization, text);
	buf_addf(&res->body,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\" width=\"48\" "
		 "height=\"48\" role=\"img\">"
		 "<path d=\"M4 3h40v23c0 10.5-8.6 16.8-20 20C12.600 42.800 4 36.500 4 26z\" "
		 "fill=\"%s\"/>"
		 "<path d=\"M7.500 6.500h33V26c0 8.300-6.800 13.500-16.500 16.400C14.300 39.500 "
		 "7.500 34.300 7.500 26z\" "
		 "fill=\"none\" stroke=\"%s\" stroke-opacity=\".55\"/>"
		 "<text x=\"24\" y=\"29\" text-anchor=\"middle\" fill=\"%s\" font-size=\"18\" "
		 "font-weight=\"600\" font-family=\"Palatino, P052, Georgia, serif\">",
		 l->mark.fill, l->mark.on_fill, l->mark.on_fill);
	html_escape(&res->body, text);
	buf_adds(&res->body, "</text></svg>\n");
	send_cached(p, req, res, "image/svg+xml");
}

void static_anchor_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;

	pem_write(&res->body, buf_bytes(&p->anchor.der));
	send_cached(p, req, res, "application/x-pem-file");
}

void health_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct store *s = store_pool_get(p->pool);
	struct errmsg em = {0};
	bool good = s != NULL && store_ping(s, &em) == E_OK;

	(void)req;
	if (s != NULL)
		store_pool_put(p->pool, s);
	http_text(res, good ? 200 : 503, good ? "ok\n" : "the store is not available\n");
}
