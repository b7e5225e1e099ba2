#include "core/http/httpd.h"
#include "core/base/text.h"
#include "core/http/form.h"
#include "core/http/listen.h"
#include "core/http/tls_files.h"
#include "core/http/watch.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <strings.h>
#include <unistd.h>

#define URI_MAX (32 * 1024)
#define CONNECTION_MEMORY (96 * 1024) /* headers and a URI of this size; bodies live elsewhere */
#define PAIRS_MAX 64
#define REPLY_MAX (16 * 1024 * 1024)
#define DEADLINE_DEFAULT_MS 10000
#define DISCARD_FACTOR 4 /* an oversized body is read up to this many times max_body */

/* TLS 1.2 with forward secrecy, and TLS 1.3. */
#define TLS_PRIORITIES                                                                             \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:"                          \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE"

struct httpd {
	struct MHD_Daemon *daemon;
	struct watch *watch;
	const struct http_route *routes;
	void *ctx;
	void (*before)(void *ctx, const struct http_request *req, struct http_response *res);
	void (*after)(void *ctx, const struct http_request *req, struct http_response *res);
	size_t max_body;
	bool raw_bodies;
	unsigned deadline_ms;
	unsigned port;
	bool tls;
	atomic_bool stopping;
	int listen_fd; /* -1 once libmicrohttpd has it */
	unsigned threads, max_connections, max_per_address;
	char *cert, *key; /* PEM text, until the daemon runs */
	size_t n_key;
};

/* One request, from its request line to its end. */
struct exchange {
	struct httpd *h;
	struct watch_peer *peer;
	char *uri;    /* as it came; ends up decoded */
	char *target; /* its path, not decoded */
	size_t n_uri;
	bool checked; /* headers have been looked at */
	bool too_big;
	size_t discarded;
	struct buf body;
	struct http_request req;
	struct http_pair headers[PAIRS_MAX], query[PAIRS_MAX], cookies[PAIRS_MAX], form[PAIRS_MAX];
	size_t n_headers;
	bool too_many_headers;
	char *storage[3]; /* of query, cookies, form */
	size_t n_storage[3];
	char *params;
	char client[INET6_ADDRSTRLEN];
};

/* ---- one exchange's life ---- */

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	/* Passwords and challenges come in by form, query and cookie. */
	for (size_t i = 0; i < 3; i++) {
		text_wipe(x->storage[i], x->n_storage[i]);
		free(x->storage[i]);
	}
	text_wipe(x->uri, x->n_uri);
	free(x->uri);
	if (x->target)
		text_wipe(x->target, strlen(x->target));
	free(x->target);
	free(x->params);
	buf_free(&x->body);
	free(x);
}

static struct watch_peer *peer_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* libmicrohttpd 1.0 gives every answer in the same place: it must be read before the next question. */
static int descriptor_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static const struct sockaddr *address_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

/* The request line is there: its result is what on_request and on_completed get as *arg. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
	struct httpd *h = cls;
	struct watch_peer *peer = peer_of(c);
	struct exchange *x = NULL;

	if (!peer)
		return NULL;
	watch_begin(h->watch, peer);
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->h = h;
	x->peer = peer;
	x->n_uri = strlen(uri);
	x->uri = x->n_uri <= URI_MAX ? strdup(uri) : NULL;
	buf_init(&x->body, h->max_body);
	listen_address(address_of(c), x->client, sizeof(x->client));
	return x;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **arg,
			 enum MHD_RequestTerminationCode why)
{
	struct httpd *h = cls;
	struct watch_peer *peer = peer_of(c);

	(void)why;
	exchange_free(*arg);
	*arg = NULL;
	if (peer)
		watch_done(h->watch, peer);
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct httpd *h = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd = descriptor_of(c);

		*context = fd >= 0 ? watch_open(h->watch, fd, address_of(c)) : NULL;
	} else {
		watch_close(h->watch, *context);
		*context = NULL;
	}
}

/* ---- from libmicrohttpd's view of a request to ours ---- */

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
				 size_t n_name, const char *value, size_t n)
{
	struct exchange *x = cls;

	(void)kind;
	(void)n_name;
	if (x->n_headers == PAIRS_MAX) {
		x->too_many_headers = true;
		return MHD_NO;
	}
	x->headers[x->n_headers++] =
		(struct http_pair){.name = name, .value = value ? value : "", .n = value ? n : 0};
	return MHD_YES;
}

static size_t header_count(const struct exchange *x, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_headers; i++)
		n += strcasecmp(x->headers[i].name, name) == 0;
	return n;
}

/* What of the headers decides before the body is read: 0 to go on, else a status. Two lengths, or a
 * length and a transfer coding, are how requests are smuggled past a proxy (RFC 9112 section 11.2). */
static unsigned headers_check(struct exchange *x, struct MHD_Connection *c)
{
	size_t lengths, codings;
	int64_t length;

	MHD_get_connection_values_n(c, MHD_HEADER_KIND, on_header, x);
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
		return length < 0 ? 400 : (uint64_t)length > x->h->max_body ? 413 : 0;
	case E_TOOBIG:
		return 413;
	default:
		return 400;
	}
}

static char *storage_new(struct exchange *x, size_t which, size_t n)
{
	x->n_storage[which] = HTTP_PAIRS_STORAGE(n, PAIRS_MAX);
	x->storage[which] = malloc(x->n_storage[which]);
	return x->storage[which];
}

/* Splits and decodes the URI: the absolute form (RFC 9112 section 3.2.2) loses scheme and host. A
 * path that cannot be decoded becomes "", which no route matches. */
static int uri_decode(struct exchange *x)
{
	char *path = x->uri, *query = strchr(x->uri, '?');
	size_t n = query ? (size_t)(query - path) : strlen(path), raw = n;
	struct bytes text = query ? bytes_str(query + 1) : bytes_of(x->uri, 0);
	int rc;

	if (!storage_new(x, 0, text.n))
		return E_NOMEM;
	rc = http_form_parse(text, x->storage[0], x->n_storage[0], x->query, PAIRS_MAX,
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

static int cookies_decode(struct exchange *x)
{
	const char *header = http_header(&x->req, "Cookie");

	if (!header)
		return E_OK;
	if (!storage_new(x, 1, strlen(header)))
		return E_NOMEM;
	x->req.cookies = x->cookies;
	return http_cookie_parse(header, x->storage[1], x->n_storage[1], x->cookies, PAIRS_MAX,
				 &x->req.n_cookies);
}

static bool is_form(const struct exchange *x)
{
	static const char type[] = "application/x-www-form-urlencoded";
	const char *header = http_header(&x->req, "Content-Type");
	size_t n = sizeof(type) - 1;

	return header && strncasecmp(header, type, n) == 0 &&
	       (header[n] == '\0' || header[n] == ';' || header[n] == ' ');
}

static int form_decode(struct exchange *x)
{
	if (x->h->raw_bodies || !is_form(x) || !x->body.n)
		return E_OK;
	if (!storage_new(x, 2, x->body.n))
		return E_NOMEM;
	x->req.form = x->form;
	return http_form_parse(buf_bytes(&x->body), x->storage[2], x->n_storage[2], x->form,
			       PAIRS_MAX, &x->req.n_form);
}

/* Fills x->req. 0, or the status of a request that is not well-formed. */
static unsigned request_decode(struct exchange *x)
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

/* ---- replies ---- */

static const char *status_text(unsigned status)
{
	switch (status) {
	case 400:
		return "400 Bad Request\n";
	case 404:
		return "404 Not Found\n";
	case 405:
		return "405 Method Not Allowed\n";
	case 413:
		return "413 Content Too Large\n";
	case 414:
		return "414 URI Too Long\n";
	case 431:
		return "431 Request Header Fields Too Large\n";
	default:
		return "500 Internal Server Error\n";
	}
}

static void serve(struct exchange *x, struct http_response *res)
{
	size_t size = strlen(x->req.path) + HTTP_PARAMS_MAX + 1;
	const struct http_route *route;
	unsigned status = 404;
	char allow[128];

	x->params = malloc(size);
	if (!x->params) {
		http_text(res, 500, status_text(500));
		return;
	}
	route = http_match(x->h->routes, &x->req, x->params, size, &status);
	if (route) {
		route->handler(x->h->ctx, &x->req, res);
		return;
	}
	http_text(res, status, status_text(status));
	if (status == 405) {
		http_allow(x->h->routes, x->req.path, allow, sizeof(allow));
		if (http_set_header(res, "Allow", allow))
			http_text(res, 500, status_text(500));
	}
}

static void reply_free(void *arg)
{
	struct buf *body = arg;

	buf_free(body);
	free(body);
}

/* Takes res->body: libmicrohttpd sends it from there and wipes it afterwards. */
static struct MHD_Response *reply_make(struct http_response *res, bool close)
{
	struct buf *body = malloc(sizeof(*body));
	struct MHD_Response *r;
	bool ok = true;

	if (!body)
		return NULL;
	*body = res->body;
	buf_init(&res->body, 0);
	r = MHD_create_response_from_buffer_with_free_callback_cls(body->n, body->p, reply_free,
								   body);
	if (!r) {
		reply_free(body);
		return NULL;
	}
	if (res->content_type)
		ok = MHD_add_response_header(r, "Content-Type", res->content_type) == MHD_YES;
	for (size_t i = 0; i < res->n_headers; i++)
		ok = ok && MHD_add_response_header(r, res->headers[i].name,
						   res->headers[i].value) == MHD_YES;
	if (close)
		ok = ok && MHD_add_response_header(r, "Connection", "close") == MHD_YES;
	if (!ok) {
		MHD_destroy_response(r);
		return NULL;
	}
	return r;
}

/* Runs the handler (status 0) or makes the error reply, and hands it over. */
static enum MHD_Result answer(struct exchange *x, struct MHD_Connection *c, unsigned status)
{
	struct http_response *res = calloc(1, sizeof(*res));
	struct MHD_Response *r = NULL;
	enum MHD_Result queued = MHD_NO;
	bool close = status != 0;

	if (!res)
		return MHD_NO;
	res->status = 500;
	buf_init(&res->body, REPLY_MAX);
	if (x->h->before)
		x->h->before(x->h->ctx, &x->req, res);
	if (!status)
		serve(x, res);
	else
		http_text(res, status, status_text(status));
	if (buf_error(&res->body))
		http_text(res, 500, status_text(500));
	if (x->h->after)
		x->h->after(x->h->ctx, &x->req, res);
	watch_sending(x->h->watch, x->peer, res->body.n);
	/* A client that keeps its connection would keep a server that ends. */
	r = reply_make(res, close || atomic_load(&x->h->stopping));
	if (r) {
		queued = MHD_queue_response(c, res->status, r);
		MHD_destroy_response(r);
	}
	buf_free(&res->body);
	free(res);
	return queued;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n, void **arg)
{
	struct exchange *x = *arg;
	unsigned status;

	(void)cls;
	(void)url;
	(void)version;
	if (!x) /* refused, or no memory */
		return MHD_NO;
	if (!x->checked) {
		x->checked = true;
		x->req.method = method;
		x->req.path = "";
		x->req.client = x->client;
		x->req.tls = x->h->tls;
		status = headers_check(x, c);
		if (!status)
			return MHD_YES;
		return watch_busy(x->h->watch, x->peer) ? answer(x, c, status) : MHD_NO;
	}
	if (*n) {
		/* No reply can be queued while a body arrives: the rest is read away, within limits. */
		x->too_big = x->too_big || *n > x->h->max_body - x->body.n;
		if (!x->too_big)
			buf_add(&x->body, data, *n);
		else
			x->discarded += *n;
		*n = 0;
		return x->discarded / DISCARD_FACTOR > x->h->max_body ? MHD_NO : MHD_YES;
	}
	if (!watch_busy(x->h->watch, x->peer))
		return MHD_NO;
	if (x->too_big)
		return answer(x, c, 413);
	return answer(x, c, buf_error(&x->body) ? 500 : request_decode(x));
}

/* ---- starting and stopping ---- */

/* libmicrohttpd tells only its log why it does not start. */
static void on_log(void *cls, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void on_log(void *cls, const char *fmt, va_list ap)
{
	(void)cls;
	(void)fmt;
	(void)ap;
}

static unsigned thread_count(unsigned wanted)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return wanted ? wanted : cores > 0 ? (unsigned)cores : 1;
}

static void keys_forget(struct httpd *h)
{
	text_wipe(h->key, h->n_key);
	free(h->key);
	free(h->cert);
	h->key = h->cert = NULL;
}

static struct MHD_Daemon *daemon_start(struct httpd *h, int fd)
{
	unsigned limit = h->max_connections > h->threads ? h->max_connections : h->threads;
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, h->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, h->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(
		flags | (h->tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_ARRAY, h->tls ? tls : none, MHD_OPTION_THREAD_POOL_SIZE, h->threads,
		MHD_OPTION_CONNECTION_LIMIT, limit, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
		MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, h, MHD_OPTION_END);
}

int httpd_open(const struct httpd_options *o, struct httpd **ret, struct errmsg *em)
{
	struct httpd *h = calloc(1, sizeof(*h));
	int rc = E_OK;

	if (!h)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	h->listen_fd = -1;
	h->routes = o->routes;
	h->ctx = o->ctx;
	h->before = o->before;
	h->after = o->after;
	h->max_body = o->max_body;
	h->raw_bodies = o->raw_bodies;
	h->deadline_ms = o->deadline_ms ? o->deadline_ms : DEADLINE_DEFAULT_MS;
	h->threads = thread_count(o->threads);
	h->max_connections = o->max_connections;
	h->max_per_address = o->max_per_address;
	h->tls = o->tls_cert != NULL;
	if (h->tls)
		rc = tls_cert_read(o->tls_cert, &h->cert, em);
	if (!rc && h->tls)
		rc = tls_key_read(o->tls_key, &h->key, &h->n_key, em);
	if (!rc && o->listener > 0)
		rc = listen_share(o->listener, &h->listen_fd, &h->port, em);
	else if (!rc)
		rc = listen_open(o->listen, &h->listen_fd, &h->port, em);
	if (rc) {
		httpd_stop(h);
		return rc;
	}
	*ret = h;
	return E_OK;
}

int httpd_run(struct httpd *h, struct errmsg *em)
{
	int fd;

	if (h->daemon)
		return err_set(em, E_STATE, "the HTTP server runs already");
	if (watch_start(h->deadline_ms, h->max_per_address, &h->watch))
		return err_set(em, E_NOMEM,
			       "the thread that watches connections cannot be started");
	/* When it fails, libmicrohttpd may have closed the socket, or not: it gets one of its own. */
	fd = fcntl(h->listen_fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_set(em, E_IO, "the listening socket cannot be duplicated");
	h->daemon = daemon_start(h, fd);
	keys_forget(h);
	if (!h->daemon && h->tls)
		return err_set(em, E_CONFIG,
			       "the web certificate and its key cannot be used for TLS: not PEM, "
			       "or they do not belong together");
	if (!h->daemon)
		return err_set(em, E_IO, "the HTTP server cannot be started");
	close(h->listen_fd);
	h->listen_fd = -1;
	return E_OK;
}

int httpd_start(const struct httpd_options *o, struct httpd **ret, struct errmsg *em)
{
	struct httpd *h = NULL;
	int rc = httpd_open(o, &h, em);

	if (!rc && h)
		rc = httpd_run(h, em);
	if (rc) {
		httpd_stop(h);
		return rc;
	}
	*ret = h;
	return E_OK;
}

unsigned httpd_port(const struct httpd *h)
{
	return h->port;
}

void httpd_stop(struct httpd *h)
{
	MHD_socket fd;

	if (!h)
		return;
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	atomic_store(&h->stopping, true);
	if (h->daemon) {
		fd = MHD_quiesce_daemon(h->daemon);
		watch_drain(h->watch, h->deadline_ms);
		MHD_stop_daemon(h->daemon);
		if (fd != MHD_INVALID_SOCKET)
			close(fd);
	}
	watch_stop(h->watch);
	keys_forget(h);
	free(h);
}
