#include "core/ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights of later kernels that Debian 12's header does not name yet. */
#define FS_REFER (1ULL << 13)
#define FS_TRUNCATE (1ULL << 14)

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                                          \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                 \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |                    \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |                     \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)
#define FS_OTHER                                                                          \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define FS_FILE_ONLY (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)

int sandbox_early(struct errmsg *em)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_set(em, E_INTERNAL, "cannot switch off core dumps: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set(em, E_INTERNAL, "cannot become untraceable: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(em, E_INTERNAL, "cannot give up new privileges: %s", strerror(errno));
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	return E_OK;
}

static int become_user(const char *name, struct errmsg *em)
{
	const struct passwd *pw;
	uid_t uid;
	gid_t gid;

	if (name == NULL || name[0] == '\0' || geteuid() != 0)
		return E_OK;
	pw = getpwnam(name);
	if (pw == NULL)
		return err_set(em, E_CONFIG, "run-as: no user \"%s\" on this system", name);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return err_set(em, E_INTERNAL, "cannot become user \"%s\": %s", name, strerror(errno));
	if (uid != 0 && setuid(0) == 0)
		return err_set(em, E_INTERNAL, "giving up root did not last");
	/* Changing the uid may have made the process dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0) != 0)
		return err_set(em, E_INTERNAL, "cannot become untraceable: %s", strerror(errno));
	return E_OK;
}

static int landlock_allow(int ruleset, const char *path, uint64_t access, struct errmsg *em)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	struct stat st;
	int rc = E_OK;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? E_OK
				       : err_set(em, E_IO, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_FILE_ONLY;
	rule.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		rc = err_set(em, E_INTERNAL, "Landlock refused a rule for %s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

static uint64_t landlock_handled(long abi)
{
	uint64_t access = FS_READ | FS_WRITE | FS_OTHER;

	if (abi < 2)
		access &= ~FS_REFER;
	if (abi < 3)
		access &= ~FS_TRUNCATE;
	return access;
}

static int enter_landlock(const struct sandbox *s, struct errmsg *em)
{
	struct landlock_ruleset_attr attr = {0};
	int ruleset = -1;
	int rc = E_OK;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1) {
		(void)err_set(em, E_OK, "this kernel has no Landlock: files are guarded by their modes only");
		return E_OK;
	}
	attr.handled_access_fs = landlock_handled(abi);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0)
		return err_set(em, E_INTERNAL, "Landlock: %s", strerror(errno));
	for (size_t i = 0; rc == E_OK && i < s->n_read; i++)
		rc = landlock_allow(ruleset, s->read_paths[i], FS_READ, em);
	for (size_t i = 0; rc == E_OK && i < s->n_write; i++)
		rc = landlock_allow(ruleset, s->write_paths[i],
				    (FS_READ | FS_WRITE) & attr.handled_access_fs, em);
	if (rc == E_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		rc = err_set(em, E_INTERNAL, "Landlock: %s", strerror(errno));
	close(ruleset);
	return rc;
}

/* A deny-list, because libmicrohttpd, GnuTLS and libc differ between the Debians we serve. */
static const char *const refused[] = {
	"execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2",
	"pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick",
	"unshare", "setns", "bpf", "perf_event_open", "userfaultfd", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "keyctl", "add_key", "request_key", "reboot",
	"swapon", "swapoff", "open_by_handle_at", "name_to_handle_at", "personality", "acct", "quotactl",
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
	"iopl", "ioperm", "mknod", "mknodat", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "capset",
};

static bool sanitizer_needs(const char *name)
{
#if defined(__SANITIZE_ADDRESS__)
	/* LeakSanitizer stops the world with ptrace when the process ends. */
	return strcmp(name, "ptrace") == 0;
#else
	(void)name;
	return false;
#endif
}

static int enter_seccomp(struct errmsg *em)
{
	int rc = E_OK;
	int e = 0;
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	if (ctx == NULL)
		return err_set(em, E_INTERNAL, "seccomp: cannot make a filter");
	for (size_t i = 0; e == 0 && i < sizeof(refused) / sizeof(refused[0]); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i]);

		if (nr == __NR_SCMP_ERROR || sanitizer_needs(refused[i]))
			continue;
		e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	/* Namespaces by clone(2); clone3 cannot be looked into, so it says "not here" and libc falls back. */
	if (e == 0)
		e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (e == 0)
		e = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (e == 0)
		e = seccomp_load(ctx);
	if (e != 0)
		rc = err_set(em, E_INTERNAL, "seccomp: %s", strerror(-e));
	seccomp_release(ctx);
	return rc;
}

int sandbox_enter(const struct sandbox *s, struct errmsg *em)
{
	int rc = become_user(s->user, em);

	if (rc == E_OK)
		rc = enter_landlock(s, em);
	if (rc == E_OK)
		rc = enter_seccomp(em);
	return rc;
}
