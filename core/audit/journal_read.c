#include "core/audit/journal_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Room for several of the largest records, so that few are moved to the front. */
#define WINDOW (16 * (size_t)JOURNAL_RECORD_MAX)
#define DIGITS 20
#define SUFFIX ".journal"
#define FILES_MAX 1000000

struct reading {
	int dir;
	journal_fn *fn;
	void *ctx;
	struct journal_report *ret;
	uint8_t *window;
	struct errmsg *em;
};

struct names {
	char (*v)[JOURNAL_FILE_SIZE];
	size_t n, cap;
};

void journal_file_name(uint64_t seq, char out[JOURNAL_FILE_SIZE])
{
	(void)snprintf(out, JOURNAL_FILE_SIZE, "%020" PRIu64 SUFFIX, seq);
}

static bool is_journal_file(const char *name)
{
	return strspn(name, "0123456789") == DIGITS && strcmp(name + DIGITS, SUFFIX) == 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int add_name(struct names *l, const char *name)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		void *v = cap > FILES_MAX ? NULL : realloc(l->v, cap * sizeof(*l->v));

		if (!v)
			return E_NOMEM;
		l->v = v;
		l->cap = cap;
	}
	memcpy(l->v[l->n++], name, strlen(name) + 1);
	return E_OK;
}

static int list(int dir, struct names *l)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = E_OK;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return E_IO;
	}
	errno = 0;
	while (r == E_OK && (e = readdir(d))) {
		if (is_journal_file(e->d_name))
			r = add_name(l, e->d_name);
		errno = 0;
	}
	if (r == E_OK && errno)
		r = E_IO;
	closedir(d);
	if (r == E_OK && l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare);
	return r;
}

static int damage(struct reading *g, const char *what)
{
	g->ret->damaged = true;
	return err_set(g->em, E_FORMAT,
		       "%s is damaged at byte %" PRIu64 ", after record %" PRIu64 ": %s",
		       g->ret->file, g->ret->good, g->ret->last.seq, what);
}

static int take(struct reading *g, const struct journal_record *r)
{
	struct journal_report *ret = g->ret;
	int rc;

	if (r->seq != ret->last.seq + 1)
		return damage(g, "a record of another number stands here");
	if (memcmp(r->prev, ret->last.hash, DIGEST_SIZE) != 0)
		return damage(g, "the record does not follow the one before it");
	rc = g->fn ? g->fn(g->ctx, r) : 0;
	if (rc == 0)
		rc = merkle_append(&ret->tree, r->raw);
	if (rc != 0)
		return rc;
	ret->records++;
	ret->good += r->raw.n;
	ret->last.seq = r->seq;
	ret->last.time = r->time;
	memcpy(ret->last.hash, r->hash, DIGEST_SIZE);
	return E_OK;
}

/* After a torn end that reached to the end of the window. */
static int take_zeros(struct reading *g, size_t n, size_t *ret_used)
{
	*ret_used = n;
	for (size_t i = 0; i < n; i++)
		if (g->window[i])
			return damage(g, "no whole record stands here");
	g->ret->torn += n;
	return E_OK;
}

/* Whole records out of the window; *ret_used: bytes done with. A torn one is left for more bytes. */
static int take_window(struct reading *g, size_t n, bool at_end, size_t *ret_used)
{
	struct journal_record r;
	size_t used = 0;
	int rc = E_OK;

	if (g->ret->torn)
		return take_zeros(g, n, ret_used);
	while (rc == E_OK && used < n && (at_end || n - used >= JOURNAL_RECORD_MAX)) {
		enum journal_shape shape = journal_decode(bytes_of(g->window + used, n - used), &r);

		if (shape == JOURNAL_TORN) {
			g->ret->torn = n - used;
			used = n;
		} else if (shape != JOURNAL_WHOLE) {
			rc = damage(g, "no whole record stands here");
		} else {
			rc = take(g, &r);
			used += r.raw.n;
		}
	}
	*ret_used = used;
	return rc;
}

static int read_file(struct reading *g, const char *name)
{
	int fd = openat(g->dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = E_OK;
	size_t n = 0, used = 0;
	bool at_end = false;

	memcpy(g->ret->file, name, strlen(name) + 1);
	g->ret->good = 0;
	g->ret->files++;
	if (fd < 0)
		return err_set(g->em, E_IO, "%s: %m", name);
	while (rc == E_OK && !at_end) {
		ssize_t got = read(fd, g->window + n, WINDOW - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = err_set(g->em, E_IO, "%s: %m", name);
			break;
		}
		at_end = got == 0;
		n += (size_t)got;
		rc = take_window(g, n, at_end, &used);
		n -= used;
		memmove(g->window, g->window + used, n);
	}
	close(fd);
	return rc;
}

static int read_files(struct reading *g, const struct names *l)
{
	char want[JOURNAL_FILE_SIZE];
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < l->n; i++) {
		/* A crash tears the end of the last file only. */
		if (g->ret->torn)
			return damage(g, "the file breaks off, and yet another follows");
		journal_file_name(g->ret->last.seq + 1, want);
		if (strcmp(l->v[i], want) != 0) {
			memcpy(g->ret->file, l->v[i], sizeof(l->v[i]));
			g->ret->good = 0;
			return damage(g, "the file's first record should be the next one");
		}
		rc = read_file(g, l->v[i]);
	}
	return rc;
}

int journal_read(int dir, journal_fn *fn, void *ctx, struct journal_report *ret, struct errmsg *em)
{
	struct reading g = {.dir = dir, .fn = fn, .ctx = ctx, .ret = ret, .em = em};
	struct names l = {0};
	int r;

	*ret = (struct journal_report){.files = 0};
	r = list(dir, &l);
	if (r != E_OK) {
		free(l.v);
		return err_set(em, r, "the journal's files cannot be listed: %s", err_text(r));
	}
	g.window = malloc(WINDOW);
	if (g.window)
		r = read_files(&g, &l);
	else
		r = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	free(g.window);
	free(l.v);
	return r;
}

struct wanted {
	uint64_t seq;
	uint8_t *hash;
};

static int take_hash(void *ctx, const struct journal_record *r)
{
	const struct wanted *w = ctx;

	if (r->seq != w->seq)
		return E_OK;
	memcpy(w->hash, r->hash, DIGEST_SIZE);
	return E_EXISTS;
}

int journal_hash_at(const char *path, uint64_t seq, uint8_t ret[DIGEST_SIZE], struct errmsg *em)
{
	uint8_t hash[DIGEST_SIZE];
	struct wanted w = {seq, hash};
	struct journal_report found;
	int r = journal_read_path(path, take_hash, &w, &found, em);

	if (r == E_OK)
		return err_set(em, E_NOTFOUND, "the journal has no record %" PRIu64, seq);
	if (r != E_EXISTS)
		return r;
	memcpy(ret, hash, DIGEST_SIZE);
	return E_OK;
}

int journal_read_path(const char *path, journal_fn *fn, void *ctx, struct journal_report *ret,
		      struct errmsg *em)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	*ret = (struct journal_report){.files = 0};
	if (dir < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %m", path);
	r = journal_read(dir, fn, ctx, ret, em);
	close(dir);
	return r;
}
