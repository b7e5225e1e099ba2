#include "core/http/fetch.h"

#include <curl/curl.h>

#include <stdio.h>

int fetch_start(void)
{
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? E_OK : E_NOMEM;
}

static bool is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(host, names[i], n) == 0 &&
		    strchr(":/?", host[n]) != NULL) /* or the end */
			return true;
	}
	return false;
}

bool fetch_url_ok(const char *url, bool plain)
{
	const char *host;
	size_t n;

	if (strnlen(url, FETCH_URL_MAX + 1) > FETCH_URL_MAX)
		return false;
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}#", *p) != NULL)
			return false;
	if (strncmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (plain && strncmp(url, "http://", 7) == 0 && is_loopback(url + 7))
		host = url + 7;
	else
		return false;
	n = strcspn(host, "/?");
	return n > 0 && memchr(host, '@', n) == NULL;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct buf *body = ctx;

	buf_add(body, data, size * n);
	return buf_error(body) == E_OK ? size * n : 0;
}

/* http:// to whoever it may be. */
static bool open_url_ok(const char *url)
{
	char https[FETCH_URL_MAX + 2];

	return strncmp(url, "http://", 7) == 0 &&
	       snprintf(https, sizeof(https), "https://%s", url + 7) < (int)sizeof(https) &&
	       fetch_url_ok(https, false);
}

static struct curl_slist *make_headers(const struct fetch *f)
{
	char type[128];

	if (f->content.n == 0)
		return curl_slist_append(NULL, "Accept: application/json");
	if (snprintf(type, sizeof(type), "Content-Type: %s", f->type) >= (int)sizeof(type))
		return NULL;
	return curl_slist_append(NULL, type);
}

static bool set_up(CURL *c, const struct fetch *f, struct buf *body, char *why)
{
	bool ok = curl_easy_setopt(c, CURLOPT_URL, f->url) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR,
				   f->plain || f->open ? "https,http" : "https") == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
			  CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_CAINFO, f->ca_file) == CURLE_OK &&
		  /* or the system's folder would be trusted beside the file */
		  curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_WRITEDATA, body) == CURLE_OK &&
		  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why) == CURLE_OK;

	if (ok && f->form != NULL)
		ok = curl_easy_setopt(c, CURLOPT_POSTFIELDS, f->form) == CURLE_OK;
	if (ok && f->content.n > 0)
		ok = curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)f->content.n) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)f->content.p) ==
			     CURLE_OK;
	if (ok && f->user != NULL)
		ok = curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_USERNAME, f->user) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_PASSWORD, f->password) == CURLE_OK;
	return ok;
}

int fetch_run(const struct fetch *f, unsigned *ret_status, struct buf *body, struct errmsg *em)
{
	char why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	CURL *c = NULL;
	CURLcode code;
	long status = 0;
	int r = E_NOMEM;

	buf_init(body, f->max);
	if (!fetch_url_ok(f->url, f->plain) && !(f->open && open_url_ok(f->url)))
		return err_set(em, E_CONFIG, "this is no https URL: %.200s", f->url);
	c = curl_easy_init();
	headers = make_headers(f);
	if (c == NULL || headers == NULL || !set_up(c, f, body, why) ||
	    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers) != CURLE_OK)
		goto out;
	code = curl_easy_perform(c);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK) {
		*ret_status = (unsigned)status;
		r = E_OK;
	} else if (buf_error(body) != E_OK) {
		r = err_set(em, buf_error(body), "%.200s: the answer is too long", f->url);
	} else {
		r = err_set(em, code == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT : E_UNAVAIL,
			    "%.200s: %.200s", f->url,
			    *why != '\0' ? why : curl_easy_strerror(code));
	}
out:
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return r;
}

/* --- mail -------------------------------------------------------------------------------------------- */

bool fetch_mail_address_ok(const char *address)
{
	size_t n = strnlen(address, 255), at = strcspn(address, "@");

	if (n == 255 || at == 0 || at > 64 || n - at < 2 || address[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = address[i];

		if (c <= ' ' || c > '~' || strchr("\"(),:;<>[\\]", c) != NULL ||
		    (c == '@' && i != at))
			return false;
	}
	return true;
}

bool fetch_mail_url_ok(const char *url, bool plain)
{
	char https[FETCH_URL_MAX + 2];
	const char *host = strncmp(url, "smtps://", 8) == 0  ? url + 8
			   : strncmp(url, "smtp://", 7) == 0 ? url + 7
							     : NULL;

	if (host == NULL || strpbrk(host, "/?") != NULL ||
	    snprintf(https, sizeof(https), "https://%s", host) >= (int)sizeof(https))
		return false;
	return fetch_url_ok(https, false) && (!plain || is_loopback(host));
}

static size_t on_message(char *to, size_t size, size_t n, void *ctx)
{
	struct bytes *left = ctx;
	size_t some = left->n < size * n ? left->n : size * n;

	if (some > 0)
		memcpy(to, left->p, some);
	*left = bytes_of(left->p + some, left->n - some);
	return some;
}

static bool set_up_mail(CURL *c, const struct fetch_mail *m, const char *from,
			const struct curl_slist *to, struct bytes *left, char *why)
{
	bool ok =
		curl_easy_setopt(c, CURLOPT_URL, m->url) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)m->timeout_ms) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_USE_SSL,
				 (long)(m->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL)) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
			CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_CAINFO, m->ca_file) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_CAPATH, NULL) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_MAIL_FROM, from) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_READFUNCTION, on_message) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_READDATA, left) == CURLE_OK &&
		curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why) == CURLE_OK;

	if (ok && m->user != NULL)
		ok = curl_easy_setopt(c, CURLOPT_USERNAME, m->user) == CURLE_OK &&
		     curl_easy_setopt(c, CURLOPT_PASSWORD, m->password) == CURLE_OK;
	return ok;
}

/* What is said after RCPT is about the person; any other no is about us, and would be so for everybody. */
static int mail_failed(CURLcode code, long status, const char *why, bool begun)
{
	if (strncmp(why, "RCPT failed", 11) == 0 && status >= 500)
		return E_DENIED;
	if (strncmp(why, "RCPT failed", 11) == 0 && status >= 400)
		return E_STATE;
	if (begun)
		return code == CURLE_OPERATION_TIMEDOUT ? E_TIMEOUT : E_IO;
	return E_UNAVAIL;
}

int fetch_mail_send(const struct fetch_mail *m, struct errmsg *em)
{
	char why[CURL_ERROR_SIZE] = "", from[260], to[260];
	struct bytes left = m->message;
	struct curl_slist *list = NULL;
	CURL *c = NULL;
	CURLcode code;
	long status = 0;
	int r = E_NOMEM;

	if (!fetch_mail_url_ok(m->url, m->plain) || !fetch_mail_address_ok(m->from))
		return err_set(em, E_CONFIG, "no mail server or sender: %.200s", m->url);
	if (!fetch_mail_address_ok(m->to))
		return err_set(em, E_DENIED, "the address cannot be used");
	(void)snprintf(from, sizeof(from), "<%s>", m->from);
	(void)snprintf(to, sizeof(to), "<%s>", m->to);
	c = curl_easy_init();
	list = curl_slist_append(NULL, to);
	if (c == NULL || list == NULL || !set_up_mail(c, m, from, list, &left, why))
		goto out;
	code = curl_easy_perform(c);
	if (curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
		status = 0;
	r = code == CURLE_OK ? E_OK
			     : err_set(em, mail_failed(code, status, why, left.n < m->message.n),
				       "%.200s: %.200s", m->url,
				       *why != '\0' ? why : curl_easy_strerror(code));
out:
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	return r;
}
