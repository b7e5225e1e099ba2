/*
 * fault_crash: crashes the ca role and Redis under load, again and again, and has every world checked
 * (tests/fault/check) after some hundred crashes.
 *
 *   fault_crash crashes SEED CRASHES PER_WORLD INSTANCE...   one worker for each instance
 *   fault_crash verdicts INSTANCE <serials                   what the RADIUS module would say
 *
 * An instance is one of packaging/instance.sh without running processes, with redis/pristine beside
 * redis/data (made by tests/fault/lib.sh). The driver is to the ca role what the first process of scep_ca
 * is: it starts it again whenever it has ended. The role itself is the real one, sandbox and all.
 */
#include "tests/fault/crash.h"

#include "core/authz/authz.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ipc/frame.h"
#include "core/ipc/sandbox.h"
#include "core/model/facts.h"
#include "scep_ca/signer/process.h"
#include "scep_ca/signer/remote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS_MAX = 8,
	CLIENTS = 4,
	READY_MS = 20000, /* a start that takes longer is a failure */
	PLAN_MS = 150,    /* a point that was not passed by then: a kill by the clock */
	CLOSE_MS = 40000,
};

struct point {
	const char *name;
	unsigned passes; /* crash at one of the first so many */
	bool writes;     /* torn makes sense */
};

static const struct point points[] = {
	{"drawn", 6, false},  {"intent", 6, false},    {"claimed", 6, false}, {"signed", 6, false},
	{"issued", 6, false}, {"committed", 6, false}, {"settle", 1, false},  {"write", 9, true},
	{"sync", 9, false},   {"synced", 9, false},    {"rotate", 2, false},
};
enum { POINTS = sizeof(points) / sizeof(points[0]), WAYS = 17 };

/* What happens when nothing has died after a while. */
enum then {
	THEN_KILL,
	THEN_REDIS, /* is killed */
	THEN_POWER, /* and what it did not sync is gone */
	THEN_FULL,  /* its disk is full: it ends by itself, since it may not answer */
	THEN_EIO,   /* its fsync fails: likewise, and what it did not sync is gone */
	THEN_FILES, /* the ca role may not open anything for a while */
	THEN_STOP,  /* nor run */
	THEN_TERM,  /* it ends in order; no crash */
};

static const struct way {
	const char *name;
	unsigned weight;
	enum proxy_act act;
	enum then then;
	const char *plan; /* for the ca role; NULL: one of the points */
} ways[WAYS] = {
	{"a point", 54, PROXY_NONE, THEN_KILL, NULL},
	{"by the clock", 8, PROXY_NONE, THEN_KILL, "none"},
	{"answer unread", 8, PROXY_KILL_CA, THEN_KILL, "none"},
	{"call cut", 2, PROXY_CUT_BEFORE, THEN_KILL, "none"},
	{"answer cut", 3, PROXY_CUT_AFTER, THEN_KILL, "none"},
	{"an error of Redis", 2, PROXY_ERROR, THEN_KILL, "none"},
	{"answer late", 1, PROXY_LATE, THEN_KILL, "none"},
	{"Redis before a call", 3, PROXY_KILL_REDIS, THEN_KILL, "none"},
	{"Redis after a call", 3, PROXY_KILL_REDIS_2, THEN_KILL, "none"},
	{"Redis by the clock", 2, PROXY_NONE, THEN_REDIS, "none"},
	{"Redis, power lost", 3, PROXY_NONE, THEN_POWER, "none"},
	{"Redis, disk full", 2, PROXY_NONE, THEN_FULL, "none"},
	{"Redis, fsync fails", 2, PROXY_NONE, THEN_EIO, "none"},
	{"journal full, failing or in pieces", 4, PROXY_NONE, THEN_KILL, "journal"},
	{"no files", 1, PROXY_NONE, THEN_FILES, "none"},
	{"stopped", 1, PROXY_NONE, THEN_STOP, "none"},
	{"SIGTERM", 1, PROXY_NONE, THEN_TERM, "none"},
};
enum { WAY_POINT = 0, WAY_CLOCK = 1, WAY_CALL = 8, KINDS = POINTS + WAYS };

/* What all workers share. */
struct board {
	atomic_ulong crashes, violations, worlds, by_kind[KINDS], enrolled, revoked, refused, lost;
	atomic_int stop;
};

struct worker {
	struct world w;
	struct page *page;
	struct board *board;
	struct random random;
	char page_file[PATH_MAX], history[PATH_MAX], pristine[PATH_MAX];
	int listener;
	uid_t uid;
	sigset_t wait;
	pid_t ca, redis, proxy, clients;
	int ready; /* readable when the ca role is */
};

static const char *self; /* the folder of the programs */

struct store *world_store(const struct world *w, const char *user)
{
	char path[PATH_MAX], password[256] = "";
	struct store_options o = {
		.socket = w->redis, .user = user, .password = password, .deadline_ms = 2000};
	struct store *s = NULL;

	if ((size_t)snprintf(path, sizeof(path), "%s/secrets/redis-%s", w->dir, user) >=
		    sizeof(path) ||
	    conf_secret_line(path, password, sizeof(password), NULL) != E_OK ||
	    store_open(&o, &s) != E_OK)
		return NULL;
	return s;
}

/* --- processes ----------------------------------------------------------------------------------- */

static pid_t fork_one(struct worker *k, const char *log)
{
	char path[PATH_MAX];
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(3);
	if (log &&
	    (size_t)snprintf(path, sizeof(path), "%s/log/%s", k->w.dir, log) < sizeof(path) &&
	    (fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600)) >= 0) {
		(void)dup2(fd, 1);
		(void)dup2(fd, 2);
		close(fd);
	}
	return 0;
}

static void start_redis(struct worker *k)
{
	char conf[PATH_MAX + 32], shim[PATH_MAX + 32];
	sigset_t none;

	k->redis = fork_one(k, "redis.log");
	if (k->redis == 0) {
		sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)snprintf(conf, sizeof(conf), "%s/redis/redis.conf", k->w.dir);
		(void)snprintf(shim, sizeof(shim), "%s/fault_shim.so", self);
		(void)setenv("SHIM_PAGE", k->page_file, 1);
		(void)setenv("LD_PRELOAD", shim, 1);
		(void)execlp("redis-server", "redis-server", conf, "--unixsocket", k->w.redis,
			     "--logfile", "", (char *)NULL);
		_exit(3);
	}
	atomic_store(&k->page->redis, k->redis);
}

static void be_ca(struct worker *k, const char *plan, int ready)
{
	struct process_options o = {.conf = k->w.conf,
				    .role = PROTO_CA,
				    .listener = k->listener,
				    .front = k->uid,
				    .threads = CLIENTS + 1,
				    .ready = ready};
	struct errmsg em = {""};

	log_init("scep_ca", LOG_LEVEL_INFO);
	(void)setenv("SCEPAUTH_FAULT", plan, 1);
	(void)setenv("SCEPAUTH_FAULT_FILE", "30000", 1);
	if (sandbox_early(&em) != E_OK)
		_exit(EXIT_FAILED);
	exit(process_run(&o));
}

static void start_ca(struct worker *k, const char *plan)
{
	int p[2];

	if (pipe2(p, O_CLOEXEC))
		exit(3);
	k->ca = fork_one(k, "ca.log");
	if (k->ca == 0) {
		close(p[0]);
		be_ca(k, plan, p[1]);
	}
	close(p[1]);
	k->ready = p[0];
	atomic_store(&k->page->ca, k->ca);
}

static void kill_one(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

/* --- violations ---------------------------------------------------------------------------------- */

static void violation(struct worker *k, const char *what, int number)
{
	atomic_fetch_add(&k->board->violations, 1);
	atomic_store(&k->board->stop, 1);
	printf("\nVIOLATION: %s %d; see %s and its log/\n", what, number, k->w.dir);
}

/* --- Redis --------------------------------------------------------------------------------------- */

/* Everything after the last fsync is gone. */
static void lose_aof(struct worker *k)
{
	unsigned long ino = atomic_load(&k->page->aof_ino);
	char path[PATH_MAX + 512];
	struct dirent *e;
	struct stat st;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/redis/data/appendonlydir", k->w.dir);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/redis/data/appendonlydir/%.250s", k->w.dir,
			       e->d_name);
		if (stat(path, &st) == 0 && st.st_ino == ino &&
		    st.st_size > (off_t)atomic_load(&k->page->aof_synced) &&
		    truncate(path, (off_t)atomic_load(&k->page->aof_synced)) != 0)
			exit(3);
	}
	if (d)
		closedir(d);
}

static void count(struct worker *k, unsigned kind)
{
	atomic_fetch_add(&k->board->crashes, 1);
	atomic_fetch_add(&k->board->by_kind[kind], 1);
}

/* --- one round: until the ca role has died ------------------------------------------------------- */

enum event { EVENT_CA, EVENT_REDIS, EVENT_CLIENTS, EVENT_TIME, EVENT_OTHER };

static enum event wait_event(struct worker *k, int64_t until, int *status)
{
	for (;;) {
		pid_t pid = waitpid(-1, status, WNOHANG);
		int64_t left = until - clock_mono_ms();
		struct timespec t = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};

		if (pid > 0 && pid == k->ca)
			return EVENT_CA;
		if (pid > 0 && pid == k->redis)
			return EVENT_REDIS;
		if (pid > 0 && pid == k->clients)
			return EVENT_CLIENTS;
		if (pid > 0)
			return EVENT_OTHER;
		if (left <= 0)
			return EVENT_TIME;
		(void)sigtimedwait(&k->wait, NULL, &t);
	}
}

/* Chooses how this round goes wrong: the plan for the ca role, the proxy's wish. Returns the kind. */
static void plan_for(struct worker *k, const struct way *w, unsigned point, char plan[64])
{
	static const char *const ends[] = {"kill", "kill", "power", "torn"};
	static const char *const journal[] = {"write", "full", "sync",  "io",
					      "write", "io",   "write", "short"};
	unsigned j = 2 * random_below(&k->random, 4);
	unsigned nth = 1 + random_below(&k->random, points[point].passes);

	if (!w->plan)
		(void)snprintf(plan, 64, "%s:%u:role:%s", points[point].name, nth,
			       ends[random_below(&k->random, points[point].writes ? 4 : 3)]);
	else if (strcmp(w->plan, "journal") == 0)
		(void)snprintf(plan, 64, "%s:%u:role:%s", journal[j], nth + 2, journal[j + 1]);
	else
		(void)snprintf(plan, 64, "none:1");
}

/* Chooses how this round goes wrong: the plan for the ca role, the proxy's wish. */
static const struct way *choose(struct worker *k, unsigned *ret_kind, char plan[64])
{
	unsigned dice = random_below(&k->random, 100), p = random_below(&k->random, POINTS);
	const struct way *w = ways;

	while (dice >= w->weight && w < &ways[WAYS - 1]) {
		dice -= w->weight;
		w++;
	}
	plan_for(k, w, p, plan);
	atomic_store(&k->page->when, (int)random_below(&k->random, PROXY_CALLS - 1));
	atomic_store(&k->page->act, w->act);
	*ret_kind = w->plan ? POINTS + (unsigned)(w - ways) : p;
	return w;
}

static void wait_ready(struct worker *k)
{
	char c;

	/* it says so, or has died in between */
	if (read(k->ready, &c, 1) < 0)
		exit(3);
	close(k->ready);
}

/* False: something ended that must not. */
static bool after_redis(struct worker *k, unsigned kind, enum then then, int status)
{
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	bool gave_up = then == THEN_FULL || then == THEN_EIO;

	if (!killed && !(gave_up && WIFEXITED(status))) {
		violation(k, "Redis ended by itself, status", status);
		return false;
	}
	if (then == THEN_POWER || then == THEN_EIO)
		lose_aof(k);
	atomic_store(&k->page->aof_fails, 0);
	count(k, kind);
	start_redis(k);
	return true;
}

static void limit_files(struct worker *k, rlim_t n)
{
	struct rlimit l;

	if (prlimit(k->ca, RLIMIT_NOFILE, NULL, &l) != 0)
		return;
	l.rlim_cur = n ? n : l.rlim_max;
	(void)prlimit(k->ca, RLIMIT_NOFILE, &l, NULL);
}

/* Nothing died: does what comes then. Returns the ms to wait for it; *then is what comes after that. */
static int64_t act_now(struct worker *k, enum then *then, unsigned *step)
{
	switch (*then) {
	case THEN_REDIS:
	case THEN_POWER:
		(void)kill(k->redis, SIGKILL);
		return READY_MS;
	case THEN_FULL:
	case THEN_EIO:
		if ((*step)++) /* it goes on without its disk, which is another way to lie */
			(void)kill(k->redis, SIGKILL);
		atomic_store(&k->page->aof_fails, *then == THEN_FULL ? ENOSPC : EIO);
		return 1000;
	case THEN_FILES:
	case THEN_STOP:
		if (*then == THEN_FILES)
			limit_files(k, *step ? 0 : 5);
		else
			(void)kill(k->ca, *step ? SIGCONT : SIGSTOP);
		if ((*step)++)
			*then = THEN_KILL;
		return 100;
	case THEN_TERM:
		(void)kill(k->ca, SIGTERM);
		return READY_MS;
	case THEN_KILL:
		break;
	}
	(void)kill(k->ca, SIGKILL);
	return READY_MS;
}

static bool after_ca(struct worker *k, unsigned kind, enum then then, int status)
{
	k->ca = 0;
	atomic_store(&k->page->ca, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		count(k, kind);
		return true;
	}
	if (then == THEN_TERM && status == 0) {
		atomic_fetch_add(&k->board->by_kind[kind], 1);
		return true;
	}
	violation(k, "the ca role ended by itself, status", status);
	return false;
}

static bool round_once(struct worker *k)
{
	unsigned kind, step = 0;
	char plan[64];
	const struct way *w = choose(k, &kind, plan);
	enum then then = w->then;
	int64_t limit;
	int status;

	start_ca(k, plan);
	wait_ready(k);
	limit = clock_mono_ms() +
		(kind == POINTS + WAY_CLOCK || then ? 5 + random_below(&k->random, 60) : PLAN_MS);
	for (;;) {
		switch (wait_event(k, limit, &status)) {
		case EVENT_CA:
			return after_ca(k, kind, then, status);
		case EVENT_REDIS:
			if (!after_redis(k, w->plan ? kind : POINTS + WAY_CALL, then, status))
				return false;
			/* and the ca role lives on with it for a while */
			limit = clock_mono_ms() + 50 + random_below(&k->random, 80);
			kind = POINTS + WAY_CLOCK;
			then = THEN_KILL;
			break;
		case EVENT_TIME:
			if (!w->plan)
				kind = POINTS + WAY_CLOCK;
			limit = clock_mono_ms() + act_now(k, &then, &step);
			break;
		default:
			violation(k, "a client or the proxy ended, status", status);
			return false;
		}
	}
}

/* --- one world ----------------------------------------------------------------------------------- */

/* The exit status of a script beside this source. */
static int run_script(const char *script, const char *a, const char *b)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		(void)execlp("bash", "bash", script, a, b, (char *)NULL);
		_exit(3);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void wait_redis(struct worker *k)
{
	int64_t limit = clock_mono_ms() + READY_MS;
	const struct timespec t = {.tv_nsec = 5000000};
	struct store *s = world_store(&k->w, "portal");

	while (!s || store_ping(s, NULL) != E_OK) {
		if (clock_mono_ms() > limit)
			exit(3);
		(void)nanosleep(&t, NULL);
	}
	store_close(s);
}

/* An empty journal and the Redis of a new instance. */
static void begin_world(struct worker *k, uint64_t seed)
{
	k->w.seed = seed;
	if (run_script("tests/fault/lib.sh", "new_world", k->w.dir) != 0)
		exit(3);
	memset(k->page, 0, sizeof(*k->page));
	start_redis(k);
	wait_redis(k);
	k->proxy = fork_one(k, "proxy.log");
	if (k->proxy == 0)
		proxy_run(&k->w);
	k->clients = fork_one(k, "clients.log");
	if (k->clients == 0)
		clients_run(&k->w);
}

/* The ca role as it is, until the clients have ended or, without them, settled; then its orderly end. */
static bool run_calmly(struct worker *k, bool with_clients)
{
	int64_t limit = clock_mono_ms() + CLOSE_MS;
	int status = 0;
	enum event e;

	atomic_store(&k->page->act, PROXY_NONE);
	start_ca(k, "none:1");
	wait_ready(k);
	while (with_clients) {
		e = wait_event(k, limit, &status);
		if (e == EVENT_CLIENTS && status == 0) {
			k->clients = 0;
			break;
		}
		if (e != EVENT_REDIS || !after_redis(k, POINTS + WAY_CALL, THEN_KILL, status)) {
			violation(k,
				  e == EVENT_TIME ? "the clients did not get through, status"
						  : "an end in calm weather, status",
				  status);
			return false;
		}
	}
	(void)kill(k->ca, SIGTERM);
	while ((e = wait_event(k, limit, &status)) == EVENT_OTHER)
		;
	if (e != EVENT_CA || status != 0) {
		violation(k, "the ca role did not end in order, status", status);
		return false;
	}
	k->ca = 0;
	return true;
}

static void end_world(struct worker *k)
{
	kill_one(&k->ca);
	kill_one(&k->clients);
	kill_one(&k->proxy);
	kill_one(&k->redis);
	atomic_fetch_add(&k->board->enrolled, atomic_load(&k->page->enrolled));
	atomic_fetch_add(&k->board->revoked, atomic_load(&k->page->revoked));
	atomic_fetch_add(&k->board->refused, atomic_load(&k->page->refused));
	atomic_fetch_add(&k->board->lost, atomic_load(&k->page->lost));
	atomic_fetch_add(&k->board->worlds, 1);
}

static void one_world(struct worker *k, uint64_t seed, unsigned long crashes, unsigned per_world)
{
	unsigned long until;
	bool good = true;
	int rc = 0;

	begin_world(k, seed);
	k->random.state = seed;
	for (until = 0; good && until < per_world; until++) {
		if (atomic_load(&k->board->stop) || atomic_load(&k->board->crashes) >= crashes)
			break;
		good = round_once(k);
	}
	atomic_store(&k->page->closing, 1);
	good = good && run_calmly(k, true) && run_calmly(k, false);
	(void)fflush(stdout);
	if (good && (rc = run_script("tests/fault/check.sh", k->w.dir, self)) != 0)
		violation(k, "the checker says no, status", rc);
	end_world(k);
}

/* --- workers ------------------------------------------------------------------------------------- */

static int open_world(struct worker *k, const char *dir, struct errmsg *em)
{
	char path[PATH_MAX];
	int r, fd;

	if (!realpath(dir, k->w.dir))
		return err_set(em, E_NOTFOUND, "%s: %m", dir);
	if ((size_t)snprintf(k->w.redis, sizeof(k->w.redis), "%.3000s/run/real.sock", k->w.dir) >=
	    100)
		return err_set(em, E_TOOBIG, "%s: the path is too long for a socket", dir);
	(void)snprintf(k->page_file, sizeof(k->page_file), "%.3000s/page", k->w.dir);
	(void)snprintf(k->history, sizeof(k->history), "%.3000s/history", k->w.dir);
	(void)snprintf(path, sizeof(path), "%.3000s/scepauth.conf", k->w.dir);
	k->w.history = k->history;
	k->w.threads = CLIENTS;
	k->uid = geteuid();
	r = conf_load(path, &k->w.conf, em);
	if (r == E_OK)
		r = remote_path(k->w.conf, PROTO_CA, path, em);
	if (r == E_OK)
		r = frame_listen(path, k->uid, &k->listener, em);
	if (r != E_OK)
		return r;
	fd = open(k->page_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*k->page)) != 0)
		return err_set(em, E_IO, "%s: %m", k->page_file);
	k->page = mmap(NULL, sizeof(*k->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	k->w.page = k->page;
	return k->page == MAP_FAILED ? err_set(em, E_IO, "mmap: %m") : E_OK;
}

static int work(struct board *board, const char *dir, unsigned n, uint64_t seed,
		unsigned long crashes, unsigned per_world)
{
	static struct worker k;
	struct errmsg em = {""};

	k.board = board;
	sigemptyset(&k.wait);
	sigaddset(&k.wait, SIGCHLD);
	sigaddset(&k.wait, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &k.wait, NULL) || open_world(&k, dir, &em) != E_OK) {
		printf("Bail out! %s\n", em.text);
		return 3;
	}
	for (uint64_t world = 1;
	     !atomic_load(&board->stop) && atomic_load(&board->crashes) < crashes; world++)
		one_world(&k, (seed * 1000003 + world) * 8 + n + 1, crashes, per_world);
	return 0;
}

static void show(const struct board *b, unsigned long crashes, int64_t began, char end)
{
	unsigned long done = atomic_load(&b->crashes);
	double seconds = (double)(clock_mono_ms() - began) / 1000;
	double rate = seconds > 0 ? (double)done / seconds : 0;

	printf("%lu of %lu crashes, %.1f/s, %.0f s to go, %lu worlds, %lu certificates, %lu "
	       "violations%c",
	       done, crashes, rate,
	       rate > 0 && done < crashes ? (double)(crashes - done) / rate : 0,
	       atomic_load(&b->worlds), atomic_load(&b->enrolled), atomic_load(&b->violations),
	       end);
	(void)fflush(stdout);
}

static void summary(const struct board *b)
{
	for (unsigned i = 0; i < KINDS; i++) {
		bool first = i == 0;

		if (i == POINTS + WAY_POINT)
			continue;

		printf("%s%s %lu", first ? "crashed at: " : ", ",
		       i < POINTS ? points[i].name : ways[i - POINTS].name,
		       atomic_load(&b->by_kind[i]));
	}
	printf("\nclients: %lu certificates delivered, %lu refusals, %lu requests without an "
	       "answer, %lu "
	       "revocations\n",
	       atomic_load(&b->enrolled), atomic_load(&b->refused), atomic_load(&b->lost),
	       atomic_load(&b->revoked));
	printf("%lu crashes, %lu violations\n", atomic_load(&b->crashes),
	       atomic_load(&b->violations));
}

static int crashes(char **argv, int n)
{
	uint64_t seed = strtoull(argv[2], NULL, 10);
	unsigned long want = strtoul(argv[3], NULL, 10), per_world = strtoul(argv[4], NULL, 10);
	struct board *b =
		mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct timespec pause = {.tv_nsec = 200000000};
	int64_t began = clock_mono_ms(), shown = began;
	int status, left = n, bad = 0;

	if (b == MAP_FAILED || n > WORKERS_MAX)
		return 3;
	printf("seed %llu\n", (unsigned long long)seed);
	(void)fflush(stdout);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			exit(work(b, argv[5 + i], (unsigned)i, seed, want, (unsigned)per_world));
		}
	}
	while (left) {
		if (waitpid(-1, &status, WNOHANG) > 0) {
			left--;
			bad += status != 0;
			continue;
		}
		(void)nanosleep(&pause, NULL);
		if (clock_mono_ms() - shown > (isatty(1) ? 500 : 15000)) {
			shown = clock_mono_ms();
			show(b, want, began, isatty(1) ? '\r' : '\n');
		}
	}
	show(b, want, began, '\n');
	summary(b);
	return bad || atomic_load(&b->violations) || atomic_load(&b->crashes) < want;
}

/* --- verdicts ------------------------------------------------------------------------------------ */

/* SERIAL ISSUER lines in, "verdict SERIAL accept|REASON" lines out. */
static int verdicts(const char *dir)
{
	static struct world w;
	char serial[SERIAL_SIZE + 2], issuer[AKI_SIZE + 2];
	struct store *s;

	(void)snprintf(w.dir, sizeof(w.dir), "%s", dir);
	(void)snprintf(w.redis, sizeof(w.redis), "%.3000s/run/real.sock", dir);
	s = world_store(&w, "radius");
	while (s && scanf("%33s %41s", serial, issuer) == 2) {
		struct authz_request q = {.now = clock_now()};
		struct authz_verdict v;
		struct facts f;

		memset(&f, 0, sizeof(f));
		if (text_copy(q.serial, sizeof(q.serial), serial) != E_OK ||
		    text_copy(q.issuer, sizeof(q.issuer), issuer) != E_OK ||
		    store_authorize(s, q.serial, &f, NULL) != E_OK)
			return 1;
		authz_decide(&q, &f, &v);
		printf("verdict\t%s\t%s\n", serial,
		       v.accept ? "accept" : authz_reason_text(v.reason));
	}
	return s ? 0 : 1;
}

int main(int argc, char **argv)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return 3;
	*strrchr(path, '/') = '\0';
	self = path;
	if (argc >= 6 && strcmp(argv[1], "crashes") == 0)
		return crashes(argv, argc - 5);
	if (argc == 3 && strcmp(argv[1], "verdicts") == 0)
		return verdicts(argv[2]);
	fputs("usage: fault_crash crashes|verdicts ...; see the source\n", stderr);
	return 2;
}
