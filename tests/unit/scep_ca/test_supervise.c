/* The supervisor runs in a child of each test and tells by a pipe what happens, a letter a time. */
#include "scep_ca/supervise.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WAIT_MS 20000

/* Shared by all processes of a test. */
static struct shared {
	pid_t pids[3]; /* of the last one that started */
	int code[3];   /* not 0: ends with it instead of getting ready */
	bool hangs[3]; /* never gets ready */
	int reload;    /* what the reload says */
	int alive[3], most[3];
} * shared;

static int told[2]; /* lower case: ready; upper case: ends */
static pid_t top;

static void tell(char c)
{
	if (write(told[1], &c, 1) != 1)
		_exit(99);
}

static int role(void *ctx, int ready)
{
	int i = *(int *)ctx, sig = 0, now;
	sigset_t end;

	if (shared->code[i])
		return shared->code[i];
	if (shared->hangs[i])
		tell('h');
	while (shared->hangs[i])
		pause();
	now = __atomic_add_fetch(&shared->alive[i], 1, __ATOMIC_SEQ_CST);
	if (now > shared->most[i])
		shared->most[i] = now;
	shared->pids[i] = getpid();
	tell((char)('a' + i));
	if (ready >= 0 && write(ready, "r", 1) != 1)
		return 98;
	if (ready >= 0)
		close(ready);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	while (sigwait(&end, &sig) != 0)
		;
	__atomic_sub_fetch(&shared->alive[i], 1, __ATOMIC_SEQ_CST);
	tell((char)('A' + i));
	return 0;
}

static int reload(void *ctx)
{
	(void)ctx;
	tell(shared->reload == E_OK ? '+' : '-');
	return shared->reload;
}

static void start(bool reloads)
{
	static int number[3] = {0, 1, 2};

	top = fork();
	assert_true(top >= 0);
	if (top == 0) {
		const struct supervise_child children[] = {
			{"a", role, &number[0], true},
			{"b", role, &number[1], false},
			{"c", role, &number[2], false},
		};
		const struct supervise_options o = {
			.children = children, .n = 3, .reload = reloads ? reload : NULL};
		int code;

		/* a test that fails leaves nobody behind */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
			_exit(97);
		code = supervise(&o);
		tell('.');
		_exit(code);
	}
}

/* The next n letters. */
static const char *heard(size_t n)
{
	static char text[64];
	struct pollfd p = {.fd = told[0], .events = POLLIN};
	size_t i = 0;

	while (i < n && poll(&p, 1, WAIT_MS) == 1 && read(told[0], text + i, 1) == 1)
		i++;
	text[i] = '\0';
	return text;
}

static void silent(int ms)
{
	struct pollfd p = {.fd = told[0], .events = POLLIN};

	assert_int_equal(poll(&p, 1, ms), 0);
}

static int ended(void)
{
	int status = 0;

	assert_int_equal(waitpid(top, &status, 0), top);
	assert_true(WIFEXITED(status));
	top = 0;
	return WEXITSTATUS(status);
}

static void stop(void)
{
	assert_int_equal(kill(top, SIGTERM), 0);
	assert_string_equal(heard(4), "CBA.");
	assert_int_equal(ended(), EXIT_DONE);
}

static bool gone(pid_t pid)
{
	struct timespec t = {.tv_nsec = 10000000};

	for (int i = 0; i < WAIT_MS / 10; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		(void)nanosleep(&t, NULL);
	}
	return false;
}

static int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || pipe(told))
		return -1;
	log_init("test", LOG_LEVEL_ERROR);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (top)
		(void)kill(top, SIGKILL);
	top = 0;
	close(told[0]);
	close(told[1]);
	return munmap(shared, sizeof(*shared));
}

static void test_order(void **state)
{
	(void)state;
	start(false);
	assert_string_equal(heard(3), "abc");
	stop();
}

static void test_no_start(void **state)
{
	(void)state;
	shared->code[2] = EXIT_USAGE;
	start(false);
	assert_string_equal(heard(5), "abBA.");
	assert_int_equal(ended(), EXIT_USAGE);
}

/* Somebody who never gets ready does not keep the others from ending. */
static void test_end_while_starting(void **state)
{
	(void)state;
	shared->hangs[1] = true;
	start(false);
	assert_string_equal(heard(2), "ah");
	assert_int_equal(kill(top, SIGTERM), 0);
	assert_string_equal(heard(2), "A.");
	assert_int_equal(ended(), EXIT_DONE);
}

static void test_dead_again(void **state)
{
	int64_t took, began;
	pid_t before;

	(void)state;
	start(false);
	assert_string_equal(heard(3), "abc");
	before = shared->pids[1];
	began = clock_mono_ms();
	assert_int_equal(kill(before, SIGKILL), 0);
	assert_string_equal(heard(1), "b");
	assert_int_not_equal(shared->pids[1], before);
	/* each time a little later */
	for (int i = 0; i < 4; i++) {
		began = clock_mono_ms();
		assert_int_equal(kill(shared->pids[1], SIGKILL), 0);
		assert_string_equal(heard(1), "b");
	}
	took = clock_mono_ms() - began;
	assert_true(took >= 390);
	stop();
}

static void test_orphans_end(void **state)
{
	pid_t pids[3];

	(void)state;
	start(false);
	assert_string_equal(heard(3), "abc");
	memcpy(pids, shared->pids, sizeof(pids));
	assert_int_equal(kill(top, SIGKILL), 0);
	assert_int_equal(waitpid(top, NULL, 0), top);
	top = 0;
	for (int i = 0; i < 3; i++)
		assert_true(gone(pids[i]));
}

/* a is alone: it ends first. Of the others the new one is there before the old one ends. */
static void test_reload(void **state)
{
	pid_t before[3];
	char order[64];

	(void)state;
	start(true);
	assert_string_equal(heard(3), "abc");
	memcpy(before, shared->pids, sizeof(before));
	assert_int_equal(kill(top, SIGHUP), 0);
	(void)snprintf(order, sizeof(order), "%s", heard(7));
	assert_memory_equal(order, "+Aab", 4);
	assert_non_null(strchr(order, 'B'));
	assert_non_null(strchr(order, 'C'));
	assert_true(strchr(order, 'c') < strchr(order, 'C'));
	assert_int_equal(shared->most[0], 1);
	assert_int_equal(shared->most[1], 2);
	assert_int_equal(shared->most[2], 2);
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(shared->pids[i], before[i]);
		assert_true(gone(before[i])); /* reaped */
	}
	stop();
}

static void test_reload_refused(void **state)
{
	(void)state;
	shared->reload = E_CONFIG;
	start(true);
	assert_string_equal(heard(3), "abc");
	assert_int_equal(kill(top, SIGHUP), 0);
	assert_string_equal(heard(1), "-");
	silent(200);
	stop();
}

/* Without a reload SIGHUP does nothing, and children never die of it. */
static void test_no_reload(void **state)
{
	(void)state;
	start(false);
	assert_string_equal(heard(3), "abc");
	assert_int_equal(kill(top, SIGHUP), 0);
	assert_int_equal(kill(shared->pids[1], SIGHUP), 0);
	silent(200);
	stop();
}

static void test_replacement_fails(void **state)
{
	pid_t before[3];

	(void)state;
	start(true);
	assert_string_equal(heard(3), "abc");
	memcpy(before, shared->pids, sizeof(before));
	shared->code[1] = EXIT_FAILED;
	assert_int_equal(kill(top, SIGHUP), 0);
	assert_string_equal(heard(3), "+Aa");
	silent(300);
	assert_int_equal(shared->pids[1], before[1]); /* the old ones serve on */
	assert_int_equal(shared->pids[2], before[2]);
	/* and who dies now is still started again */
	shared->code[1] = 0;
	assert_int_equal(kill(before[1], SIGKILL), 0);
	assert_string_equal(heard(1), "b");
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_start, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_while_starting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orphans_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_reload, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replacement_fails, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
