#include "core/store/redis_conn.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/redis_socket.h"
#include "core/store/store_error.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <unistd.h>

/* More than any of our replies; a server that sends more is broken or not ours. */
#define REPLY_MAX_BYTES (16u << 20)
#define REPLY_MAX_ELEMENTS 200000
#define ARGS_MAX 256

struct redis_conn {
	char *socket, *host, *user, *password;
	int port, deadline_ms;
	int fd; /* -1 while not connected */
	redisReader *reader;
	redisReplyObjectFunctions plain, limited;
	char name[160]; /* for messages */
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

	if (n > REPLY_MAX_ELEMENTS)
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

	if (c == NULL)
		return E_NOMEM;
	c->fd = -1;
	c->port = o->port;
	c->deadline_ms = o->deadline_ms > 0 ? o->deadline_ms : 1000;
	if (copy(&c->socket, o->socket) || copy(&c->host, o->host) || copy(&c->user, o->user) ||
	    copy(&c->password, o->password)) {
		redis_conn_close(c);
		return E_NOMEM;
	}
	if (c->socket != NULL)
		(void)snprintf(c->name, sizeof(c->name), "Redis at %.120s", c->socket);
	else
		(void)snprintf(c->name, sizeof(c->name), "Redis at %.110s:%d",
			       c->host == NULL ? "(no host)" : c->host, c->port);
	*ret = c;
	return E_OK;
}

static void hang_up(struct redis_conn *c)
{
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
	if (c->password != NULL)
		text_wipe(c->password, strlen(c->password));
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

static int send_command(struct redis_conn *c, const struct bytes *argv, size_t argc,
			int64_t deadline)
{
	const char *args[ARGS_MAX];
	size_t lengths[ARGS_MAX], i;
	char *command = NULL;
	long long n;
	int rc;

	if (argc == 0 || argc > ARGS_MAX)
		return E_TOOBIG;
	for (i = 0; i < argc; i++) {
		args[i] = argv[i].n == 0 ? "" : (const char *)argv[i].p;
		lengths[i] = argv[i].n;
	}
	n = redisFormatCommandArgv(&command, (int)argc, args, lengths);
	if (n < 0)
		return E_NOMEM;
	rc = redis_socket_send(c->fd, command, (size_t)n, deadline);
	text_wipe(command, (size_t)n); /* may have been AUTH */
	redisFreeCommand(command);
	return rc;
}

static int read_reply(struct redis_conn *c, int64_t deadline, redisReply **ret, size_t *ret_total)
{
	char chunk[16384];
	size_t n, total = 0;
	void *reply = NULL;
	int rc;

	for (;;) {
		if (redisReaderGetReply(c->reader, &reply) != REDIS_OK)
			return E_INTERNAL;
		if (reply != NULL) {
			/* Bytes beyond the reply would be taken for the next answer. */
			if (c->reader->pos != c->reader->len) {
				freeReplyObject(reply);
				return E_INTERNAL;
			}
			*ret = reply;
			return E_OK;
		}
		rc = redis_socket_recv(c->fd, chunk, sizeof(chunk), deadline, &n);
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

/* ret_silent: the peer hung up before the first byte of a reply. */
static int exchange(struct redis_conn *c, const struct bytes *argv, size_t argc, int64_t deadline,
		    struct reply **ret, bool *ret_silent, struct errmsg *em)
{
	redisReply *reply = NULL;
	size_t total = 0;
	int rc;

	rc = send_command(c, argv, argc, deadline);
	if (rc == E_OK)
		rc = read_reply(c, deadline, &reply, &total);
	*ret_silent = rc == E_UNAVAIL && total == 0;
	if (rc == E_TOOBIG)
		return err_set(em, rc, "command with too many arguments"); /* nothing was sent */
	if (rc != E_OK)
		return broken(c, rc, em);
	if (reply->type == REDIS_REPLY_ERROR) {
		rc = store_error_map(c->name, reply->str, c->user, em);
		freeReplyObject(reply);
		/* After a failover or a restart the next try may find a better server. */
		if (rc == E_BACKEND)
			hang_up(c);
		return rc;
	}
	*ret = (struct reply *)reply;
	return E_OK;
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

static int authenticate(struct redis_conn *c, int64_t deadline, struct errmsg *em)
{
	const char *password = c->password == NULL ? "" : c->password;
	struct bytes argv[3];
	struct reply *reply = NULL;
	bool silent;
	int rc;

	if (c->user == NULL)
		return E_OK;
	argv[0] = bytes_str("AUTH");
	argv[1] = bytes_str(c->user);
	argv[2] = bytes_str(password);
	rc = exchange(c, argv, 3, deadline, &reply, &silent, em);
	reply_free(reply);
	if (rc != E_OK)
		hang_up(c);
	return rc;
}

static int make_ready(struct redis_conn *c, int64_t deadline, struct errmsg *em)
{
	int rc;

	if (c->fd >= 0 && redis_socket_is_stale(c->fd))
		hang_up(c);
	if (c->fd >= 0)
		return E_OK;
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
	return authenticate(c, deadline, em);
}

static bool is_read(struct bytes command)
{
	return command.n == 8 && memcmp(command.p, "FCALL_RO", 8) == 0;
}

int redis_conn_run(struct redis_conn *c, const struct bytes *argv, size_t argc, struct reply **ret,
		   struct errmsg *em)
{
	int64_t deadline = clock_mono_ms() + c->deadline_ms;
	bool reused = c->fd >= 0, silent;
	int rc;

	rc = make_ready(c, deadline, em);
	if (rc != E_OK)
		return rc;
	rc = exchange(c, argv, argc, deadline, ret, &silent, em);
	/* Redis may have closed an idle connection (restart, ACL LOAD) just before. To read once more is
	 * harmless; whether to write once more is for the caller to say. */
	if (rc != E_UNAVAIL || !silent || !reused || !is_read(argv[0]))
		return rc;
	rc = make_ready(c, deadline, em);
	return rc == E_OK ? exchange(c, argv, argc, deadline, ret, &silent, em) : rc;
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
