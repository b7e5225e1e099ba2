#include "core/audit/journal.h"

#include "core/audit/checkpoint_file.h"
#include "core/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
	struct merkle tree;
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
	journal_fn *appended;
	void *appended_ctx;
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

/* Passes the records on and looks, on the way, for the tree that the checkpoint in the folder notes. */
struct opening {
	journal_fn *fn;
	void *ctx;
	const struct journal_report *found;
	struct errmsg *em;
	struct checkpoint noted; /* size 0: none */
	bool met;
};

static int look_for_noted(struct opening *o)
{
	uint8_t root[DIGEST_SIZE];
	int r;

	if (o->noted.size == 0 || o->found->tree.n != o->noted.size)
		return E_OK;
	r = merkle_root(&o->found->tree, root);
	if (r != E_OK)
		return r;
	o->met = memcmp(root, o->noted.root, DIGEST_SIZE) == 0;
	return o->met ? E_OK
		      : err_set(o->em, E_STATE,
				"the journal's first %" PRIu64
				" records are not those that its checkpoint notes",
				o->noted.size);
}

static int see(void *ctx, const struct journal_record *r)
{
	struct opening *o = ctx;
	int rc = look_for_noted(o);

	if (rc != E_OK)
		return rc;
	return o->fn ? o->fn(o->ctx, r) : 0;
}

/* An end that was cut between two records shows here only. */
static int check_noted(struct opening *o)
{
	int r = o->met ? E_OK : look_for_noted(o);

	if (r == E_OK && o->noted.size && !o->met)
		r = err_set(
			o->em, E_STATE,
			"the journal has %" PRIu64 " records, its checkpoint notes %" PRIu64
			": the end is missing; put the newest state back (or, when that is lost, "
			"take the file " CHECKPOINT_FILE " away)",
			o->found->tree.n, o->noted.size);
	return r;
}

static int read_noted(struct journal *j, struct checkpoint *ret, struct errmsg *em)
{
	struct buf note = {0};
	int r;

	buf_init(&note, NOTE_MAX);
	r = checkpoint_read(j->dir, CHECKPOINT_FILE, &note, em);
	if (r == E_OK && checkpoint_parse(buf_bytes(&note), ret) != E_OK)
		r = err_set(em, E_FORMAT, "the journal's file " CHECKPOINT_FILE " is damaged");
	buf_free(&note);
	return r == E_NOTFOUND ? E_OK : r;
}

static struct journal *new_journal(const struct journal_options *o)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->file = -1;
	j->dir = -1;
	j->write = o->write ? o->write : pwrite;
	j->sync = o->sync ? o->sync : fdatasync;
	j->appended = o->appended;
	j->appended_ctx = o->appended_ctx;
	j->size_max = o->file_size ? o->file_size : FILE_SIZE_DEFAULT;
	buf_init(&j->pending, PENDING_MAX);
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->flushed, NULL);
	return j;
}

int journal_open(const struct journal_options *o, journal_fn *fn, void *ctx,
		 struct journal_report *ret_found, struct journal **ret, struct errmsg *em)
{
	struct journal_report found = {0};
	struct opening op = {.fn = fn, .ctx = ctx, .found = &found, .em = em};
	struct journal *j = new_journal(o);
	int r;

	if (!j)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	r = lock_folder(j, o->path, em);
	if (r == E_OK)
		r = read_noted(j, &op.noted, em);
	if (r == E_OK)
		r = journal_read(j->dir, see, &op, &found, em);
	if (r == E_OK)
		r = check_noted(&op);
	if (r == E_OK)
		r = open_last(j, &found, em);
	if (r == E_OK) {
		j->durable.seq = found.last.seq;
		memcpy(j->durable.hash, found.last.hash, DIGEST_SIZE);
		j->durable.tree = found.tree;
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

/* What was just written is shown as it was: read back from the same bytes. */
static int show(struct journal *j, struct bytes data, struct errmsg *em)
{
	struct journal_record rec;

	while (j->appended && data.n) {
		if (journal_decode(data, &rec) != JOURNAL_WHOLE ||
		    j->appended(j->appended_ctx, &rec) != 0)
			return err_set(em, E_STATE, "what was written makes no sense");
		data = bytes_of(data.p + rec.raw.n, data.n - rec.raw.n);
	}
	return E_OK;
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
	if (r == E_OK)
		r = show(j, buf_bytes(&data), em);
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
	size_t start;
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
		start = out.n;
		r = journal_encode(&rec, &out);
		if (r == E_OK)
			r = merkle_append(&end.tree, bytes_of(out.p + start, out.n - start));
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

/* Until what is queued now is on the disk. Called with the lock, which it gives up meanwhile. */
static int wait_flushed(struct journal *j, struct waiter *w, struct errmsg *em)
{
	struct errmsg why = {""};

	w->seq = j->queued.seq;
	w->next = j->waiters;
	j->waiters = w;
	while (!w->done) {
		if (j->flushing)
			pthread_cond_wait(&j->flushed, &j->lock);
		else
			flush(j, &why);
	}
	if (w->result == E_STATE)
		(void)err_set(em, w->result, "%s", j->why.text);
	else if (w->result != E_OK)
		(void)err_set(em, w->result, "%s",
			      why.text[0] ? why.text : "no room for the journal");
	return w->result;
}

int journal_append(struct journal *j, const struct journal_entry *e, size_t n, struct errmsg *em)
{
	struct waiter w = {0};
	int r;

	pthread_mutex_lock(&j->lock);
	r = enqueue(j, e, n, em);
	if (r == E_OK)
		r = wait_flushed(j, &w, em);
	pthread_mutex_unlock(&j->lock);
	return r;
}

/* The note is made with the lock held, so that it covers just the records before its own. */
int journal_checkpoint(struct journal *j, const struct note_key *k, note_sign_fn *sign, void *ctx,
		       struct checkpoint *ret, struct errmsg *em)
{
	struct journal_field f = {"note", {NULL, 0}};
	const struct journal_entry e = {JOURNAL_CHECKPOINT, &f, 1};
	struct checkpoint c = {.size = 0};
	struct waiter w = {0};
	struct buf note;
	int r;

	buf_init(&note, NOTE_MAX);
	pthread_mutex_lock(&j->lock);
	r = checkpoint_make(&j->queued.tree, k, sign, ctx, &note);
	f.value = buf_bytes(&note);
	if (r == E_OK)
		r = checkpoint_parse(f.value, &c);
	if (r != E_OK)
		(void)err_set(em, r, "checkpoint: %s", err_text(r));
	else
		r = enqueue(j, &e, 1, em);
	if (r == E_OK)
		r = wait_flushed(j, &w, em);
	pthread_mutex_unlock(&j->lock);
	if (r == E_OK)
		r = checkpoint_save(j->dir, f.value, em);
	buf_free(&note);
	if (r == E_OK)
		*ret = c;
	return r;
}

uint64_t journal_size(struct journal *j)
{
	uint64_t n;

	pthread_mutex_lock(&j->lock);
	n = j->queued.seq;
	pthread_mutex_unlock(&j->lock);
	return n;
}

void journal_head(struct journal *j, uint64_t *ret_seq, uint8_t ret_hash[DIGEST_SIZE])
{
	pthread_mutex_lock(&j->lock);
	*ret_seq = j->durable.seq;
	memcpy(ret_hash, j->durable.hash, DIGEST_SIZE);
	pthread_mutex_unlock(&j->lock);
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
