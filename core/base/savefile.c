#include "core/base/savefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of path, opened; E_IO with em set. */
static int open_folder(const char *path, int *ret, struct errmsg *em)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	if (strlen(path) >= sizeof(folder))
		return err_set(em, E_TOOBIG, "path is too long");
	if (slash) {
		memcpy(folder, path, (size_t)(slash - path) + 1);
		folder[slash - path + 1] = '\0';
	}
	*ret = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret >= 0 ? E_OK : err_set(em, E_IO, "folder %s: %s", folder, strerror(errno));
}

static bool fill(int dir, int fd, struct bytes b)
{
	struct stat st;

	if (geteuid() == 0 && (fstat(dir, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0))
		return false;
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_of(b.p + n, b.n - (size_t)n);
	}
	return fsync(fd) == 0;
}

int savefile_write(const char *path, struct bytes b, struct errmsg *em)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char temporary[NAME_MAX + 1];
	int dir = -1, fd, error, r;
	bool ok;
	int n = snprintf(temporary, sizeof(temporary), "%s.new", name);

	if (n < 0 || (size_t)n >= sizeof(temporary) || b.n > SAVEFILE_MAX)
		return err_set(em, E_TOOBIG, "%s: name or content is too long", path);
	r = open_folder(path, &dir, em);
	if (r != E_OK)
		return r;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && fill(dir, fd, b);
	error = errno;
	if (fd >= 0 && close(fd) != 0 && ok) {
		error = errno;
		ok = false;
	}
	if (ok && (renameat(dir, temporary, dir, name) != 0 || fsync(dir) != 0)) {
		error = errno;
		ok = false;
	}
	close(dir);
	return ok ? E_OK : err_set(em, E_IO, "%s cannot be written: %s", path, strerror(error));
}

int savefile_read(const char *path, char *dst, size_t size, struct errmsg *em)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = E_OK;
	struct stat st;
	size_t at = 0;

	if (fd < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %s", path,
			       strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = err_set(em, E_FORMAT, "%s: not a regular file", path);
	while (r == E_OK) {
		ssize_t n = read(fd, dst + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = err_set(em, E_IO, "%s: %s", path, strerror(errno));
		if (n <= 0)
			break;
		at += (size_t)n;
		if (at == size)
			r = err_set(em, E_TOOBIG, "%s: is too long", path);
	}
	close(fd);
	if (r != E_OK)
		return r;
	dst[at] = '\0';
	return strlen(dst) == at ? E_OK : err_set(em, E_FORMAT, "%s: is no text", path);
}
