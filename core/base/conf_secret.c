#include "core/base/conf.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a regular file that is nobody else's business. */
static int secret_open(const char *path, int *ret, struct errmsg *em)
{
	struct stat st;
	int rc = E_OK;
	/* Non-blocking: a FIFO put in place of the file must not hang the daemon. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		int code = errno == ENOENT ? E_NOTFOUND : errno == EACCES ? E_DENIED : E_IO;

		return err_set(em, code, "%s: cannot be read: %s", path, strerror(errno));
	}
	if (fstat(fd, &st))
		rc = err_set(em, E_IO, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(em, E_DENIED, "%s: is not a regular file", path);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		rc = err_set(em, E_DENIED,
			     "%s: secret file is open to group or others (mode %04o); mend it "
			     "with: chmod 600 %s",
			     path, (unsigned)(st.st_mode & 07777), path);
	if (rc) {
		close(fd);
		return rc;
	}
	*ret = fd;
	return E_OK;
}

int conf_secret(const char *path, size_t max, uint8_t **ret, size_t *ret_n, struct errmsg *em)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int fd = -1, rc;

	rc = secret_open(path, &fd, em);
	if (rc)
		return rc;
	p = malloc(max + 1); /* one more, to see that the file is longer */
	if (!p) {
		rc = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		goto out;
	}
	while (n <= max) {
		ssize_t got = read(fd, p + n, max + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = err_set(em, E_IO, "%s: cannot be read: %s", path, strerror(errno));
			goto out;
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	if (n > max) {
		rc = err_set(em, E_TOOBIG, "%s: longer than %zu bytes", path, max);
		goto out;
	}
	if (n == 0) {
		rc = err_set(em, E_FORMAT, "%s: secret file is empty", path);
		goto out;
	}
	*ret = p;
	*ret_n = n;
	p = NULL;
out:
	if (p) {
		text_wipe(p, max + 1);
		free(p);
	}
	close(fd);
	return rc;
}

int conf_secret_line(const char *path, char *dst, size_t size, struct errmsg *em)
{
	uint8_t *p = NULL;
	size_t n = 0, all = 0;
	int rc;

	if (!size)
		return E_TOOBIG;
	rc = conf_secret(path, size + 1, &p, &n, em); /* a full line may end in CR LF */
	if (rc || !p)
		return rc;
	all = n;
	if (p[n - 1] == '\n')
		n--;
	if (n < all && n && p[n - 1] == '\r')
		n--;
	if (n == 0)
		rc = err_set(em, E_FORMAT, "%s: secret file is empty", path);
	else if (n >= size)
		rc = err_set(em, E_TOOBIG, "%s: longer than %zu bytes", path, size - 1);
	else if (memchr(p, '\n', n) || memchr(p, '\0', n))
		rc = err_set(em, E_FORMAT, "%s: must hold one line of text", path);
	if (!rc) {
		memcpy(dst, p, n);
		dst[n] = '\0';
	}
	text_wipe(p, all);
	free(p);
	return rc;
}
