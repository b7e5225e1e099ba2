#include "core/store/redis_conn.h"

#include "core/base/buf.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/redis_route.h"
#include "core/store/redis_socket.h"
#include "core/store/redis_tls.h"
#include "core/store/store_error.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <unistd.h>

/* More than any of our replies; a server that sends more is broken or not ours. */
#define REPLY_MAX_BYTES (16u << 20)
#define REPLY_MAX_ELEMENTS 200000
#define REPLY_MAX_DEPTH 9 /* what hiredis 0.14 takes; 1.0 has no limit, and frees by recursion */
#define ARGS_MAX 256
#define QUEUE_MAX 64
#define QUEUE_MAX_BYTES (1u << 20)
/* Not the first server of several: the first is tried again after so long. */
#define BACK_MS 60000

struct redis_conn {
	char *socket, *host, *user, *password;
	char *sentinel_name, *sentinel_user, *sentinel_password;
	int port, deadline_ms;
	struct redis_route route;    /* n is 0: socket, or host and port */
	size_t at;                   /* of the route: where it is connected to, or tries next */
	int64_t back_at;             /* when to try the first again */
	int fd;                      /* -1 while not connected */
	struct redis_tls *tls;       /* or NULL */
	struct redis_tls_link *link; /* NULL: in the clear */
	redisReader *reader;
	redisReplyObjectFunctions plain, limited;
	struct buf queue; /* what is not sent yet */
	size_t queued, awaited;
	int64_t await_until;
	char name[224]; /* for messages */
};

/* hiredis 1.0 widened the count. Its own limit differs between versions, so we set ours. */
#if HIREDIS_MAJOR > 0
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *create_array(const redisReadTask *task, element_count n)
{
	const struct redis_conn *c = task->privdata;
	int depth = 0;

	for (const redisReadTask *t = task; t != NULL; t = t->parent)
		depth++;
	if (n > REPLY_MAX_ELEMENTS || depth > REPLY_MAX_DEPTH)
		return NULL;
	return c->plain.createArray(task, n);
}

static int copy(char **dst, const char *src)
{
	if (src == NULL || src[0] == '\0')
		return E_OK;
	*dst = strdup(src);
	return *dst == NULL ? E_NOMEM : E_OK;
}

int redis_conn_open(const struct redis_conn_options *o, struct redis_conn **ret)
{
	struct redis_conn *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return E_NOMEM;
	c->fd = -1;
	c->tls = redis_tls_share(o->tls);
	buf_init(&c->queue, QUEUE_MAX_BYTES);
	c->port = o->port;
	c->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : 1000;
	if (copy(&c->socket, o->socket) || copy(&c->host, o->host) || copy(&c->user, o->user) ||
	    copy(&c->password, o->password) || copy(&c->sentinel_name, o->sentinel_name) ||
	    copy(&c->sentinel_user, o->sentinel_user) ||
	    copy(&c->sentinel_password, o->sentinel_password)) {
		redis_conn_close(c);
		return E_NOMEM;
	}
	if (o->servers != NULL && o->servers[0] != '\0') {
		rc = redis_route_parse(o->servers, &c->route, NULL);
		if (rc != E_OK) {
			redis_conn_close(c);
			return rc;
		}
	}
	if (c->socket != NULL)
		(void)snprintf(c->name, sizeof(c->name), "Redis at %.120s", c->socket);
	else
		(void)snprintf(c->name, sizeof(c->name), "Redis at %.110s:%d",
			       c->host == NULL ? "(no host)" : c->host, c->port);
	*ret = c;
	return E_OK;
}

static void forget_queue(struct redis_conn *c)
{
	buf_reset(&c->queue);
	c->queued = 0;
}

static void hang_up(struct redis_conn *c)
{
	c->awaited = 0;
	redis_tls_end(c->link);
	c->link = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	if (c->reader != NULL)
		redisReaderFree(c->reader);
	c->reader = NULL;
}

void redis_conn_close(struct redis_conn *c)
{
	if (c == NULL)
		return;
	hang_up(c);
	redis_tls_close(c->tls);
	buf_free(&c->queue);
	if (c->password != NULL)
		text_wipe(c->password, strlen(c->password));
	if (c->sentinel_password != NULL)
		text_wipe(c->sentinel_password, strlen(c->sentinel_password));
	free(c->sentinel_name);
	free(c->sentinel_user);
	free(c->sentinel_password);
	free(c->socket);
	free(c->host);
	free(c->user);
	free(c->password);
	free(c);
}

static int broken(struct redis_conn *c, int rc, struct errmsg *em)
{
	hang_up(c);
	if (rc == E_TIMEOUT)
		return err_set(em, rc, "%s did not answer within %d ms", c->name, c->deadline_ms);
	if (rc == E_UNAVAIL)
		return err_set(em, rc, "%s closed the connection; is it running and healthy?",
			       c->name);
	if (rc == E_INTERNAL)
		return err_set(em, rc, "%s sent something that is no valid reply", c->name);
	return err_set(em, rc, "%s: %s", c->name, err_text(rc));
}

static int send_bytes(struct redis_conn *c, const void *p, size_t n, int64_t deadline)
{
	return c->link != NULL ? redis_tls_send(c->link, p, n, deadline)
			       : redis_socket_send(c->fd, p, n, deadline);
}

static int recv_bytes(struct redis_conn *c, void *p, size_t size, int64_t deadline, size_t *ret_n)
{
	return c->link != NULL ? redis_tls_recv(c->link, p, size, deadline, ret_n)
			       : redis_socket_recv(c->fd, p, size, deadline, ret_n);
}

/* *ret goes to format_free. */
static int format(const struct bytes *argv, size_t argc, char **ret, size_t *ret_n)
{
	const char *args[ARGS_MAX] NOT_CLEARED;
	size_t lengths[ARGS_MAX] NOT_CLEARED, i;
	char *command = NULL;
	long long n;

	if (argc == 0 || argc > ARGS_MAX)
		return E_TOOBIG;
	for (i = 0; i < argc; i++) {
		args[i] = argv[i].n == 0 ? "" : (const char *)argv[i].p;
		lengths[i] = argv[i].n;
	}
	n = redisFormatCommandArgv(&command, (int)argc, args, lengths);
	if (n < 0)
		return E_NOMEM;
	*ret = command;
	*ret_n = (size_t)n;
	return E_OK;
}

static void format_free(char *command, size_t n)
{
	text_wipe(command, n); /* may have been AUTH */
	redisFreeCommand(command);
}

static int send_command(struct redis_conn *c, const struct bytes *argv, size_t argc,
			int64_t deadline)
{
	char *command = NULL;
	size_t n = 0;
	int rc = format(argv, argc, &command, &n);

	if (rc != E_OK)
		return rc;
	rc = send_bytes(c, command, n, deadline);
	format_free(command, n);
	return rc;
}

/* more: so many replies come behind this one. */
static int read_reply(struct redis_conn *c, int64_t deadline, size_t more, redisReply **ret,
		      size_t *ret_total)
{
	char chunk[16384] NOT_CLEARED;
	size_t n, total = 0;
	void *reply = NULL;
	bool late = false;
	int rc;

	for (;;) {
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
			return E_INTERNAL;
		if (reply != NULL) {
			/* Bytes beyond the reply would be taken for the next answer. */
			if (more == 0 && c->reader->pos != c->reader->len) {
				freeReplyObject(reply);
				return E_INTERNAL;
			}
			*ret = reply;
			return E_OK;
		}
		/* What has arrived by the deadline counts though this thread comes late; once, since a peer
		 * that trickles must not stretch it. */
		if (late)
			return E_TIMEOUT;
		late = clock_mono_ms() >= deadline;
		rc = recv_bytes(c, chunk, sizeof(chunk), deadline, &n);
		if (rc != E_OK)
			return rc;
		total += n;
		*ret_total = total;
		if (total > REPLY_MAX_BYTES)
			return E_INTERNAL;
		if (redisReaderFeed(c->reader, chunk, n) != REDIS_OK)
			return E_NOMEM;
	}
}

static int take_reply(struct redis_conn *c, redisReply *reply, struct reply **ret,
		      struct errmsg *em)
{
	int rc;

	if (reply->type != REDIS_REPLY_ERROR) {
		*ret = (struct reply *)reply;
		return E_OK;
	}
	rc = store_error_map(c->name, reply->str, c->user, em);
	freeReplyObject(reply);
	/* After a failover or a restart the next try may find a better server. */
	if (rc == E_BACKEND && c->awaited == 0)
		hang_up(c);
	return rc;
}

int redis_conn_error(const struct redis_conn *c, const char *error, struct errmsg *em)
{
	return store_error_map(c->name, error, c->user, em);
}

/* ret_silent: the peer hung up before the first byte of a reply. */
static int exchange(struct redis_conn *c, const struct bytes *argv, size_t argc, int64_t deadline,
		    struct reply **ret, bool *ret_silent, struct errmsg *em)
{
	redisReply *reply = NULL;
	size_t total = 0;
	int rc;

	rc = send_command(c, argv, argc, deadline);
	if (rc == E_OK)
		rc = read_reply(c, deadline, 0, &reply, &total);
	*ret_silent = rc == E_UNAVAIL && total == 0;
	if (rc == E_TOOBIG)
		return err_set(em, rc, "command with too many arguments"); /* nothing was sent */
	if (rc != E_OK)
		return broken(c, rc, em);
	return take_reply(c, reply, ret, em);
}

static int new_reader(struct redis_conn *c)
{
	c->reader = redisReaderCreate();
	if (c->reader == NULL)
		return E_NOMEM;
	c->plain = *c->reader->fn;
	c->limited = c->plain;
	c->limited.createArray = create_array;
	c->reader->fn = &c->limited;
	c->reader->privdata = c;
	return E_OK;
}

static int authenticate(struct redis_conn *c, const char *user, const char *password,
			int64_t deadline, struct errmsg *em)
{
	struct reply *reply = NULL;
	struct bytes argv[3];
	size_t n = 0;
	bool silent;
	int rc;

	argv[n++] = bytes_str("AUTH");
	if (user != NULL)
		argv[n++] = bytes_str(user);
	argv[n++] = bytes_str(password == NULL ? "" : password);
	rc = exchange(c, argv, n, deadline, &reply, &silent, em);
	reply_free(reply);
	if (rc != E_OK)
		hang_up(c);
	return rc;
}

/* Before the first byte of ours: passwords must not go to somebody else. */
static int secure(struct redis_conn *c, const char *host, int64_t deadline, struct errmsg *em)
{
	struct errmsg why = {""};
	int rc;

	if (c->tls == NULL)
		return E_OK;
	rc = redis_tls_connect(c->tls, c->fd, host, deadline, &c->link, &why);
	if (rc == E_OK)
		return E_OK;
	rc = broken(c, rc, em);
	return why.text[0] == '\0' ? rc : err_set(em, rc, "%s: %s", c->name, why.text);
}

static int attach(struct redis_conn *c, const struct redis_way *w, int64_t deadline,
		  struct errmsg *em)
{
	const char *whose = w->kind == REDIS_SENTINEL ? "the Sentinel" : "Redis";
	int rc;

	if (w->kind == REDIS_UNIX) {
		(void)snprintf(c->name, sizeof(c->name), "Redis at %s", w->host);
		rc = redis_socket_unix(w->host, deadline, &c->fd);
	} else {
		(void)snprintf(c->name, sizeof(c->name), "%s at %s:%d", whose, w->host, w->port);
		rc = redis_socket_tcp(w->host, w->port, deadline, &c->fd);
	}
	if (rc == E_TIMEOUT)
		return broken(c, rc, em);
	if (rc != E_OK)
		return err_set(em, rc, "cannot connect to %s; is it running?", c->name);
	rc = new_reader(c);
	if (rc != E_OK)
		return broken(c, rc, em);
	return w->kind == REDIS_UNIX ? E_OK : secure(c, w->host, deadline, em);
}

/* A text of a reply, "" when it is something else or not all of it is text. */
static const char *text_at(const struct reply *r, size_t i)
{
	struct bytes v = reply_bytes(reply_at(r, i));

	return v.p == NULL || memchr(v.p, '\0', v.n) != NULL ? "" : (const char *)v.p;
}

static int ask_sentinel(struct redis_conn *c, const struct redis_way *w, struct redis_way *ret,
			int64_t deadline, struct errmsg *em)
{
	const struct bytes argv[3] = {bytes_str("SENTINEL"), bytes_str("get-master-addr-by-name"),
				      bytes_str(c->sentinel_name == NULL ? "" : c->sentinel_name)};
	struct reply *reply = NULL;
	bool silent;
	int rc;

	rc = attach(c, w, deadline, em);
	if (rc == E_OK && c->sentinel_password != NULL)
		rc = authenticate(c, c->sentinel_user, c->sentinel_password, deadline, em);
	if (rc == E_OK)
		rc = exchange(c, argv, 3, deadline, &reply, &silent, em);
	hang_up(c);
	if (rc != E_OK)
		return rc;
	if (reply_kind(reply) == REPLY_NIL)
		rc = err_set(em, E_BACKEND, "%s knows no primary of the name %.60s", c->name,
			     c->sentinel_name == NULL ? "" : c->sentinel_name);
	else if (reply_count(reply) != 2 ||
		 !redis_route_address(text_at(reply, 0), text_at(reply, 1), ret))
		rc = err_set(em, E_BACKEND, "%s does not give the address of a primary", c->name);
	reply_free(reply);
	return rc;
}

/* Sentinel may be behind, and a server may have been demoted since. */
static int check_primary(struct redis_conn *c, int64_t deadline, struct errmsg *em)
{
	const struct bytes argv[1] = {bytes_str("ROLE")};
	struct reply *reply = NULL;
	bool silent;
	int rc = exchange(c, argv, 1, deadline, &reply, &silent, em);

	if (rc == E_OK && strcmp(text_at(reply, 0), "master") != 0)
		rc = err_set(em, E_BACKEND, "%s is named by Sentinel and is no primary", c->name);
	reply_free(reply);
	if (rc != E_OK)
		hang_up(c);
	return rc;
}

static int connect_to(struct redis_conn *c, const struct redis_way *w, int64_t deadline,
		      struct errmsg *em)
{
	struct redis_way primary = {.kind = REDIS_TCP};
	int rc = E_OK;

	if (w->kind == REDIS_SENTINEL) {
		rc = ask_sentinel(c, w, &primary, deadline, em);
		if (rc == E_OK)
			rc = attach(c, &primary, deadline, em);
	} else {
		rc = attach(c, w, deadline, em);
	}
	if (rc == E_OK && c->user != NULL)
		rc = authenticate(c, c->user, c->password, deadline, em);
	if (rc == E_OK && w->kind == REDIS_SENTINEL)
		rc = check_primary(c, deadline, em);
	return rc;
}

static int connect_host(struct redis_conn *c, int64_t deadline, struct errmsg *em)
{
	int rc;

	if (c->socket != NULL)
		rc = redis_socket_unix(c->socket, deadline, &c->fd);
	else if (c->host != NULL)
		rc = redis_socket_tcp(c->host, c->port, deadline, &c->fd);
	else
		return err_set(em, E_CONFIG, "neither a socket nor a host of Redis is configured");
	if (rc == E_TIMEOUT)
		return broken(c, rc, em);
	if (rc != E_OK)
		return err_set(em, rc, "cannot connect to %s; is redis-server running?", c->name);
	rc = new_reader(c);
	if (rc != E_OK)
		return broken(c, rc, em);
	if (c->socket == NULL)
		rc = secure(c, c->host, deadline, em);
	return rc != E_OK || c->user == NULL ? rc
					     : authenticate(c, c->user, c->password, deadline, em);
}

static bool is_stale(struct redis_conn *c)
{
	return c->link != NULL ? redis_tls_settle(c->link) != E_OK : redis_socket_is_stale(c->fd);
}

static int make_ready(struct redis_conn *c, int64_t deadline, struct errmsg *em)
{
	if (c->fd >= 0 && is_stale(c))
		hang_up(c);
	if (c->fd >= 0)
		return E_OK;
	if (c->route.n == 0)
		return connect_host(c, deadline, em);
	return connect_to(c, &c->route.ways[c->at], deadline, em);
}

static bool is_read(struct bytes command)
{
	return command.n == 8 && memcmp(command.p, "FCALL_RO", 8) == 0;
}

/* ret_again: another server may be asked the same. */
static int run_here(struct redis_conn *c, const struct bytes *argv, size_t argc, int64_t deadline,
		    struct reply **ret, bool *ret_again, struct errmsg *em)
{
	bool reused = c->fd >= 0, silent;
	int rc;

	*ret_again = true;
	rc = make_ready(c, deadline, em);
	if (rc != E_OK)
		return rc;
	rc = exchange(c, argv, argc, deadline, ret, &silent, em);
	/* Redis may have closed an idle connection (restart, ACL LOAD) just before. To read once more is
	 * harmless; whether to write once more is for the caller to say. */
	if (rc == E_UNAVAIL && silent && reused && is_read(argv[0])) {
		rc = make_ready(c, deadline, em);
		if (rc == E_OK)
			rc = exchange(c, argv, argc, deadline, ret, &silent, em);
	}
	/* Hung up: it serves nobody, or its answer was none. */
	*ret_again = c->fd < 0 && (rc == E_BACKEND || is_read(argv[0]));
	return rc;
}

/* The next one that is asked is another server, where there are several. */
static void turn_away(struct redis_conn *c)
{
	if (c->route.n < 2)
		return;
	c->at = (c->at + 1) % c->route.n;
	c->back_at = clock_mono_ms() + BACK_MS;
}

/* From time to time the first one again; a Sentinel names the right one wherever it stands. */
static void turn_back(struct redis_conn *c)
{
	if (c->at == 0 || clock_mono_ms() < c->back_at ||
	    c->route.ways[c->at].kind == REDIS_SENTINEL)
		return;
	hang_up(c);
	c->at = 0;
}

int redis_conn_run(struct redis_conn *c, const struct bytes *argv, size_t argc, struct reply **ret,
		   struct errmsg *em)
{
	int64_t now = clock_mono_ms(), deadline = now + c->deadline_ms;
	size_t n = c->route.n > 0 ? c->route.n : 1, left;
	bool again = true;
	int rc = E_INTERNAL;

	forget_queue(c);
	if (c->awaited > 0)
		hang_up(c); /* their answers would be taken for this one's */
	turn_back(c);
	for (left = n; left > 0 && again; left--) {
		/* What is left of the deadline is shared evenly, so that one that hangs does not take all. */
		now = clock_mono_ms();
		rc = run_here(c, argv, argc, now + (deadline - now) / (int64_t)left, ret, &again,
			      em);
		if (rc == E_OK || !again)
			break;
		turn_away(c);
	}
	return rc;
}

void redis_conn_forget(struct redis_conn *c)
{
	forget_queue(c);
}

int redis_conn_queue(struct redis_conn *c, const struct bytes *argv, size_t argc)
{
	char *command = NULL;
	size_t n = 0;
	int rc;

	if (c->queued == QUEUE_MAX)
		return E_TOOBIG;
	rc = format(argv, argc, &command, &n);
	if (rc != E_OK)
		return rc;
	buf_add(&c->queue, command, n);
	format_free(command, n);
	c->queued++;
	return buf_error(&c->queue);
}

int redis_conn_flush(struct redis_conn *c, struct errmsg *em)
{
	int rc;

	if (c->awaited > 0)
		hang_up(c);
	turn_back(c);
	c->await_until = clock_mono_ms() + c->deadline_ms;
	rc = buf_error(&c->queue);
	if (rc == E_OK)
		rc = make_ready(c, c->await_until, em);
	else
		(void)err_set(em, rc, "%s", err_text(rc));
	if (rc == E_OK) {
		rc = send_bytes(c, c->queue.p, c->queue.n, c->await_until);
		if (rc != E_OK)
			rc = broken(c, rc, em);
		else
			c->awaited = c->queued;
	}
	if (rc != E_OK && rc != E_TOOBIG)
		turn_away(c);
	forget_queue(c);
	return rc;
}

int redis_conn_next(struct redis_conn *c, struct reply **ret, struct errmsg *em)
{
	redisReply *reply = NULL;
	size_t total = 0;
	int rc;

	if (c->awaited == 0)
		return err_set(em, E_UNAVAIL, "%s: no more answers come", c->name);
	rc = read_reply(c, c->await_until, c->awaited - 1, &reply, &total);
	if (rc == E_OK) {
		c->awaited--;
		rc = take_reply(c, reply, ret, em);
	} else {
		(void)broken(c, rc, em);
	}
	/* Hung up: it serves nobody, or its answer was none. */
	if (c->fd < 0)
		turn_away(c);
	return rc;
}

void reply_free(struct reply *r)
{
	if (r != NULL)
		freeReplyObject(r);
}

static const redisReply *in(const struct reply *r)
{
	return (const redisReply *)r;
}

enum reply_kind reply_kind(const struct reply *r)
{
	if (r == NULL)
		return REPLY_OTHER;
	switch (in(r)->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		return REPLY_TEXT;
	case REDIS_REPLY_INTEGER:
		return REPLY_INT;
	case REDIS_REPLY_ARRAY:
		return REPLY_ARRAY;
	case REDIS_REPLY_NIL:
		return REPLY_NIL;
	default:
		return REPLY_OTHER;
	}
}

size_t reply_count(const struct reply *r)
{
	return reply_kind(r) == REPLY_ARRAY ? in(r)->elements : 0;
}

const struct reply *reply_at(const struct reply *r, size_t i)
{
	return i < reply_count(r) ? (const struct reply *)in(r)->element[i] : NULL;
}

struct bytes reply_bytes(const struct reply *r)
{
	if (reply_kind(r) != REPLY_TEXT)
		return bytes_of(NULL, 0);
	return bytes_of(in(r)->str, (size_t)in(r)->len);
}

int64_t reply_integer(const struct reply *r)
{
	return reply_kind(r) == REPLY_INT ? in(r)->integer : 0;
}
