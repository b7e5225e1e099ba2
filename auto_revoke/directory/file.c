/* The source that is a file: reads it whole while it holds still, hands the bytes to csv or ldif. */
#include "auto_revoke/directory/csv.h"
#include "auto_revoke/directory/directory.h"
#include "auto_revoke/directory/ldif.h"

#include "core/base/buf.h"
#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 512 << 20, SETTLE_MS = 1000 };

/* What tells one state of a file from another. */
struct look {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct file_source {
	char *path;
	int (*parse)(struct bytes text, directory_emit *emit, void *emit_ctx, bool *ret_end_marked,
		     struct errmsg *em);
	struct look last; /* the state last seen, and since when */
	int64_t since_ms;
	bool seen;
	struct look read; /* the state last read, well or not */
	bool was_read;
};

static bool same(const struct look *a, const struct look *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

static struct look look_of(const struct stat *st)
{
	return (struct look){.dev = st->st_dev,
			     .ino = st->st_ino,
			     .size = st->st_size,
			     .mtime = st->st_mtim,
			     .ctime = st->st_ctim};
}

static bool file_changed(void *ctx)
{
	struct file_source *s = ctx;
	struct stat st;
	struct look now;

	if (stat(s->path, &st) != 0)
		return true;
	now = look_of(&st);
	return !s->was_read || !same(&now, &s->read);
}

/*
 * A writer may still be at it: the file counts as settled a second after its last change, by the
 * wall clock or, when its times lie in the future (another host's clock), by our own watching.
 */
static bool settled(struct file_source *s, const struct look *now)
{
	struct timespec wall;
	int64_t age_ms;

	if (!s->seen || !same(&s->last, now)) {
		s->last = *now;
		s->since_ms = clock_mono_ms();
		s->seen = true;
	}
	if (clock_mono_ms() - s->since_ms >= SETTLE_MS)
		return true;
	if (clock_gettime(CLOCK_REALTIME, &wall) != 0)
		return false;
	age_ms = (int64_t)(wall.tv_sec - now->mtime.tv_sec) * 1000 +
		 (wall.tv_nsec - now->mtime.tv_nsec) / 1000000;
	return age_ms >= SETTLE_MS;
}

static int slurp(int fd, off_t size, struct buf *out, struct errmsg *em)
{
	char chunk[65536];

	while (out->n <= (size_t)size) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(em, E_IO, "cannot read: %s", strerror(errno));
		if (n == 0)
			break;
		buf_add(out, chunk, (size_t)n);
		if (buf_error(out) != E_OK)
			return err_set(em, buf_error(out), "too large to read");
	}
	if (out->n != (size_t)size)
		return err_set(em, E_STATE, "changed while it was read");
	return E_OK;
}

/* Opens and checks; *ret_fd is open on E_OK only. */
static int file_open(struct file_source *s, int *ret_fd, struct look *ret, struct errmsg *em)
{
	/* NONBLOCK: a FIFO put in its place must not hang us. */
	int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int rc = E_OK;

	if (fd < 0)
		return err_set(em, errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND : E_IO,
			       "cannot open: %s", strerror(errno));
	if (fstat(fd, &st) != 0)
		rc = err_set(em, E_IO, "cannot stat: %s", strerror(errno));
	else if (!S_ISREG(st.st_mode))
		rc = err_set(em, E_FORMAT, "not a regular file");
	else if (st.st_size == 0)
		rc = err_set(em, E_FORMAT, "the file is empty");
	else if (st.st_size > FILE_MAX_BYTES)
		rc = err_set(em, E_TOOBIG, "larger than %d MiB", FILE_MAX_BYTES >> 20);
	if (rc != E_OK) {
		(void)close(fd);
		return rc;
	}
	*ret = look_of(&st);
	*ret_fd = fd;
	return E_OK;
}

static int read_stable(struct file_source *s, struct buf *text, struct look *ret, struct errmsg *em)
{
	struct look before = {.size = 0}, after;
	struct stat st;
	int fd = -1, rc;

	rc = file_open(s, &fd, &before, em);
	if (rc != E_OK)
		return rc;
	if (!settled(s, &before))
		rc = err_set(em, E_STATE, "changed less than a second ago");
	if (rc == E_OK)
		rc = slurp(fd, before.size, text, em);
	(void)close(fd);
	if (rc != E_OK)
		return rc;
	/* By path again: a rename over it meanwhile means that there is something newer. */
	if (stat(s->path, &st) != 0)
		return err_set(em, E_STATE, "went away while it was read");
	after = look_of(&st);
	if (!same(&before, &after))
		return err_set(em, E_STATE, "changed while it was read");
	*ret = before;
	return E_OK;
}

static int file_read_all(void *ctx, directory_emit *emit, void *emit_ctx,
			 struct directory_mark *ret, struct errmsg *em)
{
	struct file_source *s = ctx;
	struct errmsg inner = {""};
	struct look look = {.size = 0};
	struct buf text;
	bool marked = false;
	int rc;

	buf_init(&text, FILE_MAX_BYTES + 65536);
	rc = read_stable(s, &text, &look, &inner);
	if (rc == E_OK) {
		rc = s->parse(buf_bytes(&text), emit, emit_ctx, &marked, &inner);
		s->read = look;
		s->was_read = true;
	}
	buf_free(&text);
	if (rc != E_OK)
		return err_set(em, rc, "%.120s: %.190s", s->path, inner.text);
	*ret = (struct directory_mark){.mtime_ns = (int64_t)look.mtime.tv_sec * 1000000000 +
						   look.mtime.tv_nsec,
				       .end_marked = marked};
	return E_OK;
}

static void file_close(void *ctx)
{
	struct file_source *s = ctx;

	if (s == NULL)
		return;
	free(s->path);
	free(s);
}

int directory_file_open(const char *path, const char *format, struct directory *ret,
			struct errmsg *em)
{
	bool csv = strcmp(format, "csv") == 0;
	struct file_source *s;

	if (!csv && strcmp(format, "ldif") != 0)
		return err_set(em, E_CONFIG, "format: \"%.60s\" is neither csv nor ldif", format);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return E_NOMEM;
	s->path = strdup(path);
	if (s->path == NULL) {
		free(s);
		return E_NOMEM;
	}
	s->parse = csv ? csv_read : ldif_read;
	*ret = (struct directory){.name = csv ? "csv" : "ldif",
				  .ctx = s,
				  .changed = file_changed,
				  .read_all = file_read_all,
				  .close = file_close};
	return E_OK;
}

void directory_close(struct directory *d)
{
	if (d != NULL && d->close != NULL) {
		d->close(d->ctx);
		*d = (struct directory){.name = NULL};
	}
}
