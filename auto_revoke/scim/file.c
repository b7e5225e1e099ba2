#include "auto_revoke/scim/file.h"

#include "core/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 65536, LINE_MAX_BYTES = 300000, DUMP_MAX = 1 << 30, HISTORY_LINES = 10000 };

static void forget(struct scim_file *f)
{
	scim_table_free(&f->table);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	f->at = 0;
	f->lines = 0;
}

/* The file under the name may be another than the one that is open: it was written anew. */
static int reopen(struct scim_file *f, struct errmsg *em)
{
	struct stat st;
	int fd;

	if (stat(f->path, &st) == 0 && f->fd >= 0 && st.st_dev == f->dev && st.st_ino == f->ino)
		return E_OK;
	fd = open(f->path,
		  (f->writable ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW,
		  0640);
	if (fd < 0 || fstat(fd, &st) != 0) {
		int rc = err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%.200s: %s", f->path,
				 strerror(errno));

		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	forget(f);
	f->fd = fd;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return E_OK;
}

static int apply(struct scim_file *f, const char *line, size_t n, struct errmsg *em)
{
	struct errmsg why = {""};
	int rc = scim_table_apply(&f->table, line, n, &why);

	if (rc != E_OK)
		return err_set(em, rc, "%.150s, line %zu: %.120s", f->path, f->lines + 1, why.text);
	f->at += (off_t)n + 1;
	f->lines++;
	return E_OK;
}

bool scim_file_changed(const struct scim_file *f)
{
	struct stat st;

	return f->fd < 0 || stat(f->path, &st) != 0 || st.st_dev != f->dev || st.st_ino != f->ino ||
	       st.st_size != f->at;
}

/* One line after another; what has no end yet stays for the next time. */
static int take_in(struct scim_file *f, struct errmsg *em)
{
	char *text = malloc(LINE_MAX_BYTES + CHUNK);
	size_t n = 0;
	int rc = E_OK;

	if (text == NULL)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	while (rc == E_OK) {
		char *at = text, *end;
		ssize_t got = pread(f->fd, text + n, CHUNK, f->at + (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = err_set(em, E_IO, "%.200s: %s", f->path, strerror(errno));
		if (got <= 0)
			break;
		n += (size_t)got;
		while (rc == E_OK && (end = memchr(at, '\n', n - (size_t)(at - text))) != NULL) {
			rc = apply(f, at, (size_t)(end - at), em);
			at = end + 1;
		}
		n -= (size_t)(at - text);
		memmove(text, at, n);
		if (rc == E_OK && n > LINE_MAX_BYTES)
			rc = err_set(em, E_FORMAT, "%.150s, line %zu: too long", f->path,
				     f->lines + 1);
	}
	free(text);
	return rc;
}

int scim_file_follow(struct scim_file *f, struct errmsg *em)
{
	struct stat st;
	int rc = reopen(f, em);

	if (rc == E_OK && (fstat(f->fd, &st) != 0 || st.st_size < f->at))
		rc = err_set(em, E_FORMAT, "%.200s: is shorter than it was", f->path);
	if (rc == E_OK)
		rc = take_in(f, em);
	if (rc != E_OK)
		forget(f); /* half of it may have been taken in: the next time from the start */
	return rc;
}

int scim_file_begin(struct scim_file *f, struct errmsg *em)
{
	struct stat st, named;
	int rc;

	for (int i = 0; i < 10; i++) {
		rc = reopen(f, em);
		if (rc != E_OK)
			return rc;
		while (flock(f->fd, LOCK_EX) != 0)
			if (errno != EINTR)
				return err_set(em, E_IO, "%.200s: %s", f->path, strerror(errno));
		/* Written anew while we waited: then the lock is on the old one. */
		if (fstat(f->fd, &st) == 0 && stat(f->path, &named) == 0 &&
		    st.st_ino == named.st_ino && st.st_dev == named.st_dev)
			break;
		forget(f);
	}
	rc = f->fd >= 0 ? scim_file_follow(f, em) : err_set(em, E_IO, "%.200s: busy", f->path);
	/* Nobody else writes now: a line without end was never acknowledged. */
	if (rc == E_OK && fstat(f->fd, &st) == 0 && st.st_size > f->at) {
		log_warn("%s: the last line was not finished; cut off", f->path);
		if (ftruncate(f->fd, f->at) != 0)
			rc = err_set(em, E_IO, "%.200s: %s", f->path, strerror(errno));
	}
	if (rc != E_OK)
		scim_file_end(f);
	return rc;
}

void scim_file_end(struct scim_file *f)
{
	if (f->fd >= 0)
		(void)flock(f->fd, LOCK_UN);
}

static int write_all(int fd, struct bytes b)
{
	while (b.n > 0) {
		ssize_t w = write(fd, b.p, b.n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return E_IO;
		b.p += w;
		b.n -= (size_t)w;
	}
	return E_OK;
}

int scim_file_append(struct scim_file *f, struct bytes lines, struct errmsg *em)
{
	const char *at = (const char *)lines.p, *end;
	off_t before = f->at;
	size_t left = lines.n;
	int rc = E_OK;

	if (write_all(f->fd, lines) != E_OK || fdatasync(f->fd) != 0) {
		rc = err_set(em, E_IO, "%.200s: cannot write: %s", f->path, strerror(errno));
		/* What does not go away now is cut off as unfinished, or refused, at the next begin. */
		if (ftruncate(f->fd, before) != 0)
			forget(f);
		return rc;
	}
	while (rc == E_OK && left > 0 && (end = memchr(at, '\n', left)) != NULL) {
		rc = apply(f, at, (size_t)(end - at), em);
		left -= (size_t)(end - at) + 1;
		at = end + 1;
	}
	return rc;
}

/* Most of the lines of a file that has grown for years say what later ones take back. */
static int write_anew(struct scim_file *f, struct errmsg *em)
{
	size_t things = f->table.n_users + f->table.n_names + f->table.n_groups;
	char part[PATH_MAX + 32];
	struct buf text;
	int fd = -1, dir, rc;

	for (size_t i = 0; i < f->table.n_groups; i++)
		things += f->table.groups[i]->members.n / SCIM_JOIN_MAX + 1;
	if (f->lines < 4 * things + HISTORY_LINES)
		return E_OK;
	(void)snprintf(part, sizeof(part), "%s.new", f->path);
	buf_init(&text, DUMP_MAX);
	rc = scim_table_dump(&f->table, &text);
	if (rc == E_OK)
		fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (rc == E_OK && (fd < 0 || write_all(fd, buf_bytes(&text)) != E_OK || fsync(fd) != 0 ||
			   rename(part, f->path) != 0))
		rc = E_IO;
	if (rc != E_OK)
		(void)err_set(em, rc, "%.200s cannot be written anew: %s", f->path,
			      rc == E_IO ? strerror(errno) : err_text(rc));
	if (fd >= 0)
		(void)close(fd);
	dir = rc == E_OK ? open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (dir >= 0) {
		(void)fsync(dir);
		(void)close(dir);
	}
	buf_free(&text);
	return rc;
}

int scim_file_open(const char *dir, bool writable, struct scim_file *ret, struct errmsg *em)
{
	struct scim_file f = {.fd = -1, .writable = writable};
	struct stat st;
	int n = snprintf(f.dir, sizeof(f.dir), "%s", dir), rc;

	if (n <= 0 || (size_t)n >= sizeof(f.dir))
		return err_set(em, E_CONFIG, "scim: data: the path is too long");
	(void)snprintf(f.path, sizeof(f.path), "%s/" SCIM_FILE_PEOPLE, dir);
	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(em, E_NOTFOUND,
			       "%.200s: no such folder; scepctl scim token add makes it", dir);
	*ret = f;
	if (!writable)
		return E_OK;
	rc = scim_file_begin(ret, em);
	if (rc == E_OK)
		rc = write_anew(ret, em);
	if (rc == E_OK)
		rc = scim_file_follow(ret, em);
	scim_file_end(ret);
	if (rc != E_OK)
		scim_file_close(ret);
	return rc;
}

void scim_file_close(struct scim_file *f)
{
	forget(f);
}
