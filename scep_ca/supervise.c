#include "scep_ca/supervise.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "scep_ca/signer/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 5000
/* Who lived so long starts anew without a wait. */
#define STEADY_MS 10000
/* Longer than the front waits for requests in flight. */
#define END_MS 20000
/* A replacement has this long to get ready: the journal is read in it. */
#define READY_MS 60000
#define LOOK_MS 100
/* The exit code of nobody: the start was broken off, for all shall end. */
#define CODE_STOP (-1)

struct slot {
	pid_t pid;          /* 0: not running */
	int64_t since, due; /* started at; to be started at (ms) */
	int64_t pause;
};

/* Replaced, and finishing what it has in hand. */
struct leaver {
	pid_t pid;
	const char *name;
	int64_t until; /* then it is killed (ms) */
};

struct supervisor {
	const struct supervise_child *children;
	unsigned n, n_leavers;
	struct slot slots[SUPERVISE_MAX];
	struct leaver leavers[SUPERVISE_MAX];
	sigset_t signals, before;
};

/* --- starting ------------------------------------------------------------------------------------ */

static int run_child(const struct supervisor *s, unsigned i, pid_t parent, int ready)
{
	sigset_t end;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) || getppid() != parent)
		return EXIT_FAILED;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	/* A terminal that goes away tells the whole group. */
	(void)signal(SIGHUP, SIG_IGN);
	/* Children take their end by sigwait as well: a signal in between must wait, not kill. */
	if (sigprocmask(SIG_SETMASK, &s->before, NULL) || sigprocmask(SIG_BLOCK, &end, NULL))
		return EXIT_FAILED;
	return s->children[i].run(s->children[i].ctx, ready);
}

static int start(struct supervisor *s, unsigned i, int ready, int other_end)
{
	struct slot *slot = &s->slots[i];
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		if (other_end >= 0)
			close(other_end);
		/* exit, not _exit: sanitizers report there */
		exit(run_child(s, i, parent, ready));
	}
	if (pid < 0) {
		log_error("%s: no new process: %s", s->children[i].name, strerror(errno));
		return -1;
	}
	slot->pid = pid;
	slot->since = clock_mono_ms();
	return 0;
}

/* The exit code of one that ended before it was ready. */
static int code_of(struct slot *slot)
{
	int status = 0;
	pid_t pid = slot->pid;

	slot->pid = 0;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_FAILED;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

static bool end_is_wanted(void)
{
	sigset_t set;

	return sigpending(&set) == 0 &&
	       (sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGINT) == 1);
}

/* Did the byte come through the pipe? until: monotonic ms. */
static bool is_ready(int fd, int64_t until)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char c;

	do {
		if (poll(&p, 1, LOOK_MS) > 0)
			return read(fd, &c, 1) == 1;
	} while (clock_mono_ms() < until && !end_is_wanted());
	return false;
}

/* EXIT_DONE when it serves. */
static int start_and_wait(struct supervisor *s, unsigned i, int64_t until)
{
	struct slot *slot = &s->slots[i];
	int p[2], code = EXIT_DONE;

	if (pipe2(p, O_CLOEXEC))
		return EXIT_FAILED;
	if (start(s, i, p[1], p[0]))
		code = EXIT_FAILED;
	close(p[1]);
	if (code == EXIT_DONE && !is_ready(p[0], until)) {
		bool stop = end_is_wanted();

		if (stop || clock_mono_ms() >= until)
			(void)kill(slot->pid, SIGKILL);
		code = code_of(slot);
		if (stop)
			code = CODE_STOP;
	}
	close(p[0]);
	return code;
}

/* --- ending -------------------------------------------------------------------------------------- */

/* Tells it, waits, and kills it when it takes too long. */
static void end_process(const char *name, pid_t pid, int sig)
{
	static const struct timespec pause = {.tv_nsec = 5000000};
	int64_t until = clock_mono_ms() + END_MS;

	if (!pid)
		return;
	(void)kill(pid, sig);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() >= until) {
			log_warn("%s does not end, killing it", name);
			(void)kill(pid, SIGKILL);
			until = INT64_MAX;
		}
		(void)nanosleep(&pause, NULL);
	}
}

static void end_one(struct supervisor *s, unsigned i, int sig)
{
	pid_t pid = s->slots[i].pid;

	s->slots[i].pid = 0;
	end_process(s->children[i].name, pid, sig);
}

static void end_all(struct supervisor *s, int sig)
{
	for (unsigned i = s->n; i > 0; i--)
		end_one(s, i - 1, sig);
	while (s->n_leavers > 0) {
		s->n_leavers--;
		end_process(s->leavers[s->n_leavers].name, s->leavers[s->n_leavers].pid, sig);
	}
}

/* Tells it to end, and does not wait. */
static void let_go(struct supervisor *s, const char *name, pid_t pid)
{
	if (!pid)
		return;
	if (s->n_leavers == SUPERVISE_MAX)
		return end_process(name, pid, SIGTERM);
	(void)kill(pid, SIGTERM);
	s->leavers[s->n_leavers++] =
		(struct leaver){.pid = pid, .name = name, .until = clock_mono_ms() + END_MS};
}

/* Was it one of them? */
static bool has_left(struct supervisor *s, pid_t pid)
{
	for (unsigned i = 0; i < s->n_leavers; i++) {
		if (s->leavers[i].pid == pid) {
			s->leavers[i] = s->leavers[--s->n_leavers];
			return true;
		}
	}
	return false;
}

static void kill_late_leavers(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	for (unsigned i = 0; i < s->n_leavers; i++) {
		struct leaver *l = &s->leavers[i];

		if (now < l->until)
			continue;
		log_warn("%s does not end, killing it", l->name);
		(void)kill(l->pid, SIGKILL);
		l->until = INT64_MAX;
	}
}

/* --- watching ------------------------------------------------------------------------------------ */

static bool note_death(struct supervisor *s, unsigned i, int status)
{
	struct slot *slot = &s->slots[i];
	int64_t now = clock_mono_ms();

	slot->pid = 0;
	if (now - slot->since >= STEADY_MS)
		slot->pause = 0;
	slot->due = now + slot->pause;
	log_error("%s ended unexpectedly (%s %d), starts again in %d ms", s->children[i].name,
		  WIFSIGNALED(status) ? "signal" : "exit status",
		  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (int)slot->pause);
	slot->pause = slot->pause ? slot->pause * 2 : PAUSE_MIN_MS;
	if (slot->pause > PAUSE_MAX_MS)
		slot->pause = PAUSE_MAX_MS;
	return !fault_ends_all(status);
}

/* False: all shall end. */
static bool reap(struct supervisor *s)
{
	bool go_on = true;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (has_left(s, pid))
			continue;
		for (unsigned i = 0; i < s->n; i++) {
			if (s->slots[i].pid == pid && !note_death(s, i, status))
				go_on = false;
		}
	}
	return go_on;
}

/* Starts who is due; ms until the next one is, or a while. */
static int64_t start_due(struct supervisor *s)
{
	int64_t now = clock_mono_ms(), next = s->n_leavers > 0 ? 1000 : 60000;

	for (unsigned i = 0; i < s->n; i++) {
		struct slot *slot = &s->slots[i];

		if (slot->pid)
			continue;
		if (slot->due <= now && start(s, i, -1, -1))
			slot->due = now + PAUSE_MAX_MS;
		if (!slot->pid && slot->due - now < next)
			next = slot->due - now;
	}
	return next > 0 ? next : 1;
}

/* --- replacing ----------------------------------------------------------------------------------- */

static int replace_one(struct supervisor *s, unsigned i)
{
	const struct supervise_child *c = &s->children[i];
	struct slot *slot = &s->slots[i];
	const struct slot old = *slot;
	int code;

	if (c->alone)
		end_one(s, i, SIGTERM);
	code = start_and_wait(s, i, clock_mono_ms() + READY_MS);
	if (code == EXIT_DONE) {
		slot->pause = 0;
		if (!c->alone)
			let_go(s, c->name, old.pid);
	} else if (c->alone) {
		slot->due = clock_mono_ms() + PAUSE_MIN_MS;
	} else {
		*slot = old;
	}
	return code;
}

static void replace_all(struct supervisor *s, const struct supervise_options *o)
{
	if (!o->reload || o->reload(o->ctx) != E_OK)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		int code = replace_one(s, i);

		if (code == CODE_STOP)
			return;
		if (code != EXIT_DONE)
			return log_error("%s: no replacement got ready, the rest stays as it is",
					 s->children[i].name);
	}
	log_info("reloaded");
}

/* The signal for the children. */
static int watch(struct supervisor *s, const struct supervise_options *o)
{
	for (;;) {
		int64_t ms = start_due(s);
		struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
		int sig = sigtimedwait(&s->signals, NULL, &t);

		if (sig == SIGTERM || sig == SIGINT)
			return SIGTERM;
		if (sig == SIGHUP)
			replace_all(s, o);
		if (!reap(s))
			return SIGKILL;
		kill_late_leavers(s);
	}
}

int supervise(const struct supervise_options *o)
{
	struct supervisor s = {.children = o->children, .n = o->n};
	int code = o->n <= SUPERVISE_MAX ? EXIT_DONE : EXIT_FAILED, sig = SIGTERM;

	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGHUP);
	sigaddset(&s.signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &s.signals, &s.before))
		return EXIT_FAILED;
	for (unsigned i = 0; code == EXIT_DONE && i < s.n; i++)
		code = start_and_wait(&s, i, INT64_MAX);
	if (code == EXIT_DONE && o->ready)
		log_info("%s", o->ready);
	if (code == EXIT_DONE)
		sig = watch(&s, o);
	end_all(&s, sig);
	return code == CODE_STOP ? EXIT_DONE : code;
}
