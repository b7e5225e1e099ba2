/* TLS to a real Redis: right, and every way to be wrong. */
#include "core/store/redis_conn.h"
#include "core/store/redis_tls.h"
#include "tests/support/store_story.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A stalled server would hold the caller for ever; a busy machine only for a while. */
#define DEADLINE 400
#define BOUND (DEADLINE + 5000)

static int tls_port, plain_port;
static char path_text[2][128];

static const char make_certificates[] =
	"set -e; cd \"$1\"; exec >log 2>&1\n"
	"key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
	"for ca in ca other; do\n"
	"	openssl req -x509 $key -keyout $ca.key -out $ca.pem -subj /CN=$ca -days 30\n"
	"done\n"
	"one() {\n" /* NAME SAN [WRAPPER ...] */
	"	name=$1 san=$2; shift 2\n"
	"	openssl req $key -keyout $name.key -out $name.csr -subj /CN=redis.test\n"
	"	echo \"subjectAltName=$san\" >ext\n"
	"	\"$@\" openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial "
	"\\\n"
	"		-days 20 -extfile ext -out $name.pem\n"
	"}\n"
	"one good IP:127.0.0.1,DNS:redis.test env\n"
	"one strange IP:192.0.2.1,DNS:strange.test env\n"
	"one expired IP:127.0.0.1 faketime '2020-01-01 00:00:00'\n"
	"one client DNS:client env\n"
	"cat client.pem client.key >both.pem\n"
	"openssl pkey -in client.key -aes128 -passout pass:x -out locked.key\n";

static const char *file(const char *name, int slot)
{
	(void)snprintf(path_text[slot], sizeof(path_text[slot]), "%s/tls/%s", S.redis.dir, name);
	return path_text[slot];
}

static void set(const char *key, const char *value)
{
	if (strcmp(RAW("installer", "CONFIG", "SET", key, value), "OK") != 0)
		fail_msg("%s %s: %s", key, value, told);
}

/* Any certificate but "good" is put back by the test that sets it. */
static void serve(const char *name)
{
	char cert[32], key[32];

	(void)snprintf(cert, sizeof(cert), "%s.pem", name);
	(void)snprintf(key, sizeof(key), "%s.key", name);
	if (strcmp(RAW("installer", "CONFIG", "SET", "tls-cert-file", file(cert, 0), "tls-key-file",
		       file(key, 1)),
		   "OK") != 0)
		fail_msg("%s: %s", name, told);
}

static int free_port(const char *key)
{
	static int port;
	char text[16];

	if (port == 0)
		port = 20000 + (int)getpid() % 20000;
	for (port++; port < 65000; port++) {
		(void)snprintf(text, sizeof(text), "%d", port);
		if (strcmp(RAW("installer", "CONFIG", "SET", key, text), "OK") == 0)
			return port;
	}
	fail_msg("no port: %s", told);
	return 0;
}

static void shell(const char *script, const char *argument)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execl("/bin/sh", "sh", "-c", script, "sh", argument, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("no certificates, see %s/log", argument);
}

static int start(void **state)
{
	char folder[128];

	if (story_start(state) != 0)
		return -1;
	(void)snprintf(folder, sizeof(folder), "%s/tls", S.redis.dir);
	assert_int_equal(mkdir(folder, 0700), 0);
	shell(make_certificates, folder);
	set("tls-ca-cert-file", file("ca.pem", 0));
	set("tls-auth-clients", "no");
	serve("good");
	tls_port = free_port("tls-port");
	plain_port = free_port("port");
	return 0;
}

static int end(void **state)
{
	char folder[128];

	(void)snprintf(folder, sizeof(folder), "%s/tls", S.redis.dir);
	shell("rm -rf \"$1\"", folder);
	return story_end(state);
}

static struct redis_tls *tls_of(const char *ca, const char *cert, const char *key, const char *name)
{
	char paths[3][128];
	struct redis_tls_options o = {.server_name = name};
	struct redis_tls *t = NULL;

	(void)snprintf(paths[0], sizeof(paths[0]), "%s/tls/%s", S.redis.dir, ca);
	(void)snprintf(paths[1], sizeof(paths[1]), "%s/tls/%s", S.redis.dir,
		       cert == NULL ? "" : cert);
	(void)snprintf(paths[2], sizeof(paths[2]), "%s/tls/%s", S.redis.dir,
		       key == NULL ? "" : key);
	o.ca_file = paths[0];
	o.cert_file = cert == NULL ? NULL : paths[1];
	o.key_file = key == NULL ? NULL : paths[2];
	OK(redis_tls_open(&o, &t, &S.em));
	return t;
}

static struct redis_conn *conn_to(struct redis_tls *t, const char *host, int port, int deadline_ms)
{
	const struct redis_conn_options o = {.host = host,
					     .port = port,
					     .user = "installer",
					     .password = "pw-installer",
					     .tls = t,
					     .deadline_ms = deadline_ms};
	struct redis_conn *c = NULL;

	OK(redis_conn_open(&o, &c));
	redis_tls_close(t); /* c has its share */
	return c;
}

static int run(struct redis_conn *c, int64_t *ret, const char *word, const char *second)
{
	const struct bytes argv[2] = {bytes_str(word), bytes_str(second)};
	struct reply *r = NULL;
	int rc = redis_conn_run(c, argv, 2, &r, &S.em);

	if (rc == E_OK && ret != NULL)
		*ret = reply_integer(r);
	reply_free(r);
	return rc;
}

static int once(struct redis_tls *t, int port, int deadline_ms)
{
	struct redis_conn *c = conn_to(t, "127.0.0.1", port, deadline_ms);
	int64_t begin = clock_mono_ms();
	int rc;

	S.em.text[0] = '\0';
	rc = run(c, NULL, "CLIENT", "ID");
	redis_conn_close(c);
	if (clock_mono_ms() - begin > deadline_ms + 5000)
		fail_msg("took %d ms", (int)(clock_mono_ms() - begin));
	return rc;
}

static void says(const char *part)
{
	if (strstr(S.em.text, part) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", S.em.text, part);
}

static void right(void **state)
{
	static const char *const names[] = {NULL, "", "127.0.0.1", "redis.test"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		OK(once(tls_of("ca.pem", NULL, NULL, names[i]), tls_port, 5000));
}

/* Session tickets come after the handshake: they must not look like bytes that nobody asked for. */
static void one_connection_for_all(void **state)
{
	static const char *const protocols[] = {"TLSv1.3", "TLSv1.2", "TLSv1.2 TLSv1.3"};
	const struct timespec moment = {.tv_nsec = 50000000};
	struct redis_conn *c;
	int64_t first = 0, later = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		set("tls-protocols", protocols[i]);
		c = conn_to(tls_of("ca.pem", NULL, NULL, NULL), "127.0.0.1", tls_port, 5000);
		OK(run(c, &first, "CLIENT", "ID"));
		(void)nanosleep(&moment, NULL);
		OK(run(c, &later, "CLIENT", "ID"));
		assert_int_equal(first, later);
		redis_conn_close(c);
	}
}

/* More than a record, both ways, and several commands in one piece. */
static void much(void **state)
{
	struct redis_conn *c =
		conn_to(tls_of("ca.pem", NULL, NULL, NULL), "127.0.0.1", tls_port, 5000);
	const size_t n = 300000;
	char *text = malloc(n);
	const struct bytes argv[2] = {bytes_str("ECHO"), bytes_of(text, n)};
	struct reply *r = NULL;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	OK(redis_conn_run(c, argv, 2, &r, &S.em));
	assert_int_equal(reply_bytes(r).n, n);
	assert_memory_equal(reply_bytes(r).p, text, n);
	reply_free(r);
	for (int i = 0; i < 3; i++)
		OK(redis_conn_queue(c, argv, 2));
	OK(redis_conn_flush(c, &S.em));
	for (int i = 0; i < 3; i++) {
		OK(redis_conn_next(c, &r, &S.em));
		assert_int_equal(reply_bytes(r).n, n);
		reply_free(r);
	}
	redis_conn_close(c);
	free(text);
}

static void wrong_certificates(void **state)
{
	char ca[128];
	const struct redis_tls_options dot = {.ca_file = ca, .server_name = ".test"};
	struct redis_tls *t = NULL;

	(void)state;
	FAILS(once(tls_of("other.pem", NULL, NULL, NULL), tls_port, 5000), E_UNAVAIL);
	says("not to be trusted");
	FAILS(once(tls_of("ca.pem", NULL, NULL, "other.test"), tls_port, 5000), E_UNAVAIL);
	says("not to be trusted");
	FAILS(once(tls_of("ca.pem", NULL, NULL, "192.0.2.1"), tls_port, 5000), E_UNAVAIL);
	says("not to be trusted");
	/* a name that begins with a dot would be any name below it */
	(void)snprintf(ca, sizeof(ca), "%s/tls/ca.pem", S.redis.dir);
	FAILS(redis_tls_open(&dot, &t, &S.em), E_CONFIG);
	says("begin with a dot");
	assert_null(t);
	serve("strange");
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, 5000), E_UNAVAIL);
	says("127.0.0.1");
	OK(once(tls_of("ca.pem", NULL, NULL, "strange.test"), tls_port, 5000));
	serve("expired");
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, 5000), E_UNAVAIL);
	says("expired");
	serve("good");
	OK(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, 5000));
}

static void our_certificate(void **state)
{
	(void)state;
	set("tls-auth-clients", "yes");
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, 5000), E_UNAVAIL);
	OK(once(tls_of("ca.pem", "client.pem", "client.key", NULL), tls_port, 5000));
	OK(once(tls_of("ca.pem", "both.pem", NULL, NULL), tls_port, 5000));
	FAILS(once(tls_of("ca.pem", "other.pem", "other.key", NULL), tls_port, 5000), E_UNAVAIL);
	set("tls-auth-clients", "no");
}

static void bad_files(void **state)
{
	static const struct {
		const char *ca, *cert, *key, *part;
	} rows[] = {
		{NULL, NULL, NULL, "the CA to trust"},
		{"none.pem", NULL, NULL, "none.pem"},
		{"ext", NULL, NULL, "ext"},
		{"ca.pem", NULL, "client.key", "without its certificate"},
		{"ca.pem", "none.pem", NULL, "none.pem"},
		{"ca.pem", "client.pem", NULL, "client.pem"},
		{"ca.pem", "client.pem", "good.key", "good.key"},
		{"ca.pem", "client.pem", "locked.key", "locked.key"},
	};
	char paths[3][128];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const names[3] = {rows[i].ca, rows[i].cert, rows[i].key};
		struct redis_tls *t = NULL;
		struct redis_tls_options o;

		for (size_t k = 0; k < 3; k++)
			(void)snprintf(paths[k], sizeof(paths[k]), names[k] ? "%s/tls/%s" : "",
				       S.redis.dir, names[k]);
		o = (struct redis_tls_options){
			.ca_file = paths[0], .cert_file = paths[1], .key_file = paths[2]};
		FAILS(redis_tls_open(&o, &t, &S.em), E_CONFIG);
		assert_null(t);
		says(rows[i].part);
	}
}

/* A unix socket of the same options stays as it is. */
static void unix_socket(void **state)
{
	struct redis_tls *t = tls_of("other.pem", NULL, NULL, NULL);
	const struct store_options o = {.socket = S.redis.socket,
					.user = "radius",
					.password = "pw-radius",
					.tls = t,
					.deadline_ms = 5000};
	struct store *s = NULL;

	(void)state;
	OK(store_open(&o, &s));
	OK(store_ping(s, &S.em));
	store_close(s);
	redis_tls_close(t);
}

/* Among several servers the one that cannot be trusted is passed over. */
static void in_a_list(void **state)
{
	struct redis_tls *t = tls_of("ca.pem", NULL, NULL, NULL);
	char servers[128];
	struct store_options o = {
		.user = "radius", .password = "pw-radius", .tls = t, .deadline_ms = 5000};
	struct store_pool *pool = NULL;
	struct store *s;

	(void)state;
	(void)snprintf(servers, sizeof(servers), "127.0.0.1:%d, 127.0.0.1:%d", plain_port,
		       tls_port);
	o.servers = servers;
	OK(store_pool_open(&o, 2, &pool));
	redis_tls_close(t);
	for (int i = 0; i < 2; i++) {
		s = store_pool_get(pool);
		assert_non_null(s);
		OK(store_ping(s, &S.em));
		store_pool_put(pool, s);
	}
	store_pool_close(pool);
}

static void frozen(void **state)
{
	struct redis_conn *c =
		conn_to(tls_of("ca.pem", NULL, NULL, NULL), "127.0.0.1", tls_port, DEADLINE);

	(void)state;
	test_redis_freeze(&S.redis, 1);
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, DEADLINE), E_TIMEOUT);
	FAILS(run(c, NULL, "CLIENT", "ID"), E_TIMEOUT);
	test_redis_freeze(&S.redis, 0);
	redis_conn_close(c);
	OK(once(tls_of("ca.pem", NULL, NULL, NULL), tls_port, 5000));
}

/* --- servers that are none ------------------------------------------------------------------------- */

struct impostor {
	int fd, port;
	pthread_t thread;
	const char *say;
	size_t n;
	bool drips, password_seen;
};

static void *pose(void *arg)
{
	const struct timespec t = {.tv_nsec = 20000000};
	struct impostor *p = arg;
	char heard[4096];
	size_t i;
	int fd;

	while ((fd = accept(p->fd, NULL, NULL)) >= 0) {
		ssize_t n = recv(fd, heard, sizeof(heard), 0);

		for (i = 0;
		     p->drips && send(fd, p->say + (i < p->n ? i : p->n - 1), 1, MSG_NOSIGNAL) == 1;
		     i++)
			(void)nanosleep(&t, NULL);
		if (!p->drips && p->n > 0)
			(void)send(fd, p->say, p->n, MSG_NOSIGNAL);
		while (n > 0) {
			if (memmem(heard, (size_t)n, "pw-installer", 12) != NULL)
				p->password_seen = true;
			n = recv(fd, heard, sizeof(heard), 0);
		}
		(void)close(fd);
	}
	return NULL;
}

static int posed(const char *text, size_t n, bool drips)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct impostor p = {.say = text, .n = n, .drips = drips};
	socklen_t size = sizeof(sa);
	int rc;

	p.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p.fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(p.fd, 8), 0);
	assert_int_equal(getsockname(p.fd, (struct sockaddr *)&sa, &size), 0);
	assert_int_equal(pthread_create(&p.thread, NULL, pose, &p), 0);
	rc = once(tls_of("ca.pem", NULL, NULL, NULL), ntohs(sa.sin_port), DEADLINE);
	(void)shutdown(p.fd, SHUT_RDWR);
	assert_int_equal(pthread_join(p.thread, NULL), 0);
	(void)close(p.fd);
	assert_false(p.password_seen);
	return rc;
}
#define POSED(text, drips) posed(text, sizeof(text) - 1, drips)

static void impostors(void **state)
{
	(void)state;
	FAILS(POSED("", false), E_TIMEOUT);
	/* a record of 16 KiB that is on its way, byte by byte */
	FAILS(POSED("\x16\x03\x03\x40\x00\x02", true), E_TIMEOUT);
	FAILS(POSED("+OK\r\n+OK\r\n", false), E_UNAVAIL);
	says("no TLS");
	FAILS(POSED("-ERR unknown command\r\n", false), E_UNAVAIL);
	FAILS(POSED("\x15\x03\x03\x00\x02\x02\x28", false), E_UNAVAIL);
	says("alert");
}

/* --- a server that is to be trusted and lies --------------------------------------------------------- */

struct liar {
	int fd;
	pthread_t thread;
	bool wants_certificate;
	bool is_old; /* speaks nothing newer than TLS 1.1 */
	bool is_sentinel;
};

static void lie(int fd, SSL *ssl, bool is_sentinel)
{
	const struct timespec pause = {.tv_sec = 5};
	char heard[4096];
	char primary[64], port[8];
	int n, answers = 0, cork = 1;

	if (SSL_accept(ssl) != 1) {
		/* no reset, which would overtake the alert */
		while (recv(fd, heard, sizeof(heard), 0) > 0)
			continue;
		return;
	}
	while ((n = SSL_read(ssl, heard, sizeof(heard))) > 0) {
		if (memmem(heard, (size_t)n, "AUTH", 4) != NULL) {
			(void)SSL_write(ssl, "+OK\r\n", 5);
			continue;
		}
		if (is_sentinel) {
			(void)snprintf(port, sizeof(port), "%d", tls_port);
			n = snprintf(primary, sizeof(primary),
				     "*2\r\n$9\r\n127.0.0.1\r\n$%zu\r\n%s\r\n", strlen(port), port);
			(void)SSL_write(ssl, primary, n);
			continue;
		}
		if (answers++ > 0) { /* of this connection: never again */
			(void)nanosleep(&pause, NULL);
			return;
		}
		/* Two records in one segment: the second is in memory when the first is read. */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
		(void)SSL_write(ssl, ":1\r\n", 4);
		(void)SSL_write(ssl, ":2\r\n", 4);
		cork = 0;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &cork, sizeof(cork));
	}
}

static void *lies(void *arg)
{
	const struct liar *l = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;
	int fd;

	if (SSL_CTX_use_certificate_file(ctx, file("good.pem", 0), SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, file("good.key", 0), SSL_FILETYPE_PEM) != 1)
		return NULL;
	if (l->is_old) {
		(void)SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
		(void)SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	}
	if (l->wants_certificate)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	while ((fd = accept(l->fd, NULL, NULL)) >= 0) {
		ssl = SSL_new(ctx);
		(void)SSL_set_fd(ssl, fd);
		lie(fd, ssl, l->is_sentinel);
		SSL_free(ssl);
		(void)close(fd);
	}
	SSL_CTX_free(ctx);
	return NULL;
}

static void liar_start(struct liar *l, int *ret_port)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(sa);

	l->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(l->fd, (const struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(l->fd, 8), 0);
	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&sa, &size), 0);
	assert_int_equal(pthread_create(&l->thread, NULL, lies, l), 0);
	*ret_port = ntohs(sa.sin_port);
}

static void liar_stop(struct liar *l)
{
	(void)shutdown(l->fd, SHUT_RDWR);
	assert_int_equal(pthread_join(l->thread, NULL), 0);
	(void)close(l->fd);
}

/* What is left over of one answer must never be taken for the next. */
static void one_answer_too_many(void **state)
{
	struct redis_conn *c;
	struct liar l = {.fd = -1};
	int64_t got = 0;
	int port;

	(void)state;
	liar_start(&l, &port);
	c = conn_to(tls_of("ca.pem", NULL, NULL, NULL), "127.0.0.1", port, 5000);
	for (int i = 0; i < 3; i++) {
		OK(run(c, &got, "CLIENT", "ID"));
		assert_int_equal(got, 1);
	}
	redis_conn_close(c);
	liar_stop(&l);
}

/* TLS 1.3: our side of the handshake is done before the server has looked at our certificate. */
static void refused_by_alert(void **state)
{
	struct liar l = {.fd = -1, .wants_certificate = true};
	int port;

	(void)state;
	liar_start(&l, &port);
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), port, 5000), E_UNAVAIL);
	liar_stop(&l);
}

/* It is refused by us, not by what the system allows: see main. */
static void old_protocols(void **state)
{
	struct liar l = {.fd = -1, .is_old = true};
	int port;

	(void)state;
	liar_start(&l, &port);
	FAILS(once(tls_of("ca.pem", NULL, NULL, NULL), port, 5000), E_UNAVAIL);
	says("no TLS");
	liar_stop(&l);
}

/* Sentinel and the primary that it names, both with TLS. */
static void by_sentinel(void **state)
{
	static const char *const names[] = {"127.0.0.1", "other.test"};
	struct liar l = {.fd = -1, .is_sentinel = true};
	char servers[64];
	int port;

	(void)state;
	liar_start(&l, &port);
	(void)snprintf(servers, sizeof(servers), "sentinel:127.0.0.1:%d", port);
	for (size_t i = 0; i < 2; i++) {
		const struct redis_conn_options o = {
			.servers = servers,
			.sentinel_name = "campus",
			.sentinel_password = "secret-of-sentinel",
			.user = "installer",
			.password = "pw-installer",
			.tls = tls_of("ca.pem", NULL, NULL, names[i]),
			.deadline_ms = 5000,
		};
		struct redis_conn *c = NULL;

		OK(redis_conn_open(&o, &c));
		redis_tls_close(o.tls);
		if (i == 0) {
			OK(run(c, NULL, "CLIENT", "ID"));
		} else {
			FAILS(run(c, NULL, "CLIENT", "ID"), E_UNAVAIL);
			says("the Sentinel at");
			says("not to be trusted");
		}
		redis_conn_close(c);
	}
	liar_stop(&l);
}

/* What a real Redis makes of a ClientHello is its affair; a yes is never made of it. */
static void plain_server(void **state)
{
	int rc = once(tls_of("ca.pem", NULL, NULL, NULL), plain_port, DEADLINE);

	(void)state;
	assert_true(rc == E_UNAVAIL || rc == E_TIMEOUT);
	assert_int_not_equal(once(NULL, tls_port, DEADLINE), E_OK);
}

/* Whatever this system forbids by itself is allowed, so that it is ours that forbids. */
static void allow_everything(void)
{
	static const char text[] = "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\n"
				   "system_default = any\n[any]\nMinProtocol = TLSv1\n"
				   "CipherString = DEFAULT:@SECLEVEL=0\n";
	char path[] = "/tmp/scepauth-tls.XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		abort();
	(void)close(fd);
	(void)setenv("OPENSSL_CONF", path, 1);
	(void)OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)unsetenv("OPENSSL_CONF");
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(right),
		cmocka_unit_test(one_connection_for_all),
		cmocka_unit_test(much),
		cmocka_unit_test(wrong_certificates),
		cmocka_unit_test(our_certificate),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(unix_socket),
		cmocka_unit_test(in_a_list),
		cmocka_unit_test(frozen),
		cmocka_unit_test(impostors),
		cmocka_unit_test(plain_server),
		cmocka_unit_test(one_answer_too_many),
		cmocka_unit_test(refused_by_alert),
		cmocka_unit_test(old_protocols),
		cmocka_unit_test(by_sentinel),
	};

	allow_everything();
	return cmocka_run_group_tests(tests, start, end);
}
