#include "scep_ca/supervise.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "scep_ca/signer/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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

struct slot {
	pid_t pid;          /* 0: not running */
	int64_t since, due; /* started at; to be started at (ms) */
	int64_t pause;
};

struct supervisor {
	const struct supervise_child *children;
	unsigned n;
	struct slot slots[SUPERVISE_MAX];
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

/* EXIT_DONE when it serves. */
static int start_and_wait(struct supervisor *s, unsigned i)
{
	int p[2], code = EXIT_DONE;
	ssize_t n;
	char c;

	if (pipe2(p, O_CLOEXEC))
		return EXIT_FAILED;
	if (start(s, i, p[1], p[0]))
		code = EXIT_FAILED;
	close(p[1]);
	if (code == EXIT_DONE) {
		while ((n = read(p[0], &c, 1)) < 0 && errno == EINTR)
			;
		if (n != 1)
			code = code_of(&s->slots[i]);
	}
	close(p[0]);
	return code;
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
	int64_t now = clock_mono_ms(), next = 60000;

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

/* The signal for the children. */
static int watch(struct supervisor *s)
{
	for (;;) {
		int64_t ms = start_due(s);
		struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
		int sig = sigtimedwait(&s->signals, NULL, &t);

		if (sig == SIGTERM || sig == SIGINT)
			return SIGTERM;
		if (!reap(s))
			return SIGKILL;
	}
}

/* --- ending -------------------------------------------------------------------------------------- */

static void end_one(struct supervisor *s, unsigned i, int sig)
{
	static const struct timespec pause = {.tv_nsec = 5000000};
	int64_t until = clock_mono_ms() + END_MS;
	pid_t pid = s->slots[i].pid;

	s->slots[i].pid = 0;
	if (!pid)
		return;
	(void)kill(pid, sig);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() >= until) {
			log_warn("%s does not end, killing it", s->children[i].name);
			(void)kill(pid, SIGKILL);
			until = INT64_MAX;
		}
		(void)nanosleep(&pause, NULL);
	}
}

int supervise(const struct supervise_child *children, unsigned n)
{
	struct supervisor s = {.children = children, .n = n};
	int code = n <= SUPERVISE_MAX ? EXIT_DONE : EXIT_FAILED, sig = SIGTERM;

	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigaddset(&s.signals, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &s.signals, &s.before))
		return EXIT_FAILED;
	for (unsigned i = 0; code == EXIT_DONE && i < n; i++)
		code = start_and_wait(&s, i);
	if (code == EXIT_DONE)
		sig = watch(&s);
	for (unsigned i = n; i > 0; i--)
		end_one(&s, i - 1, sig);
	return code;
}
