#include "core/http/httpd.h"
#include "core/base/text.h"
#include "core/http/door.h"
#include "core/http/incoming.h"
#include "core/http/listen.h"
#include "core/http/tls_files.h"
#include "core/http/watch.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define CONNECTION_MEMORY (96 * 1024) /* headers and a URI; bodies live elsewhere */
/* The door keeps max_connections; the library, which counts a connection a little longer, refuses none. */
#define LIMIT_OF_LIBRARY(h) (2 * (h)->max_connections + 64)
#define REPLY_MAX (16 * 1024 * 1024)
#define DEADLINE_DEFAULT_MS 10000
#define DISCARD_FACTOR 4 /* an oversized body is read up to this many times max_body */

/* TLS 1.2 with forward secrecy, and TLS 1.3. */
#define TLS_PRIORITIES                                                                             \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:"                          \
	"+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE"

/* A thread with an event loop of libmicrohttpd, and the connections that were given to it. */
struct worker {
	struct httpd *h;
	struct MHD_Daemon *daemon;
	struct crew *crew;
	unsigned given; /* by the door's thread alone */
	atomic_uint ended;
	atomic_uint busy; /* a handler runs */
};

/* All that serve by one certificate. */
struct crew {
	struct crew *next; /* of those that take no more connections */
	atomic_bool leaving;
	unsigned n;
	struct worker workers[];
};

struct httpd {
	struct crew *crew;    /* new connections go here */
	struct crew *leaving; /* these only end what they have */
	pthread_mutex_t lock; /* guards both */
	struct door *door;
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
	atomic_bool stopping, full;
	atomic_uint open; /* connections */
	int listen_fd;
	unsigned threads, max_connections, max_per_address;
	char *cert_file, *key_file;
	char *cert, *key; /* PEM text, until the crew runs */
	size_t n_key;
};

/* One request, from its request line to its end. */
struct exchange {
	struct httpd *h;
	struct worker *worker;
	struct watch_peer *peer;
	struct incoming in;
	bool checked; /* headers have been looked at */
	bool too_big;
	size_t discarded;
	char *params;
	char client[INET6_ADDRSTRLEN];
};

/* ---- one exchange's life ---- */

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	incoming_free(&x->in);
	free(x->params);
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
	struct worker *w = cls;
	struct httpd *h = w->h;
	struct watch_peer *peer = peer_of(c);
	struct exchange *x = NULL;

	if (!peer)
		return NULL;
	watch_begin(h->watch, peer);
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->h = h;
	x->worker = w;
	x->peer = peer;
	incoming_init(&x->in, uri, h->max_body, h->raw_bodies);
	listen_address(address_of(c), x->client, sizeof(x->client));
	return x;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **arg,
			 enum MHD_RequestTerminationCode why)
{
	struct httpd *h = ((struct worker *)cls)->h;
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
	struct worker *w = cls;
	struct httpd *h = w->h;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd = descriptor_of(c);

		*context = fd >= 0 ? watch_open(h->watch, fd, address_of(c)) : NULL;
	} else {
		watch_close(h->watch, *context);
		*context = NULL;
		atomic_fetch_add(&w->ended, 1);
		atomic_fetch_sub(&h->open, 1);
		if (atomic_load(&h->full))
			door_wake(h->door);
	}
}

/* ---- from libmicrohttpd's view of a request to ours ---- */

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
				 size_t n_name, const char *value, size_t n)
{
	struct incoming *in = cls;

	(void)kind;
	(void)n_name;
	return incoming_header(in, name, value ? value : "", value ? n : 0) ? MHD_YES : MHD_NO;
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
	size_t size = strlen(x->in.req.path) + HTTP_PARAMS_MAX + 1;
	const struct http_route *route;
	unsigned status = 404;
	char allow[128];

	x->params = malloc(size);
	if (!x->params) {
		http_text(res, 500, status_text(500));
		return;
	}
	route = http_match(x->h->routes, &x->in.req, x->params, size, &status);
	if (route) {
		route->handler(x->h->ctx, &x->in.req, res);
		return;
	}
	http_text(res, status, status_text(status));
	if (status == 405) {
		http_allow(x->h->routes, x->in.req.path, allow, sizeof(allow));
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
	atomic_fetch_add(&x->worker->busy, 1);
	if (x->h->before)
		x->h->before(x->h->ctx, &x->in.req, res);
	if (!status)
		serve(x, res);
	else
		http_text(res, status, status_text(status));
	if (buf_error(&res->body))
		http_text(res, 500, status_text(500));
	if (x->h->after)
		x->h->after(x->h->ctx, &x->in.req, res);
	atomic_fetch_sub(&x->worker->busy, 1);
	watch_sending(x->h->watch, x->peer, res->body.n);
	/* A client that keeps its connection would keep a server that ends, or a certificate of before. */
	r = reply_make(res, close || atomic_load(&x->h->stopping) ||
				    atomic_load(&x->worker->crew->leaving));
	if (r) {
		queued = MHD_queue_response(c, res->status, r);
		MHD_destroy_response(r);
	}
	buf_free(&res->body);
	free(res);
	return queued;
}

/*
 * Somebody who sends a body without asking first may never see an answer that is given before its end: what still
 * comes to a closed connection resets it.
 */
static bool comes_anyway(const struct incoming *in)
{
	return !http_header(&in->req, "Expect") && in->declared / DISCARD_FACTOR <= in->max_body;
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
		x->in.req.method = method;
		x->in.req.path = "";
		x->in.req.client = x->client;
		x->in.req.tls = x->h->tls;
		MHD_get_connection_values_n(c, MHD_HEADER_KIND, on_header, &x->in);
		status = incoming_check(&x->in);
		x->too_big = status == 413 && comes_anyway(&x->in);
		if (!status || x->too_big)
			return MHD_YES;
		return watch_busy(x->h->watch, x->peer) ? answer(x, c, status) : MHD_NO;
	}
	if (*n) {
		/* No reply can be queued while a body arrives: the rest is read away, within limits. */
		x->too_big = x->too_big || *n > x->h->max_body - x->in.body.n;
		if (!x->too_big)
			buf_add(&x->in.body, data, *n);
		else
			x->discarded += *n;
		*n = 0;
		return x->discarded / DISCARD_FACTOR > x->h->max_body ? MHD_NO : MHD_YES;
	}
	if (!watch_busy(x->h->watch, x->peer))
		return MHD_NO;
	if (x->too_big)
		return answer(x, c, 413);
	return answer(x, c, buf_error(&x->in.body) ? 500 : incoming_decode(&x->in));
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

static int keys_read(struct httpd *h, struct errmsg *em)
{
	int rc = tls_cert_read(h->cert_file, &h->cert, em);

	return rc ? rc : tls_key_read(h->key_file, &h->key, &h->n_key, em);
}

/*
 * It gets its connections by MHD_add_connection. TLS is by poll: with epoll, libmicrohttpd 0.9.75 turns in a
 * circle for as long as a client stops in the middle of its handshake.
 */
static struct MHD_Daemon *daemon_start(struct worker *w)
{
	struct httpd *h = w->h;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_NO_LISTEN_SOCKET |
			 MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, h->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, h->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

	return MHD_start_daemon(flags | (h->tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, w,
				MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_ARRAY,
				h->tls ? tls : none, MHD_OPTION_CONNECTION_LIMIT,
				LIMIT_OF_LIBRARY(h), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				(size_t)CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
				MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_URI_LOG_CALLBACK,
				on_uri, w, MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
				MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_END);
}

static void crew_stop(struct crew *c)
{
	for (unsigned i = 0; c && i < c->n; i++)
		MHD_stop_daemon(c->workers[i].daemon);
	free(c);
}

static int crew_start(struct httpd *h, struct crew **ret, struct errmsg *em)
{
	struct crew *c = calloc(1, sizeof(*c) + h->threads * sizeof(c->workers[0]));

	if (!c)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	for (; c->n < h->threads; c->n++) {
		struct worker *w = &c->workers[c->n];

		w->h = h;
		w->crew = c;
		w->daemon = daemon_start(w);
		if (w->daemon)
			continue;
		crew_stop(c);
		if (h->tls)
			return err_set(em, E_CONFIG,
				       "the web certificate and its key cannot be used for TLS: "
				       "not PEM, or they do not belong together");
		return err_set(em, E_IO, "the HTTP server cannot be started");
	}
	*ret = c;
	return E_OK;
}

/* How much would a new connection wait behind others? A handler may wait for a directory or a store. */
static unsigned worker_load(struct worker *w)
{
	return atomic_load(&w->busy) * 1000000 + (w->given - atomic_load(&w->ended));
}

static bool door_full(void *ctx)
{
	struct httpd *h = ctx;

	/* Said before it is looked at: who ends a connection between the two wakes the door. */
	atomic_store(&h->full, true);
	if (atomic_load(&h->open) >= h->max_connections)
		return true;
	atomic_store(&h->full, false);
	return false;
}

static void door_take(void *ctx, int fd, const struct sockaddr *from, socklen_t n)
{
	struct httpd *h = ctx;
	struct worker *w;

	pthread_mutex_lock(&h->lock);
	w = &h->crew->workers[0];
	for (unsigned i = 1; i < h->crew->n; i++) {
		if (worker_load(&h->crew->workers[i]) < worker_load(w))
			w = &h->crew->workers[i];
	}
	atomic_fetch_add(&h->open, 1);
	if (MHD_add_connection(w->daemon, fd, from, n) == MHD_YES)
		w->given++;
	else /* it is closed already */
		atomic_fetch_sub(&h->open, 1);
	pthread_mutex_unlock(&h->lock);
}

static bool crew_is_done(struct crew *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->workers[i].given != atomic_load(&c->workers[i].ended))
			return false;
	}
	return true;
}

static bool door_tidy(void *ctx)
{
	struct httpd *h = ctx;
	struct crew **at, *done = NULL;
	bool more;

	pthread_mutex_lock(&h->lock);
	for (at = &h->leaving; *at && !done;) {
		if (crew_is_done(*at)) {
			done = *at;
			*at = done->next;
		} else {
			at = &(*at)->next;
		}
	}
	more = h->leaving != NULL;
	pthread_mutex_unlock(&h->lock);
	crew_stop(done);
	return more;
}

int httpd_open(const struct httpd_options *o, struct httpd **ret, struct errmsg *em)
{
	struct httpd *h = calloc(1, sizeof(*h));
	int rc = E_OK;

	if (!h)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	pthread_mutex_init(&h->lock, NULL);
	h->listen_fd = -1;
	h->routes = o->routes;
	h->ctx = o->ctx;
	h->before = o->before;
	h->after = o->after;
	h->max_body = o->max_body;
	h->raw_bodies = o->raw_bodies;
	h->deadline_ms = o->deadline_ms ? o->deadline_ms : DEADLINE_DEFAULT_MS;
	h->threads = thread_count(o->threads);
	h->max_connections = o->max_connections > h->threads ? o->max_connections : h->threads;
	h->max_per_address = o->max_per_address;
	h->tls = o->tls_cert != NULL;
	if (h->tls) {
		h->cert_file = strdup(o->tls_cert);
		h->key_file = strdup(o->tls_key);
		rc = h->cert_file && h->key_file ? keys_read(h, em) : E_NOMEM;
	}
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
	const struct door_host host = {
		.ctx = h, .full = door_full, .take = door_take, .tidy = door_tidy};
	int rc;

	if (h->crew)
		return err_set(em, E_STATE, "the HTTP server runs already");
	if (watch_start(h->deadline_ms, h->max_per_address, &h->watch))
		return err_set(em, E_NOMEM,
			       "the thread that watches connections cannot be started");
	rc = crew_start(h, &h->crew, em);
	keys_forget(h);
	if (rc)
		return rc;
	if (door_open(h->listen_fd, &host, &h->door))
		return err_set(em, E_NOMEM, "the thread that takes connections cannot be started");
	return E_OK;
}

int httpd_reload(struct httpd *h, struct errmsg *em)
{
	struct crew *fresh = NULL;
	int rc;

	if (!h->tls)
		return E_OK;
	if (!h->door)
		return err_set(em, E_STATE, "the HTTP server does not run");
	rc = keys_read(h, em);
	if (!rc)
		rc = crew_start(h, &fresh, em);
	keys_forget(h);
	if (rc)
		return rc;
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->crew->leaving, true);
	h->crew->next = h->leaving;
	h->leaving = h->crew;
	h->crew = fresh;
	pthread_mutex_unlock(&h->lock);
	door_wake(h->door);
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
	struct crew *c;

	if (!h)
		return;
	atomic_store(&h->stopping, true);
	if (h->door)
		door_stop(h->door);
	if (h->listen_fd >= 0)
		close(h->listen_fd);
	if (h->door)
		watch_drain(h->watch, h->deadline_ms);
	crew_stop(h->crew);
	while ((c = h->leaving)) {
		h->leaving = c->next;
		crew_stop(c);
	}
	/* Connections that end wake the door: it goes after the last of them. */
	door_free(h->door);
	watch_stop(h->watch);
	keys_forget(h);
	pthread_mutex_destroy(&h->lock);
	free(h->cert_file);
	free(h->key_file);
	free(h);
}
