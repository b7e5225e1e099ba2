#include "scep_ca/signer/fault.h"

#ifdef SCEPAUTH_FAULT

#include "core/audit/journal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The journal's file and how much of it is on the disk for sure. */
static atomic_int journal_fd = -1;
static atomic_llong journal_synced;
static pthread_mutex_t syncing = PTHREAD_MUTEX_INITIALIZER;

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
}

/* Nobody may be told of a sync that this takes back. The journal appends at what is synced and nowhere else, so a
 * write that comes after this makes no hole. */
static void lose_power(void)
{
	int fd;

	pthread_mutex_lock(&syncing);
	fd = atomic_load(&journal_fd);
	if (fd >= 0 && ftruncate(fd, (off_t)atomic_load(&journal_synced)) == 0)
		die();
	die();
}

/* The action planned for this point, from its Nth pass on; NULL: none yet. */
static const char *planned(const char *name, long *ret_after)
{
	static atomic_long passed;
	const char *plan = getenv("SCEPAUTH_FAULT"), *action;
	size_t n = strlen(name);
	char *end;
	long nth;

	if (!plan || strncmp(plan, name, n) != 0 || plan[n] != ':')
		return NULL;
	nth = strtol(plan + n + 1, &end, 10);
	*ret_after = atomic_fetch_add(&passed, 1) + 1 - nth;
	if (*ret_after < 0)
		return NULL;
	if (strncmp(end, ":role", 5) == 0)
		end += 5;
	action = *end == ':' ? end + 1 : "kill";
	return action;
}

static const char *at(const char *name, long *ret_after)
{
	const struct timespec pause = {.tv_nsec = 500000000};
	const char *action = planned(name, ret_after);

	if (!action || *ret_after > 0)
		return action;
	if (strcmp(action, "kill") == 0)
		die();
	else if (strcmp(action, "power") == 0)
		lose_power();
	else if (strcmp(action, "stop") == 0)
		(void)raise(SIGSTOP);
	else if (strcmp(action, "delay") == 0)
		(void)nanosleep(&pause, NULL);
	return action;
}

void fault_point(const char *name)
{
	long after;

	(void)at(name, &after);
}

/* 0, or the errno of an action that is an error. */
static int error_of(const char *action)
{
	if (action && strcmp(action, "full") == 0)
		return ENOSPC;
	return action && strcmp(action, "io") == 0 ? EIO : 0;
}

static ssize_t faulty_write(int fd, const void *p, size_t n, off_t offset)
{
	const char *action;
	long after = 0;
	ssize_t done;

	atomic_store(&journal_fd, fd);
	if (offset == 0) {
		atomic_store(&journal_synced, 0);
		fault_point("rotate");
	}
	action = at("write", &after);
	errno = error_of(action);
	if (errno)
		return -1;
	if (action && after == 0 && strcmp(action, "torn") == 0) {
		done = pwrite(fd, p, n / 2, offset);
		die();
		return done;
	}
	if (action && strcmp(action, "short") == 0)
		n = 1;
	return pwrite(fd, p, n, offset);
}

static int faulty_sync(int fd)
{
	long after = 0;
	struct stat st;
	int r;

	errno = error_of(at("sync", &after));
	if (errno)
		return -1;
	if (getenv("SCEPAUTH_FAULT_LIE"))
		return 0;
	pthread_mutex_lock(&syncing);
	r = fdatasync(fd) == 0 ? fstat(fd, &st) : -1;
	if (r == 0) {
		atomic_store(&journal_fd, fd);
		atomic_store(&journal_synced, st.st_size);
	}
	pthread_mutex_unlock(&syncing);
	if (r == 0)
		fault_point("synced");
	return r;
}

void fault_journal(struct journal_options *o)
{
	const char *size = getenv("SCEPAUTH_FAULT_FILE");

	o->write = faulty_write;
	o->sync = faulty_sync;
	o->file_size = size ? strtoull(size, NULL, 10) : 0;
}

bool fault_ends_all(int status)
{
	const char *plan = getenv("SCEPAUTH_FAULT");

	return plan && !strstr(plan, ":role") && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

#else

/* ISO C wants something here. */
typedef int fault_nothing;

#endif
