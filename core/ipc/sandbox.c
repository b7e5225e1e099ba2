/*
 * Order matters: groups and uid first (they need root), then Landlock, then seccomp. Everything
 * here is for good; a child process inherits it.
 */
#include "core/ipc/sandbox.h"
#include "core/ipc/landlock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* LeakSanitizer looks at the process from outside when it ends, through ptrace and /proc. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* ---- early ---- */

/* A closed standard descriptor would become a socket or a key file, and get our messages. */
static int standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest free number is fd: those below are open */
		if (open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY) != fd)
			return -1;
	}
	return 0;
}

int sandbox_early(struct errmsg *em)
{
	static const struct rlimit none = {0, 0};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	umask(077);
	if (standard_descriptors())
		return err_set(em, E_IO,
			       "standard descriptors are closed and /dev/null cannot be opened");
	if (setrlimit(RLIMIT_CORE, &none))
		return err_set(em, E_IO, "core dumps cannot be switched off: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0))
		return err_set(em, E_IO, "tracing cannot be switched off: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(em, E_IO, "new privileges cannot be switched off: %s",
			       strerror(errno));
	if (sigaction(SIGPIPE, &ignore, NULL))
		return err_set(em, E_IO, "SIGPIPE cannot be ignored: %s", strerror(errno));
	return E_OK;
}

/* ---- user ---- */

static int user_verify(const struct passwd *pw, struct errmsg *em)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	if (getresuid(&ruid, &euid, &suid) || getresgid(&rgid, &egid, &sgid) ||
	    ruid != pw->pw_uid || euid != pw->pw_uid || suid != pw->pw_uid || rgid != pw->pw_gid ||
	    egid != pw->pw_gid || sgid != pw->pw_gid)
		return err_set(em, E_DENIED, "the switch to user %s is not complete", pw->pw_name);
	if (setuid(0) == 0 || seteuid(0) == 0 || (pw->pw_gid != 0 && setegid(0) == 0))
		return err_set(em, E_DENIED, "the switch to user %s can be undone", pw->pw_name);
	return E_OK;
}

static int user_become(const char *user, struct errmsg *em)
{
	const struct passwd *pw;

	if (!user || !*user || geteuid() != 0)
		return E_OK;
	errno = 0;
	pw = getpwnam(user);
	if (!pw)
		return err_set(em, E_CONFIG,
			       "user %s (run-as) does not exist; make it with: useradd --system %s",
			       user, user);
	if (pw->pw_uid == 0)
		return err_set(em, E_CONFIG,
			       "run-as must not name root; leave it empty to stay as started");
	if (initgroups(pw->pw_name, pw->pw_gid) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return err_set(em, E_DENIED, "cannot become user %s: %s", user, strerror(errno));
	/* the kernel makes the process dumpable again where suid_dumpable says so */
	if (prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0))
		return err_set(em, E_IO, "tracing cannot be switched off: %s", strerror(errno));
	return user_verify(pw, em);
}

/* ---- files ---- */

/* What the C library and OpenSSL read late: names, time zones, modules. None of it is ours. */
static const char *const system_paths[] = {
	"/etc/hosts",         "/etc/host.conf", "/etc/resolv.conf",
	"/etc/nsswitch.conf", "/etc/gai.conf",  "/etc/services",
	"/etc/protocols",     "/etc/localtime", "/etc/ld.so.cache",
	"/etc/ssl",           "/etc/gnutls",    "/usr/share/zoneinfo",
	"/usr/lib",           "/lib",           "/lib64",
	"/dev/urandom",       "/dev/random",    "/sys/devices/system/cpu",
};

static int files_restrict(const struct sandbox *s, struct errmsg *em)
{
	struct landlock *l = NULL;
	int rc = landlock_open(&l, em);

	/* An old kernel, or one whose administrator has it off: said, not fatal. */
	if (rc == E_UNSUPPORTED)
		return E_OK;
	for (size_t i = 0; !rc && i < sizeof(system_paths) / sizeof(*system_paths); i++)
		rc = landlock_allow(l, system_paths[i], LANDLOCK_READ, em);
	if (!rc)
		rc = landlock_allow(l, "/dev/null", LANDLOCK_WRITE, em);
	if (!rc && SANITIZED)
		rc = landlock_allow(l, "/proc", LANDLOCK_READ, em);
	for (size_t i = 0; !rc && i < s->n_read; i++)
		rc = landlock_allow(l, s->read_paths[i], LANDLOCK_READ, em);
	for (size_t i = 0; !rc && i < s->n_write; i++)
		rc = landlock_allow(l, s->write_paths[i], LANDLOCK_WRITE | LANDLOCK_MUST, em);
	if (!rc)
		rc = landlock_enter(l, em);
	landlock_close(l);
	return rc;
}

/* ---- system calls ---- */

/* None of our daemons starts programs, changes the system or looks into other processes. A kernel or
 * libseccomp that does not know a name has nothing to refuse. */
static const char *const refused[] = {"execve",
				      "execveat",
				      "process_vm_readv",
				      "process_vm_writev",
				      "kcmp",
				      "pidfd_getfd",
				      "mount",
				      "umount",
				      "umount2",
				      "pivot_root",
				      "chroot",
				      "move_mount",
				      "open_tree",
				      "fsopen",
				      "fsconfig",
				      "fsmount",
				      "fspick",
				      "mount_setattr",
				      "unshare",
				      "setns",
				      "bpf",
				      "kexec_load",
				      "kexec_file_load",
				      "init_module",
				      "finit_module",
				      "delete_module",
				      "create_module",
				      "keyctl",
				      "add_key",
				      "request_key",
				      "perf_event_open",
				      "userfaultfd",
				      "reboot",
				      "swapon",
				      "swapoff",
				      "open_by_handle_at",
				      "name_to_handle_at",
				      "lookup_dcookie",
				      "settimeofday",
				      "clock_settime",
				      "clock_settime64",
				      "clock_adjtime",
				      "clock_adjtime64",
				      "adjtimex",
				      "stime",
				      "sethostname",
				      "setdomainname",
				      "acct",
				      "quotactl",
				      "quotactl_fd",
				      "iopl",
				      "ioperm",
				      "modify_ldt",
				      "vm86",
				      "vm86old",
				      "uselib",
				      "nfsservctl",
				      "syslog",
				      "vhangup",
				      "migrate_pages",
				      "move_pages",
				      "fanotify_init",
				      "io_uring_setup",
				      "io_uring_enter",
				      "io_uring_register",
				      "personality",
				      "mknod",
				      "mknodat",
				      "setuid",
				      "setgid",
				      "setreuid",
				      "setregid",
				      "setresuid",
				      "setresgid",
				      "setgroups",
				      "setfsuid",
				      "setfsgid",
				      "setuid32",
				      "setgid32",
				      "setreuid32",
				      "setregid32",
				      "setresuid32",
				      "setresgid32",
				      "setgroups32",
				      "setfsuid32",
				      "setfsgid32",
				      "capset"};

static int refuse(scmp_filter_ctx ctx, const char *name, int error)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR
		       ? 0
		       : seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)error), nr, 0);
}

/* clone with a new namespace. clone3 hides its flags in memory: ENOSYS makes the C library use clone. */
static int refuse_namespaces(scmp_filter_ctx ctx)
{
	static const uint64_t flags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
					 CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
	int rc = refuse(ctx, "clone3", ENOSYS);

	for (size_t i = 0; !rc && i < sizeof(flags) / sizeof(*flags); i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return rc;
}

/* Sockets other than unix, IP and netlink (which getaddrinfo uses): rarely used kernel code. */
static int refuse_sockets(scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				  SCMP_A0(SCMP_CMP_GT, (scmp_datum_t)AF_NETLINK));

	for (unsigned af = 0; !rc && af < AF_NETLINK; af++) {
		if (af == AF_UNIX || af == AF_INET || af == AF_INET6)
			continue;
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)af));
	}
	return rc;
}

/* Typing into the terminal that the daemon was started from. */
static int refuse_terminal(scmp_filter_ctx ctx)
{
	static const uint64_t requests[] = {TIOCSTI, TIOCLINUX};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(requests) / sizeof(*requests); i++)
		/* the kernel looks at 32 bits of the request only */
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				      SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, requests[i]));
	return rc;
}

/* The filter goes by the names; a new way to the same thing must be added here. */
static const char *const serving[] = {"bind", "listen"};
static const char *const sockets[] = {"socket", "socketpair", "connect"};
static const char *const opening[] = {"open", "openat", "openat2", "creat"};

static int refuse_all(scmp_filter_ctx ctx, const char *const *names, size_t n)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		rc = refuse(ctx, names[i], EPERM);
	return rc;
}

static int refuse_network(scmp_filter_ctx ctx, enum sandbox_network network)
{
	static const unsigned wide[] = {AF_INET, AF_INET6, AF_NETLINK};
	int rc = 0;

	if (network == SANDBOX_ANY_SOCKET)
		return 0;
	rc = refuse_all(ctx, serving, sizeof(serving) / sizeof(*serving));
	if (!rc && network == SANDBOX_NO_SOCKETS)
		return refuse_all(ctx, sockets, sizeof(sockets) / sizeof(*sockets));
	for (size_t i = 0; !rc && network == SANDBOX_CONNECT_UNIX && i < 3; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)wide[i]));
	return rc;
}

static bool changes_user(const char *name)
{
	return strncmp(name, "set", 3) == 0 &&
	       (strstr(name, "uid") || strstr(name, "gid") || strstr(name, "groups"));
}

static int calls_restrict(const struct sandbox *s, struct errmsg *em)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < sizeof(refused) / sizeof(*refused); i++)
		rc = s->parent && changes_user(refused[i]) ? 0 : refuse(ctx, refused[i], EPERM);
	if (!rc && !SANITIZED)
		rc = refuse(ctx, "ptrace", EPERM);
	if (!rc)
		rc = refuse_namespaces(ctx);
	if (!rc)
		rc = refuse_sockets(ctx);
	if (!rc)
		rc = refuse_terminal(ctx);
	if (!rc)
		rc = refuse_network(ctx, s->network);
	/* LeakSanitizer opens files of /proc when the process ends. */
	if (!rc && s->no_open && !SANITIZED)
		rc = refuse_all(ctx, opening, sizeof(opening) / sizeof(*opening));
	if (!rc)
		rc = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	if (rc)
		return err_set(em, E_UNSUPPORTED, "the system call filter cannot be set: %s",
			       strerror(-rc));
	return E_OK;
}

/* ---- all ---- */

/* Landlock binds the calling thread and what it starts later: a thread that runs already would stay
 * free. Without /proc there is no telling. */
static bool has_threads(void)
{
	DIR *d = opendir("/proc/self/task");
	const struct dirent *e;
	size_t n = 0;

	if (!d)
		return false;
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n > 1;
}

int sandbox_enter(const struct sandbox *s, struct errmsg *em)
{
	int rc;

	if (em)
		em->text[0] = '\0';
	if (has_threads())
		return err_set(em, E_STATE,
			       "the sandbox must be entered before threads start (httpd_open, "
			       "sandbox_enter, "
			       "httpd_run)");
	rc = user_become(s->user, em);
	if (rc)
		return rc;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_set(em, E_IO, "new privileges cannot be switched off: %s",
			       strerror(errno));
	rc = s->parent ? E_OK : files_restrict(s, em);
	return rc ? rc : calls_restrict(s, em);
}

void sandbox_folders(const char *file, char folder[SANDBOX_FOLDER_MAX],
		     char linked[SANDBOX_FOLDER_MAX])
{
	char *real = realpath(file, NULL);

	(void)snprintf(folder, SANDBOX_FOLDER_MAX, "%s", file);
	(void)snprintf(linked, SANDBOX_FOLDER_MAX, "%s", real != NULL ? real : file);
	free(real);
	for (size_t i = 0; i < 2; i++) {
		char *at = i == 0 ? folder : linked;
		char *slash = strrchr(at, '/');

		if (slash == NULL)
			(void)snprintf(at, SANDBOX_FOLDER_MAX, ".");
		else
			slash[slash == at] = '\0';
	}
}
