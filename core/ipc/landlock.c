/*
 * By system call: the C library has no wrappers. Debian 12's kernel headers end at version 2 of the
 * interface, running kernels know more; what they add is spelt out here.
 */
#include "core/ipc/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_CHAR = 1 << 6,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_BLOCK = 1 << 11,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* version 2 */
	FS_TRUNCATE = 1 << 14,  /* version 3 */
	FS_IOCTL_DEV = 1 << 15, /* version 5 */
	FS_VERSION_1 = FS_REFER - 1,
};

enum { SCOPE_ABSTRACT_UNIX = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* version 6 */

enum { QUERY_VERSION = 1 << 0, RULE_PATH_BENEATH = 1 };

/* struct landlock_ruleset_attr of version 6; older kernels accept the longer form when its end is 0. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

struct path_attr {
	uint64_t allowed_access;
	int32_t parent_fd;
} __attribute__((packed));

struct landlock {
	int fd;
	uint64_t handled;
};

int landlock_open(struct landlock **ret, struct errmsg *em)
{
	struct ruleset_attr attr = {.handled_access_fs = FS_VERSION_1};
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, QUERY_VERSION);
	struct landlock *l;

	if (version < 1)
		return err_set(
			em, E_UNSUPPORTED,
			"this kernel offers no Landlock (%s): access to files is not narrowed",
			strerror(errno));
	if (version >= 2)
		attr.handled_access_fs |= FS_REFER;
	if (version >= 3)
		attr.handled_access_fs |= FS_TRUNCATE;
	if (version >= 5)
		attr.handled_access_fs |= FS_IOCTL_DEV;
	if (version >= 6)
		attr.scoped = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	l->handled = attr.handled_access_fs;
	l->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (l->fd < 0) {
		free(l);
		return err_set(em, E_IO, "Landlock cannot be prepared: %s", strerror(errno));
	}
	*ret = l;
	return E_OK;
}

static uint64_t rights(unsigned what, mode_t mode)
{
	uint64_t r = FS_READ_FILE;

	if (what & LANDLOCK_WRITE)
		r |= FS_WRITE_FILE | FS_TRUNCATE;
	if (!S_ISDIR(mode))
		return r;
	r |= FS_READ_DIR;
	if (what & LANDLOCK_WRITE)
		r |= FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |
		     FS_REFER;
	return r;
}

int landlock_allow(struct landlock *l, const char *path, unsigned what, struct errmsg *em)
{
	struct path_attr attr = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;
	int rc = E_OK;

	if (attr.parent_fd < 0) {
		if (!(what & LANDLOCK_MUST) &&
		    (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
			return E_OK;
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %s", path,
			       strerror(errno));
	}
	if (fstat(attr.parent_fd, &st)) {
		rc = err_set(em, E_IO, "%s: %s", path, strerror(errno));
	} else {
		attr.allowed_access = rights(what, st.st_mode) & l->handled;
		if (syscall(SYS_landlock_add_rule, l->fd, RULE_PATH_BENEATH, &attr, 0))
			rc = err_set(em, E_IO, "%s: Landlock does not take it: %s", path,
				     strerror(errno));
	}
	close(attr.parent_fd);
	return rc;
}

int landlock_enter(struct landlock *l, struct errmsg *em)
{
	if (syscall(SYS_landlock_restrict_self, l->fd, 0))
		return err_set(em, E_IO, "Landlock cannot be put in force: %s", strerror(errno));
	return E_OK;
}

void landlock_close(struct landlock *l)
{
	if (!l)
		return;
	close(l->fd);
	free(l);
}
