#include "core/audit/journal.h"

#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_DEFAULT (64ULL << 20)
#define PENDING_MAX (8 * (size_t)JOURNAL_RECORD_MAX)

/* Where the chain stands after some record. */
struct end {
	uint64_t seq;
	uint8_t hash[DIGEST_SIZE];
};

/* A thread that waits in journal_append; lives on its stack. */
struct waiter {
	uint64_t seq; /* its last record */
	int result;
	bool done;
	struct waiter *next;
};

struct journal {
	int dir, file; /* dir carries the lock */
	uint64_t size; /* bytes of file that are whole and on the disk */
	uint64_t size_max;
	ssize_t (*write)(int fd, const void *p, size_t n, off_t at);
	int (*sync)(int fd);
	pthread_mutex_t lock; /* guards what follows; file and size belong to the flushing thread */
	pthread_cond_t flushed;
	struct end durable, queued;
	struct buf pending; /* records durable.seq+1 ... queued.seq that nobody writes yet */
	struct waiter *waiters;
	bool flushing, dead;
	struct errmsg why; /* it is dead */
	uint64_t syncs;
};

/* --- opening --------------------------------------------------------------------------------------- */

static int lock_folder(struct journal *j, const char *path, struct errmsg *em)
{
	j->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO,
			       "journal folder %s: %m (mkdir -m 700, owned by who runs the CA)",
			       path);
	if (flock(j->dir, LOCK_EX | LOCK_NB) == 0)
		return E_OK;
	return errno == EWOULDBLOCK
		       ? err_set(em, E_EXISTS, "another process writes the journal %s", path)
		       : err_set(em, E_IO, "lock of the journal %s: %m", path);
}

/* What a killed writer left may have been read from memory only: it counts once the disk has it. */
static int open_last(struct journal *j, const struct journal_report *found, struct errmsg *em)
{
	char name[JOURNAL_FILE_SIZE];
	int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
	struct stat st;

	if (found->files == 0)
		flags |= O_CREAT | O_EXCL;
	if (found->files)
		memcpy(name, found->file, sizeof(name));
	else
		journal_file_name(1, name);
	j->file = openat(j->dir, name, flags, 0600);
	if (j->file < 0)
		return err_set(em, E_IO, "journal file %s: %m", name);
	if (found->torn && ftruncate(j->file, (off_t)found->good) != 0)
		return err_set(em, E_IO, "the torn end of %s cannot be cut: %m", name);
	/* A daemon that starts as root becomes the folder's owner afterwards. */
	if (geteuid() == 0 && fstat(j->dir, &st) == 0 && fchown(j->file, st.st_uid, st.st_gid) != 0)
		return err_set(em, E_IO, "journal file %s: owner: %m", name);
	if (j->sync(j->file) != 0 || fsync(j->dir) != 0)
		return err_set(em, E_IO, "fsync of the journal: %m");
	j->size = found->good;
	return E_OK;
}

int journal_open(const struct journal_options *o, journal_fn *fn, void *ctx,
		 struct journal_report *ret_found, struct journal **ret, struct errmsg *em)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct journal_report found = {0};
	int r;

	if (!j)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	j->file = -1;
	j->write = o->write ? o->write : pwrite;
	j->sync = o->sync ? o->sync : fdatasync;
	j->size_max = o->file_size ? o->file_size : FILE_SIZE_DEFAULT;
	buf_init(&j->pending, PENDING_MAX);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->flushed, NULL);
	r = lock_folder(j, o->path, em);
	if (r == E_OK)
		r = journal_read(j->dir, fn, ctx, &found, em);
	if (r == E_OK)
		r = open_last(j, &found, em);
	if (r == E_OK) {
		j->durable.seq = found.last.seq;
		memcpy(j->durable.hash, found.last.hash, DIGEST_SIZE);
		j->queued = j->durable;
		*ret = j;
	} else {
		journal_close(j);
	}
	if (ret_found)
		*ret_found = found;
	return r;
}

/* --- writing: by one thread at a time, without the lock --------------------------------------------- */

static int begin_file(struct journal *j, uint64_t seq, struct errmsg *em)
{
	char name[JOURNAL_FILE_SIZE];
	int fd;

	journal_file_name(seq, name);
	fd = openat(j->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(em, E_UNAVAIL, "journal file %s: %m", name);
	if (fsync(j->dir) != 0) {
		close(fd);
		return err_set(em, E_STATE, "fsync of the journal's folder: %m");
	}
	close(j->file);
	j->file = fd;
	j->size = 0;
	return E_OK;
}

/* Takes back what a failed write left. No room: that may change; another error does not. */
static int take_back(struct journal *j, int error, struct errmsg *em)
{
	bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;

	errno = error;
	if (!full)
		return err_set(em, E_STATE, "write to the journal: %m");
	if (ftruncate(j->file, (off_t)j->size) != 0 || j->sync(j->file) != 0)
		return err_set(em, E_STATE, "the journal is full and a torn record stays: %m");
	errno = error;
	return err_set(em, E_UNAVAIL, "no room for the journal: %m");
}

/* E_OK, E_UNAVAIL (as if it had not been tried) or E_STATE (the journal is dead). */
static int write_out(struct journal *j, struct bytes data, uint64_t seq, struct errmsg *em)
{
	uint64_t at;
	int r = E_OK;

	if (j->size >= j->size_max)
		r = begin_file(j, seq, em);
	if (r != E_OK)
		return r;
	at = j->size;
	while (data.n) {
		ssize_t n = j->write(j->file, data.p, data.n, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return take_back(j, n < 0 ? errno : EIO, em);
		at += (uint64_t)n;
		data = bytes_of(data.p + n, data.n - (size_t)n);
	}
	if (j->sync(j->file) != 0)
		return err_set(em, E_STATE, "fsync of the journal: %m");
	j->size = at;
	return E_OK;
}

/* --- queue ------------------------------------------------------------------------------------------- */

static void answer(struct journal *j, uint64_t up_to, int result)
{
	struct waiter **at = &j->waiters;

	while (*at) {
		struct waiter *w = *at;

		if (w->seq <= up_to) {
			w->result = result;
			w->done = true;
			*at = w->next;
		} else {
			at = &w->next;
		}
	}
}

static int die(struct journal *j, int r, const struct errmsg *em)
{
	j->dead = true;
	buf_reset(&j->pending);
	answer(j, UINT64_MAX, r);
	return err_set(&j->why, r, "the journal is closed for good: %.240s", em->text);
}

/* Writes all that is pending. Called with the lock, which it gives up meanwhile. */
static void flush(struct journal *j, struct errmsg *em)
{
	struct buf data = j->pending;
	struct end end = j->queued;
	uint64_t first = j->durable.seq + 1;
	int r;

	buf_init(&j->pending, PENDING_MAX);
	j->flushing = true;
	pthread_mutex_unlock(&j->lock);
	r = write_out(j, buf_bytes(&data), first, em);
	buf_free(&data);
	pthread_mutex_lock(&j->lock);
	j->flushing = false;
	j->syncs++;
	if (r == E_OK) {
		j->durable = end;
		answer(j, end.seq, E_OK);
	} else if (r == E_STATE) {
		(void)die(j, r, em);
	} else {
		/* What was queued meanwhile is chained to records that do not exist. */
		j->queued = j->durable;
		buf_reset(&j->pending);
		answer(j, UINT64_MAX, r);
	}
	pthread_cond_broadcast(&j->flushed);
}

/* Encodes into the queue, all or nothing. Called with the lock. */
static int enqueue(struct journal *j, const struct journal_entry *e, size_t n,
		   struct errmsg *ret_em)
{
	struct errmsg local = {""}, *em = ret_em ? ret_em : &local;
	struct end end = j->queued;
	struct buf out = {0};
	int r = E_OK;

	if (j->dead)
		return err_set(em, E_STATE, "%s", j->why.text);
	buf_init(&out, PENDING_MAX);
	for (size_t i = 0; r == E_OK && i < n; i++) {
		struct journal_record rec = {
			.seq = end.seq + 1, .time = clock_now(), .type = e[i].type, .n = e[i].n};

		if (e[i].n > JOURNAL_FIELDS_MAX) {
			r = E_TOOBIG;
			break;
		}
		memcpy(rec.prev, end.hash, DIGEST_SIZE);
		if (e[i].n)
			memcpy(rec.fields, e[i].fields, e[i].n * sizeof(*e[i].fields));
		r = journal_encode(&rec, &out);
		end.seq++;
		memcpy(end.hash, rec.hash, DIGEST_SIZE);
	}
	if (r == E_OK && out.n > PENDING_MAX - j->pending.n)
		r = err_set(em, E_UNAVAIL, "too much waits for the journal");
	else if (r != E_OK)
		r = err_set(em, r, "journal record: %s", err_text(r));
	if (r == E_OK) {
		buf_add_bytes(&j->pending, buf_bytes(&out));
		r = buf_error(&j->pending);
		if (r != E_OK) /* the queue is no queue any more */
			r = die(j, err_set(em, E_STATE, "no memory for the queue"), em);
	}
	if (r == E_OK)
		j->queued = end;
	buf_free(&out);
	return r;
}

int journal_append(struct journal *j, const struct journal_entry *e, size_t n, struct errmsg *em)
{
	struct errmsg why = {""};
	struct waiter w = {0};
	int r;

	pthread_mutex_lock(&j->lock);
	r = enqueue(j, e, n, em);
	if (r != E_OK)
		goto out;
	w.seq = j->queued.seq;
	w.next = j->waiters;
	j->waiters = &w;
	while (!w.done) {
		if (j->flushing)
			pthread_cond_wait(&j->flushed, &j->lock);
		else
			flush(j, &why);
	}
	r = w.result;
	if (r == E_STATE)
		(void)err_set(em, r, "%s", j->why.text);
	else if (r != E_OK)
		(void)err_set(em, r, "%s", why.text[0] ? why.text : "no room for the journal");
out:
	pthread_mutex_unlock(&j->lock);
	return r;
}

int journal_note(struct journal *j, const struct journal_entry *e, size_t n, struct errmsg *em)
{
	int r;

	pthread_mutex_lock(&j->lock);
	r = enqueue(j, e, n, em);
	pthread_mutex_unlock(&j->lock);
	return r;
}

uint64_t journal_syncs(struct journal *j)
{
	uint64_t n;

	pthread_mutex_lock(&j->lock);
	n = j->syncs;
	pthread_mutex_unlock(&j->lock);
	return n;
}

void journal_close(struct journal *j)
{
	struct errmsg em = {""};

	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	if (j->pending.n && !j->dead)
		flush(j, &em);
	pthread_mutex_unlock(&j->lock);
	buf_free(&j->pending);
	if (j->file >= 0)
		close(j->file);
	if (j->dir >= 0)
		close(j->dir);
	pthread_cond_destroy(&j->flushed);
	pthread_mutex_destroy(&j->lock);
	free(j);
}
