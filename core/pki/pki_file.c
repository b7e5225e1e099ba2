#include "core/pki/pki_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_stat(const char *path, int fd, bool secret, struct errmsg *em)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(em, E_IO, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(em, E_FORMAT, "%s: not a regular file", path);
	if (st.st_size > PKI_FILE_MAX)
		return err_set(em, E_TOOBIG, "%s: larger than %d bytes", path, PKI_FILE_MAX);
	if (secret && (st.st_mode & 077))
		return err_set(
			em, E_DENIED,
			"%s: mode %04o lets others at a private key; mend it with: chmod 600 %s",
			path, (unsigned)(st.st_mode & 07777), path);
	return E_OK;
}

int pki_file_read(const char *path, bool secret, struct buf *out, struct errmsg *em)
{
	uint8_t chunk[4096];
	ssize_t n = 0;
	int fd, rc;

	buf_init(out, PKI_FILE_MAX);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %s", path,
			       strerror(errno));
	rc = check_stat(path, fd, secret, em);
	while (rc == E_OK && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			rc = err_set(em, E_IO, "%s: %s", path, strerror(errno));
		else
			buf_add(out, chunk, (size_t)n);
	}
	if (rc == E_OK && buf_error(out) != E_OK)
		rc = err_set(em, buf_error(out), "%s: %s", path, err_text(buf_error(out)));
	explicit_bzero(chunk, sizeof(chunk));
	close(fd);
	if (rc != E_OK)
		buf_free(out);
	return rc;
}

static int write_all(int fd, struct bytes content)
{
	size_t done = 0;

	while (done < content.n) {
		ssize_t n = write(fd, content.p + done, content.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int pki_file_write(const char *path, mode_t mode, struct bytes content, struct errmsg *em)
{
	int fd, saved;
	bool ok;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return err_set(em, E_EXISTS, "%s: exists already; move it away first", path);
	if (fd < 0)
		return err_set(em, E_IO, "%s: %s", path, strerror(errno));
	ok = write_all(fd, content) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	saved = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		saved = errno;
	}
	if (ok)
		return E_OK;
	unlink(path);
	return err_set(em, E_IO, "%s: %s", path, strerror(saved));
}
