/* Each right is tried in a child that has given it up; the parent shows that it is there else. */
#include "core/ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char dir[] = "/tmp/test_sandbox.XXXXXX";
static char readable[64], writable[64], secret[64], inside[80], outside[64];

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "# %s:%d: %s (errno %s)\n", __func__, __LINE__, #what,     \
				strerror(errno));                                                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* Runs body in a child; the test passes when that ends well. */
static void in_child(void (*body)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("child ended with status %x", (unsigned)status);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static void file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int folder_make(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return -1;
	snprintf(readable, sizeof(readable), "%s/read", dir);
	snprintf(writable, sizeof(writable), "%s/write", dir);
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	snprintf(inside, sizeof(inside), "%s/write/in", dir);
	snprintf(outside, sizeof(outside), "%s/out", dir);
	file_write(readable, "read me\n");
	file_write(secret, "not me\n");
	return mkdir(writable, 0777) || chmod(writable, 0777) ? -1 : 0;
}

static int folder_remove(void **state)
{
	(void)state;
	unlink(inside);
	unlink(outside);
	unlink(readable);
	unlink(secret);
	rmdir(writable);
	return rmdir(dir);
}

static void enter(const char *user)
{
	const char *const reads[] = {readable, "/nonexistent/path"}, *const writes[] = {writable};
	struct sandbox s = {.user = user,
			    .read_paths = reads,
			    .n_read = 2,
			    .write_paths = writes,
			    .n_write = 1};
	struct errmsg em = {"left over"};

	CHECK(sandbox_early(&em) == E_OK);
	if (sandbox_enter(&s, &em) != E_OK) {
		fprintf(stderr, "# %s\n", em.text);
		_exit(1);
	}
	CHECK(has_landlock() ? em.text[0] == '\0' : strstr(em.text, "Landlock") != NULL);
}

/* ---- early ---- */

static void early(void)
{
	struct rlimit core;
	struct errmsg em;
	mode_t old;
	int p[2];

	CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
	umask(022);
	close(0); /* started with a closed standard input */
	CHECK(sandbox_early(&em) == E_OK);
	CHECK(fcntl(0, F_GETFD) >= 0);
	CHECK(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == SANITIZED);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	old = umask(0);
	CHECK(old == 077);
	CHECK(pipe(p) == 0);
	close(p[0]);
	CHECK(write(p[1], "x", 1) == -1 && errno == EPIPE); /* SIGPIPE would have ended us */
}

static void test_early(void **state)
{
	(void)state;
	in_child(early);
}

/* ---- files ---- */

static void files(void)
{
	char text[32] = "";
	int fd;

	enter(NULL);
	fd = open(readable, O_RDONLY);
	CHECK(fd >= 0 && read(fd, text, sizeof(text) - 1) == 8 && strcmp(text, "read me\n") == 0);
	CHECK(open(readable, O_WRONLY) == -1 && errno == EACCES);
	CHECK(open(secret, O_RDONLY) == -1 && errno == EACCES);
	CHECK(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	CHECK(open(outside, O_WRONLY | O_CREAT, 0600) == -1 && errno == EACCES);
	CHECK(unlink(secret) == -1 && errno == EACCES);
	CHECK(rename(secret, inside) == -1 && (errno == EACCES || errno == EXDEV));
	CHECK(truncate(secret, 0) == -1 && errno == EACCES);
	fd = open(inside, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0 && write(fd, "abc", 3) == 3 && ftruncate(fd, 1) == 0);
	CHECK(truncate(inside, 0) == 0);
	CHECK(symlink("/etc/shadow", "/tmp/test_sandbox.link") == -1 && errno == EACCES);
	CHECK(unlink(inside) == 0);
	CHECK(open("/dev/urandom", O_RDONLY) >= 0);
	CHECK(open("/dev/null", O_WRONLY) >= 0);
}

static void test_files(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	in_child(files);
}

static void missing_write_path(void)
{
	const char *const writes[] = {"/nonexistent/folder"};
	struct sandbox s = {.write_paths = writes, .n_write = 1};
	struct errmsg em;

	CHECK(sandbox_early(&em) == E_OK);
	CHECK(sandbox_enter(&s, &em) == E_NOTFOUND);
	CHECK(strstr(em.text, "/nonexistent/folder") != NULL);
}

static void test_missing_write_path(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	in_child(missing_write_path);
}

/* ---- system calls ---- */

#define REFUSED(call) CHECK((errno = 0, (call)) == -1 && errno == EPERM)

static void calls(void)
{
	char name[] = "true", *const argv[] = {name, NULL};
	char stack[64];

	enter(NULL);
	REFUSED(execv("/bin/true", argv));
	REFUSED(syscall(SYS_execveat, -1, "/bin/true", argv, NULL, 0));
	if (!SANITIZED)
		REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	REFUSED(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	REFUSED(syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
	REFUSED(syscall(SYS_umount2, "/nonexistent", 0));
	REFUSED(syscall(SYS_pivot_root, "/", "/"));
	REFUSED(syscall(SYS_chroot, "/"));
	REFUSED(syscall(SYS_unshare, 0));
	REFUSED(syscall(SYS_setns, -1, 0));
	REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
	REFUSED(syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL));
	CHECK(syscall(SYS_clone3, stack, sizeof(stack)) == -1 && errno == ENOSYS);
	REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_add_key, "user", "x", "y", 1, -3));
	REFUSED(syscall(SYS_request_key, "user", "x", NULL, 0));
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0));
	REFUSED(syscall(SYS_userfaultfd, 0));
	REFUSED(syscall(SYS_init_module, NULL, 0, ""));
	REFUSED(syscall(SYS_finit_module, -1, "", 0));
	REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
	REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL));
	REFUSED(syscall(SYS_swapon, "/nonexistent", 0));
	REFUSED(syscall(SYS_open_by_handle_at, -1, NULL, 0));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_setuid, getuid()));
	REFUSED(syscall(SYS_setgroups, 0, NULL));
	REFUSED(syscall(SYS_mknod, inside, S_IFCHR | 0600, 0));
	REFUSED(ioctl(0, TIOCSTI, "x"));
	REFUSED(ioctl(0, 0x7700000000000000UL | TIOCSTI, "x")); /* the kernel cuts it to 32 bits */
	REFUSED(socket(AF_PACKET, SOCK_RAW, 0));
	REFUSED(socket(38, SOCK_SEQPACKET, 0)); /* AF_ALG */
	REFUSED(socket(AF_APPLETALK, SOCK_DGRAM, 0));
}

static void test_calls(void **state)
{
	(void)state;
	/* Here, outside, these work or fail for other reasons. */
	assert_int_equal(syscall(SYS_unshare, 0), 0);
	assert_int_equal(syscall(SYS_setuid, getuid()), 0);
	assert_true(socket(AF_APPLETALK, SOCK_DGRAM, 0) == -1 ? errno != EPERM : 1);
	in_child(calls);
}

/* ---- what must go on working ---- */

static void *add_one(void *arg)
{
	*(int *)arg += 1;
	return NULL;
}

static void work(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *info = NULL;
	pthread_t thread;
	struct tm tm;
	time_t now = time(NULL);
	int n = 0, fd, peer, p[2];
	pid_t pid;
	void *map;

	enter(NULL);
	CHECK(pthread_create(&thread, NULL, add_one, &n) == 0 && pthread_join(thread, NULL) == 0 &&
	      n == 1);
	pid = fork();
	if (pid == 0)
		_exit(7);
	CHECK(waitpid(pid, &n, 0) == pid && WEXITSTATUS(n) == 7);
	CHECK(socket(AF_INET, SOCK_STREAM, 0) >= 0);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
	CHECK(getaddrinfo("127.0.0.1", "80", &hints, &info) == 0);
	freeaddrinfo(info);
	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(map != MAP_FAILED);
	CHECK(localtime_r(&now, &tm) != NULL);
	/* a unix socket in the writable folder, as of Redis */
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", inside);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0 && listen(fd, 1) == 0);
	peer = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(connect(peer, (struct sockaddr *)&un, sizeof(un)) == 0);
	CHECK(unlink(inside) == 0);
	CHECK(kill(getpid(), 0) == 0);
}

static void test_work(void **state)
{
	(void)state;
	in_child(work);
}

/* ---- narrower still ---- */

static void no_open(void)
{
	const char *const reads[] = {readable};
	const struct sandbox s = {.read_paths = reads, .n_read = 1, .no_open = true};
	int fd = open(readable, O_RDONLY);
	char c;

	CHECK(sandbox_early(NULL) == E_OK && sandbox_enter(&s, NULL) == E_OK);
	REFUSED(open(readable, O_RDONLY));
	REFUSED(syscall(SYS_open, readable, O_RDONLY));
	REFUSED(syscall(SYS_openat, AT_FDCWD, secret, O_RDONLY));
	REFUSED(syscall(SYS_openat2, AT_FDCWD, secret, NULL, 0));
	REFUSED(creat("/dev/null", 0600));
	CHECK(fd >= 0 && read(fd, &c, 1) == 1); /* what was open stays */
}

static void test_no_open(void **state)
{
	(void)state;
	if (SANITIZED)
		skip();
	in_child(no_open);
}

static void no_sockets(void)
{
	const struct sandbox s = {.network = SANDBOX_NO_SOCKETS};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
	int p[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0 && fd >= 0);
	CHECK(sandbox_early(NULL) == E_OK && sandbox_enter(&s, NULL) == E_OK);
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	REFUSED(connect(fd, (struct sockaddr *)&un, sizeof(un)));
	REFUSED(bind(fd, (struct sockaddr *)&un, sizeof(un)));
	REFUSED(listen(fd, 1));
	CHECK(write(p[0], "x", 1) == 1 && read(p[1], &c, 1) == 1);
}

static void unix_clients(void)
{
	const struct sandbox s = {.network = SANDBOX_CONNECT_UNIX};
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
	int fd;

	CHECK(sandbox_early(NULL) == E_OK && sandbox_enter(&s, NULL) == E_OK);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	CHECK(connect(fd, (struct sockaddr *)&un, sizeof(un)) == -1 && errno != EPERM);
	REFUSED(bind(fd, (struct sockaddr *)&un, sizeof(un)));
	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
}

static void clients(void)
{
	const struct sandbox s = {.network = SANDBOX_CONNECT};
	int fd;

	CHECK(sandbox_early(NULL) == E_OK && sandbox_enter(&s, NULL) == E_OK);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(fd >= 0);
	REFUSED(listen(fd, 1));
}

static void test_network(void **state)
{
	(void)state;
	in_child(no_sockets);
	in_child(unix_clients);
	in_child(clients);
}

/* It starts others, who change their user and narrow themselves after it. */
static void parent(void)
{
	const struct sandbox s = {.parent = true};
	char name[] = "true", *const argv[] = {name, NULL};
	int status = 0;
	pid_t pid;

	CHECK(sandbox_early(NULL) == E_OK && sandbox_enter(&s, NULL) == E_OK);
	REFUSED(execv("/bin/true", argv));
	REFUSED(syscall(SYS_unshare, 0));
	CHECK(open(secret, O_RDONLY) >= 0);
	CHECK(setuid(getuid()) == 0);
	pid = fork();
	if (pid == 0) {
		no_sockets();
		REFUSED(syscall(SYS_setuid, getuid()));
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_parent(void **state)
{
	(void)state;
	in_child(parent);
}

/* ---- threads ---- */

static void *sleep_long(void *arg)
{
	(void)arg;
	sleep(5);
	return NULL;
}

static void too_late(void)
{
	struct sandbox s = {.user = NULL};
	struct errmsg em = {""};
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
	CHECK(sandbox_enter(&s, &em) == E_STATE);
	CHECK(strstr(em.text, "before threads start") != NULL);
	CHECK(open("/etc/passwd", O_RDONLY) >= 0); /* nothing was done by halves */
}

static void test_too_late(void **state)
{
	(void)state;
	in_child(too_late);
}

static void *open_secret(void *arg)
{
	*(int *)arg = open(secret, O_RDONLY);
	return NULL;
}

static void later_threads(void)
{
	pthread_t thread;
	int fd = -2;

	enter(NULL);
	CHECK(pthread_create(&thread, NULL, open_secret, &fd) == 0 &&
	      pthread_join(thread, NULL) == 0);
	CHECK(fd == -1);
}

static void test_later_threads(void **state)
{
	(void)state;
	if (!has_landlock())
		skip();
	in_child(later_threads);
}

/* ---- user ---- */

static void becomes_nobody(void)
{
	const struct passwd *pw = getpwnam("nobody");
	uid_t r, e, s;
	gid_t gr, ge, gs;
	static const gid_t groups_before[] = {0, 4};

	CHECK(pw != NULL);
	CHECK(setgroups(2, groups_before) == 0);
	enter("nobody");
	CHECK(getresuid(&r, &e, &s) == 0 && r == pw->pw_uid && e == pw->pw_uid && s == pw->pw_uid);
	CHECK(getresgid(&gr, &ge, &gs) == 0 && gr == pw->pw_gid && ge == pw->pw_gid &&
	      gs == pw->pw_gid);
	for (int i = 0, n = getgroups(0, NULL); i < n; i++) {
		gid_t groups[64];

		CHECK(getgroups(64, groups) >= 0 && groups[i] != 0);
	}
	CHECK(setuid(0) == -1 && seteuid(0) == -1 && setegid(0) == -1);
	CHECK(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == SANITIZED);
}

static void test_user(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(becomes_nobody);
}

static void bad_users(void)
{
	struct sandbox s = {.user = "no-such-user-here"};
	struct errmsg em;

	CHECK(sandbox_enter(&s, &em) == E_CONFIG);
	CHECK(strstr(em.text, "no-such-user-here") && strstr(em.text, "useradd"));
	s.user = "root";
	CHECK(sandbox_enter(&s, &em) == E_CONFIG);
}

static void test_bad_users(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(bad_users);
}

static void stays(void)
{
	uid_t before = geteuid();

	enter("");
	CHECK(geteuid() == before);
}

static void test_stays(void **state)
{
	(void)state;
	in_child(stays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_missing_write_path),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_no_open),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_parent),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_later_threads),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_bad_users),
		cmocka_unit_test(test_stays),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
