#include "core/ipc/runfile.h"

#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int path_of(char dst[PATH_MAX], const char *dir, const char *name, const char *suffix,
		   struct errmsg *em)
{
	int n = snprintf(dst, PATH_MAX, "%s/%s%s", dir, name, suffix);

	return n > 0 && n < PATH_MAX ? E_OK : err_set(em, E_TOOBIG, "path too long: %.200s", dir);
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return E_IO;
		p += w;
		n -= (size_t)w;
	}
	return E_OK;
}

/* The operator releases the brake as root; the daemon that reads it may be somebody else. */
static int give_to_owner(int fd, const char *dir)
{
	struct stat st;

	if (geteuid() != 0)
		return E_OK;
	if (stat(dir, &st) != 0 || fchown(fd, st.st_uid, st.st_gid) != 0)
		return E_IO;
	return E_OK;
}

static void sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
}

int runfile_write(const char *dir, const char *name, const char *text, size_t n, struct errmsg *em)
{
	char path[PATH_MAX], tmp[PATH_MAX];
	int fd, rc = path_of(path, dir, name, "", em);

	if (rc == E_OK)
		rc = path_of(tmp, dir, name, ".new", em);
	if (rc != E_OK)
		return rc;
	(void)unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(em, E_IO, "cannot write %.200s: %s", tmp, strerror(errno));
	if (write_all(fd, text, n) != E_OK || give_to_owner(fd, dir) != E_OK || fsync(fd) != 0)
		rc = err_set(em, E_IO, "cannot write %.200s: %s", tmp, strerror(errno));
	if (close(fd) != 0 && rc == E_OK)
		rc = err_set(em, E_IO, "cannot write %.200s: %s", tmp, strerror(errno));
	if (rc == E_OK && rename(tmp, path) != 0)
		rc = err_set(em, E_IO, "cannot replace %.200s: %s", path, strerror(errno));
	if (rc != E_OK)
		(void)unlink(tmp);
	else
		sync_dir(dir);
	return rc;
}

int runfile_read(const char *dir, const char *name, struct buf *out, struct errmsg *em)
{
	char path[PATH_MAX], chunk[16384];
	ssize_t n;
	int fd, rc = path_of(path, dir, name, "", em);

	if (rc != E_OK)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "cannot read %.200s: %s",
			       path, strerror(errno));
	buf_init(out, RUNFILE_MAX);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
	if (n < 0)
		rc = err_set(em, E_IO, "cannot read %.200s: %s", path, strerror(errno));
	else if (buf_error(out) != E_OK || memchr(buf_str(out), '\0', out->n) != NULL)
		rc = err_set(em, E_FORMAT, "%.200s is damaged", path);
	(void)close(fd);
	if (rc != E_OK)
		buf_free(out);
	return rc;
}

int runfile_remove(const char *dir, const char *name, struct errmsg *em)
{
	char path[PATH_MAX];
	int rc = path_of(path, dir, name, "", em);

	if (rc == E_OK && unlink(path) != 0 && errno != ENOENT)
		rc = err_set(em, E_IO, "cannot remove %.200s: %s", path, strerror(errno));
	return rc;
}

int runfile_lock(const char *dir, const char *name, int *ret_fd, struct errmsg *em)
{
	char path[PATH_MAX];
	int fd, rc = path_of(path, dir, name, "", em);

	if (rc != E_OK)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(em, E_IO, "cannot open %.200s: %s", path, strerror(errno));
	if (give_to_owner(fd, dir) != E_OK || flock(fd, LOCK_EX | LOCK_NB) != 0) {
		rc = errno == EWOULDBLOCK
			     ? err_set(em, E_EXISTS,
				       "another auto_revoke works on this instance (%.200s)", path)
			     : err_set(em, E_IO, "cannot lock %.200s: %s", path, strerror(errno));
		(void)close(fd);
		return rc;
	}
	*ret_fd = fd;
	return E_OK;
}

bool runfile_line(const char *text, const char *key, char *dst, size_t size)
{
	size_t n = strlen(key);

	while (*text != '\0' && *text != '\n') {
		size_t len = strcspn(text, "\n");

		if (len > n && strncmp(text, key, n) == 0 && text[n] == ' ' && len - n - 1 < size) {
			memcpy(dst, text + n + 1, len - n - 1);
			dst[len - n - 1] = '\0';
			return true;
		}
		text += len + (text[len] == '\n');
	}
	return false;
}

bool runfile_number(const char *text, const char *key, int64_t *ret)
{
	char value[24];
	int64_t n;

	if (!runfile_line(text, key, value, sizeof(value)) || text_int64(value, &n) != E_OK ||
	    n < 0)
		return false;
	*ret = n;
	return true;
}
