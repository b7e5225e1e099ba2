#include "tests/support/test_redis.h"

#include "core/base/clock.h"
#include "core/base/digest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char *const programs[] = {"front", "ca", "portal", "auto_revoke", "radius", "gc"};
static const char *const people[] = {"anna", "bert"};

static void password_of(char dst[80], const char *user)
{
	(void)snprintf(dst, 80, "pw-%s", user);
}

static void read_source(const char *name, struct buf *out)
{
	const char *share = getenv("SCEPAUTH_SHARE");
	char path[512], chunk[4096];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/redis/%s", share == NULL ? "." : share, name);
	f = fopen(path, "re");
	if (f == NULL)
		fail_msg("cannot read %s", path);
	buf_init(out, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	(void)fclose(f);
	assert_int_equal(buf_error(out), E_OK);
}

/* What a placeholder stands for; also @HASH_<user>@. */
static void fill_in(const struct test_redis *t, const char *who, const char *name, struct buf *out)
{
	char password[80], hash[HASH_SIZE];

	if (strcmp(name, "DIR") == 0) {
		buf_adds(out, t->dir);
	} else if (strcmp(name, "SOCKET") == 0) {
		buf_addf(out, "port 0\nunixsocket %s\nunixsocketperm 700", t->socket);
	} else if (strcmp(name, "NAME") == 0) {
		buf_adds(out, who);
	} else if (strncmp(name, "HASH", 4) == 0) {
		password_of(password, name[4] == '_' ? name + 5 : who);
		assert_int_equal(digest_sha256_hex(bytes_str(password), hash), E_OK);
		buf_adds(out, hash);
	} else {
		fail_msg("unknown placeholder %s", name);
	}
}

static void render(const struct test_redis *t, const char *name, const char *who, struct buf *out)
{
	const char *at, *open;
	struct buf text;
	char word[64];

	read_source(name, &text);
	buf_init(out, 1 << 20);
	for (at = buf_str(&text); (open = strchr(at, '@')) != NULL; at = open) {
		size_t n =
			strspn(open + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");

		buf_add(out, at, (size_t)(open - at));
		if (open[1 + n] != '@' || n >= sizeof(word)) {
			buf_addc(out, *open++); /* as in +@all */
			continue;
		}
		memcpy(word, open + 1, n);
		word[n] = '\0';
		fill_in(t, who, word, out);
		open += n + 2;
	}
	buf_adds(out, at);
	assert_int_equal(buf_error(out), E_OK);
	buf_free(&text);
}

static void write_file(const struct test_redis *t, const char *name, const struct buf *text)
{
	char path[160];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", t->dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text->p, 1, text->n, f), text->n);
	assert_int_equal(fclose(f), 0);
}

static void pause_ms(long ms)
{
	const struct timespec ts = {ms / 1000, (ms % 1000) * 1000000};

	(void)nanosleep(&ts, NULL);
}

void test_redis_again(struct test_redis *t)
{
	int64_t limit = clock_mono_ms() + 10000;
	pid_t parent = getpid();
	char conf[160], reply[160];

	(void)snprintf(conf, sizeof(conf), "%s/redis/redis.conf", t->dir);
	(void)unlink(t->socket);
	t->pid = fork();
	assert_true(t->pid >= 0);
	if (t->pid == 0) {
		/* A test that dies takes its server along. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			(void)execlp("redis-server", "redis-server", conf, (char *)NULL);
		_exit(127);
	}
	do {
		if (waitpid(t->pid, NULL, WNOHANG) != 0 || clock_mono_ms() > limit) {
			t->pid = 0;
			fail_msg("redis-server does not start; see %s/log/redis.log", t->dir);
		}
		pause_ms(20);
	} while (strcmp(test_redis_cmd(t, "installer", reply, sizeof(reply), "PING", NULL),
			"PONG") != 0);
}

void test_redis_crash(struct test_redis *t)
{
	if (t->pid == 0)
		return;
	(void)kill(t->pid, SIGKILL);
	(void)waitpid(t->pid, NULL, 0);
	t->pid = 0;
}

void test_redis_freeze(struct test_redis *t, int frozen)
{
	int status;

	assert_int_equal(kill(t->pid, frozen ? SIGSTOP : SIGCONT), 0);
	assert_int_equal(waitpid(t->pid, &status, frozen ? WUNTRACED : WCONTINUED), t->pid);
}

static void make_dirs(struct test_redis *t)
{
	static const char *const dirs[] = {"redis", "redis/data", "run", "log"};
	char path[160];
	size_t i;

	(void)snprintf(t->dir, sizeof(t->dir), "/tmp/scepauth-redis.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", t->dir, dirs[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	(void)snprintf(t->socket, sizeof(t->socket), "%s/run/redis.sock", t->dir);
}

static void install(struct test_redis *t)
{
	struct store *s = test_redis_as(t, "installer");
	struct errmsg em = {""};
	struct buf text;
	size_t i;

	read_source("scepauth.lua", &text);
	if (store_install(s, buf_bytes(&text), &em) != E_OK)
		fail_msg("install: %s", em.text);
	buf_free(&text);
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (store_actor_put(s, programs[i], "program", &em) != E_OK)
			fail_msg("actor: %s", em.text);
	for (i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		render(t, "helpdesk.acl.in", people[i], &text);
		if (store_acl_user(s, people[i], buf_str(&text), &em) != E_OK ||
		    store_actor_put(s, people[i], "helpdesk", &em) != E_OK)
			fail_msg("helpdesk: %s", em.text);
		buf_free(&text);
	}
	store_close(s);
}

void test_redis_start(struct test_redis *t, const char *maxmemory)
{
	struct buf text;

	memset(t, 0, sizeof(*t));
	make_dirs(t);
	render(t, "redis.conf.in", "", &text);
	if (maxmemory != NULL)
		buf_addf(&text, "\nmaxmemory %s\n", maxmemory);
	write_file(t, "redis/redis.conf", &text);
	buf_free(&text);
	render(t, "users.acl.in", "", &text);
	write_file(t, "redis/users.acl", &text);
	buf_free(&text);
	test_redis_again(t);
	install(t);
}

void test_redis_stop(struct test_redis *t)
{
	pid_t pid;

	if (t->dir[0] == '\0')
		return;
	test_redis_crash(t);
	pid = fork();
	if (pid == 0) {
		(void)execlp("rm", "rm", "-rf", "--", t->dir, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	t->dir[0] = '\0';
}

struct store *test_redis_as(const struct test_redis *t, const char *user)
{
	struct store_options o = {.socket = t->socket, .user = user, .deadline_ms = 5000};
	struct store *s = NULL;
	char password[80];

	password_of(password, user);
	o.password = password;
	assert_int_equal(store_open(&o, &s), E_OK);
	return s;
}

const char *test_redis_cmd(const struct test_redis *t, const char *user, char *dst, size_t size,
			   ...)
{
	struct redis_conn_options o = {.socket = t->socket, .user = user, .deadline_ms = 5000};
	struct redis_conn *c = NULL;
	struct errmsg em = {""};
	struct reply *r = NULL;
	struct bytes argv[48];
	char password[80];
	const char *word;
	size_t n = 0;
	va_list ap;

	password_of(password, user);
	o.password = password;
	assert_int_equal(redis_conn_open(&o, &c), E_OK);
	va_start(ap, size);
	while ((word = va_arg(ap, const char *)) != NULL && n < 48)
		argv[n++] = bytes_str(word);
	va_end(ap);
	if (redis_conn_run(c, argv, n, &r, &em) != E_OK)
		(void)snprintf(dst, size, "%s", em.text);
	else if (reply_kind(r) == REPLY_TEXT)
		(void)snprintf(dst, size, "%s", (const char *)reply_bytes(r).p);
	else if (reply_kind(r) == REPLY_INT)
		(void)snprintf(dst, size, "%" PRId64, reply_integer(r));
	else if (reply_kind(r) == REPLY_ARRAY)
		(void)snprintf(dst, size, "%zu", reply_count(r));
	else
		(void)snprintf(dst, size, "(nil)");
	reply_free(r);
	redis_conn_close(c);
	return dst;
}
