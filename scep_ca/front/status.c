#include "scep_ca/front/status.h"

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/http/form.h"
#include "core/base/digest.h"
#include "core/pki/ocsp.h"
#include "scep_ca/front/service.h"

#include <time.h>

/* How long caches on the way may keep a copy: a revocation is to be seen soon. */
#define CRL_MAX_AGE 60
#define OCSP_MAX_AGE 30
#define DATE_SIZE 32

/* IMF-fixdate (RFC 9110 section 5.6.7). */
static void http_date(char dst[DATE_SIZE], int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(dst, DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		dst[0] = '\0';
}

static void set(struct http_response *res, const char *name, const char *value)
{
	if (http_set_header(res, name, value) != E_OK)
		log_error("%s could not be set", name);
}

/* Does the client have this very copy? If-None-Match rules (RFC 9110 section 13.2.2). */
static bool client_has(const struct http_request *req, const char *etag, int64_t modified)
{
	const char *match = http_header(req, "If-None-Match");
	const char *since = http_header(req, "If-Modified-Since");
	struct tm tm = {0};
	const char *end;

	if (match)
		return strcmp(match, "*") == 0 || strstr(match, etag) != NULL;
	end = since ? strptime(since, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;
	return end && !*end && (int64_t)timegm(&tm) >= modified;
}

/* ETag, Last-Modified, Expires and Cache-Control; 304 without body where the client has it. */
static void let_cache(const struct http_request *req, struct http_response *res, const char *hash,
		      int64_t modified, int64_t max_age)
{
	char etag[HASH_SIZE + 2], control[80], date[DATE_SIZE];

	snprintf(etag, sizeof(etag), "\"%s\"", hash);
	snprintf(control, sizeof(control), "max-age=%lld, public, no-transform, must-revalidate",
		 (long long)(max_age > 0 ? max_age : 0));
	set(res, "ETag", etag);
	set(res, "Cache-Control", control);
	http_date(date, modified);
	set(res, "Last-Modified", date);
	http_date(date, clock_now() + (max_age > 0 ? max_age : 0));
	set(res, "Expires", date);
	if (!client_has(req, etag, modified))
		return;
	res->status = 304;
	buf_reset(&res->body);
}

/* --- CRL ---------------------------------------------------------------------------------------- */

static const struct service_list *list_of(const struct service *s, const char *file)
{
	char name[NAME_SIZE];
	size_t n = strlen(file);

	if (n <= 4 || n - 4 >= sizeof(name) || strcmp(file + n - 4, ".crl") != 0)
		return NULL;
	memcpy(name, file, n - 4);
	name[n - 4] = '\0';
	return service_find_list(s, name);
}

void status_crl(void *ctx, const struct http_request *req, struct http_response *res)
{
	const struct service *s = ctx;
	const struct service_list *p = list_of(s, req->params[0]);
	struct crl_cache_seen seen;
	struct errmsg em = {""};
	int64_t now = clock_now(), left;
	int r;

	if (!p)
		return http_text(res, 404, "no such list\n");
	buf_reset(&res->body);
	r = crl_cache_get(p->crl, now, clock_mono_ms(), &res->body, &seen, &em);
	if (em.text[0])
		log_warn("CRL %s: %s%s", p->name, em.text,
			 r == E_OK ? "; the last one is shown" : "");
	if (err_is_away(r)) {
		http_text(res, 503, "no list available, come again\n");
		set(res, "Retry-After", "5");
		return;
	}
	if (r != E_OK)
		return http_text(res, 500, "internal error\n");
	res->status = 200;
	res->content_type = "application/pkix-crl";
	left = seen.next_update - now;
	let_cache(req, res, seen.etag, seen.this_update, left < CRL_MAX_AGE ? left : CRL_MAX_AGE);
}

/* --- OCSP --------------------------------------------------------------------------------------- */

/* A refusal says nothing and needs no signature: it can be given without the signer. */
static int refuse(enum ocsp_refusal why, const char *text, struct buf *out, struct errmsg *em)
{
	int r;

	if (text)
		(void)err_set(em, E_OK, "%s", text);
	buf_reset(out);
	r = ocsp_refuse(why, out);
	return r == E_OK ? E_OK : err_set(em, r, "%s", err_text(r));
}

static void ocsp(struct service *s, const struct http_request *req, struct bytes question, bool get,
		 struct http_response *res)
{
	struct signer_ocsp done = {0};
	struct errmsg em = {""};
	char hash[HASH_SIZE];
	int64_t left;
	int r;

	buf_reset(&res->body);
	r = question.n > OCSP_REQUEST_MAX
		    ? refuse(OCSP_MALFORMED, "the request is too long", &res->body, &em)
		    : signer_ocsp(s->signer, question, &done, &res->body, &em);
	if (err_is_away(r))
		r = refuse(OCSP_TRY_LATER, NULL, &res->body, &em);
	if (r != E_OK) {
		log_error("OCSP %s: %s", req->client, em.text);
		return http_text(res, 500, "internal error\n");
	}
	if (!done.answered)
		log_info("OCSP %s: %s", req->client, em.text);
	res->status = 200;
	res->content_type = "application/ocsp-response";
	if (!get || !done.answered || done.nonce ||
	    digest_sha256_hex(buf_bytes(&res->body), hash) != E_OK)
		return set(res, "Cache-Control", "no-store");
	left = done.next_update - done.this_update;
	let_cache(req, res, hash, done.this_update, left < OCSP_MAX_AGE ? left : OCSP_MAX_AGE);
}

void status_ocsp_post(void *ctx, const struct http_request *req, struct http_response *res)
{
	ocsp(ctx, req, req->body, false, res);
}

/* base64 in the path, with slashes as they are or escaped (RFC 6960 appendix A.1). */
void status_ocsp_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	/* Escapes are three characters, base64 four for three bytes. */
	char text[OCSP_REQUEST_MAX * 4 + 8];
	struct buf question = {0};
	size_t n = strlen(req->params[0]);

	buf_init(&question, OCSP_REQUEST_MAX);
	if (n >= sizeof(text) || http_unescape(text, req->params[0], n, false, &n) != E_OK ||
	    text_unbase64_lenient(&question, text, n) != E_OK)
		http_text(res, 400, "not an OCSP request in base64\n");
	else
		ocsp(ctx, req, buf_bytes(&question), true, res);
	buf_free(&question);
}
