#include "core/audit/checkpoint_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_FILE CHECKPOINT_FILE ".new"

static bool write_all(int fd, struct bytes b)
{
	while (b.n) {
		ssize_t n = write(fd, b.p, b.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		b = bytes_of(b.p + n, b.n - (size_t)n);
	}
	return true;
}

int checkpoint_save(int dir, struct bytes note, struct errmsg *em)
{
	int fd = openat(dir, NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok = fd >= 0 && write_all(fd, note) && fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0 && close(fd) != 0 && ok) {
		saved = errno;
		ok = false;
	}
	if (ok && (renameat(dir, NEW_FILE, dir, CHECKPOINT_FILE) != 0 || fsync(dir) != 0)) {
		saved = errno;
		ok = false;
	}
	errno = saved;
	return ok ? E_OK : err_set(em, E_IO, "file %s of the journal: %m", CHECKPOINT_FILE);
}

int checkpoint_read(int dir, const char *name, struct buf *out, struct errmsg *em)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r = E_OK;
	uint8_t chunk[4096];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %m", name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = err_set(em, E_FORMAT, "%s: not a regular file", name);
	while (r == E_OK && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n > 0)
			buf_add(out, chunk, (size_t)n);
		else if (errno != EINTR)
			r = err_set(em, E_IO, "%s: %m", name);
		if (r == E_OK && buf_error(out) != E_OK)
			r = err_set(em, buf_error(out), "%s: %s", name, err_text(buf_error(out)));
	}
	close(fd);
	return r;
}
