/* Between the ca role and Redis: passes everything, until the page tells it to spoil one call. */
#include "tests/fault/crash.h"

#include "core/base/text.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS_MAX = 64 };

const char *const proxy_calls[PROXY_CALLS] = {"ticket_claim", "cert_commit", "cert_abort"};

static const char *const errors[] = {
	"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	"-MISCONF Redis is configured to save RDB snapshots\r\n",
	"-READONLY You can't write against a read only replica.\r\n",
	"-LOADING Redis is loading the dataset in memory\r\n",
	"-BUSY Redis is busy running a script.\r\n",
	"-NOPERM this user has no permissions to access one of the keys\r\n",
	"-ERR Function not found\r\n",
};

struct pair {
	int client, server;
	enum proxy_act act; /* for the answer that comes next */
};

struct proxy {
	const struct world *w;
	struct pair pairs[PAIRS_MAX];
	struct pollfd fds[2 * PAIRS_MAX + 1];
	unsigned n, next_error;
};

static int unix_socket(const char *path, bool listening)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (text_copy(sa.sun_path, sizeof(sa.sun_path), path) != E_OK || fd < 0)
		return -1;
	if (listening)
		(void)unlink(path);
	if (listening ? bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && listen(fd, 64) == 0
		      : connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void put(int fd, const void *p, size_t n)
{
	if (send(fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		(void)shutdown(fd, SHUT_RDWR);
}

static void drop(struct proxy *p, unsigned i)
{
	close(p->pairs[i].client);
	close(p->pairs[i].server);
	p->pairs[i] = p->pairs[--p->n];
}

static void accept_one(struct proxy *p, int listener)
{
	int client = accept(listener, NULL, NULL);
	int server = client >= 0 && p->n < PAIRS_MAX ? unix_socket(p->w->redis, false) : -1;

	if (server < 0) { /* Redis is down */
		close(client);
		return;
	}
	p->pairs[p->n++] = (struct pair){client, server, PROXY_NONE};
}

/* What shall happen to this call; the page's wish is taken once. */
static enum proxy_act act_on(struct page *page, const uint8_t *chunk, size_t n)
{
	const char *when = proxy_calls[atomic_load(&page->when)];

	if (atomic_load(&page->act) == PROXY_NONE || !memmem(chunk, n, when, strlen(when)))
		return PROXY_NONE;
	return (enum proxy_act)atomic_exchange(&page->act, PROXY_NONE);
}

static void kill_pid(atomic_int *pid)
{
	int p = atomic_load(pid);

	if (p > 0)
		(void)kill(p, SIGKILL);
}

/* False: the pair is over. */
static bool from_client(struct proxy *p, struct pair *x)
{
	static uint8_t chunk[1 << 20];
	ssize_t n = read(x->client, chunk, sizeof(chunk));

	if (n <= 0)
		return false;
	x->act = act_on(p->w->page, chunk, (size_t)n);
	if (x->act == PROXY_CUT_BEFORE)
		return false;
	if (x->act == PROXY_ERROR) {
		const char *e = errors[p->next_error++ % (sizeof(errors) / sizeof(errors[0]))];

		put(x->client, e, strlen(e));
		return true;
	}
	put(x->server, chunk, (size_t)n);
	if (x->act == PROXY_KILL_REDIS)
		kill_pid(&p->w->page->redis);
	return true;
}

static bool from_server(struct proxy *p, struct pair *x)
{
	const struct timespec late = {.tv_nsec = 60000000};
	static uint8_t chunk[1 << 20];
	ssize_t n = read(x->server, chunk, sizeof(chunk));
	enum proxy_act act = x->act;

	x->act = PROXY_NONE;
	if (n <= 0 || act == PROXY_CUT_AFTER)
		return false;
	if (act == PROXY_KILL_CA)
		kill_pid(&p->w->page->ca);
	if (act == PROXY_KILL_REDIS_2)
		kill_pid(&p->w->page->redis);
	if (act == PROXY_KILL_CA || act == PROXY_KILL_REDIS_2)
		return false;
	if (act == PROXY_LATE)
		(void)nanosleep(&late, NULL);
	put(x->client, chunk, (size_t)n);
	return true;
}

void proxy_run(const struct world *w)
{
	static struct proxy p;
	char path[PATH_MAX];
	int listener;

	p.w = w;
	if (snprintf(path, sizeof(path), "%s", conf_path(w->conf, "redis", NULL, "socket")) < 0 ||
	    (listener = unix_socket(path, true)) < 0 || chmod(path, 0600) != 0)
		_exit(1);
	for (;;) {
		unsigned n = p.n;

		for (unsigned i = 0; i < n; i++) {
			p.fds[2 * i] = (struct pollfd){.fd = p.pairs[i].client, .events = POLLIN};
			p.fds[2 * i + 1] =
				(struct pollfd){.fd = p.pairs[i].server, .events = POLLIN};
		}
		p.fds[2 * n] = (struct pollfd){.fd = listener, .events = POLLIN};
		if (poll(p.fds, 2 * n + 1, -1) <= 0)
			continue;
		/* from the last, since drop() puts the last into its place */
		for (unsigned i = n; i-- > 0;) {
			bool good = (!p.fds[2 * i].revents || from_client(&p, &p.pairs[i])) &&
				    (!p.fds[2 * i + 1].revents || from_server(&p, &p.pairs[i]));

			if (!good)
				drop(&p, i);
		}
		if (p.fds[2 * n].revents)
			accept_one(&p, listener);
	}
}
