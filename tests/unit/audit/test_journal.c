#include "core/audit/journal.h"

#include "core/audit/checkpoint_file.h"
#include "core/base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define THREADS 16
#define ROUNDS 25

static char dir[64];

static int setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-journal-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	(void)state;
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	return rmdir(dir);
}

static struct journal *open_with(struct journal_options o, struct journal_report *ret)
{
	struct journal *j = NULL;
	struct errmsg em = {""};

	o.path = dir;
	if (journal_open(&o, NULL, NULL, ret, &j, &em) != E_OK)
		fail_msg("%s", em.text);
	return j;
}

static struct journal *open_plain(struct journal_report *ret)
{
	return open_with((struct journal_options){.path = NULL}, ret);
}

static int add(struct journal *j, enum journal_type type, const char *serial, struct errmsg *em)
{
	const struct journal_field f[] = {{"serial", bytes_str(serial)},
					  {"der", bytes_of("\x30\x00\xff", 3)}};
	const struct journal_entry e = {type, f, 2};

	return journal_append(j, &e, 1, em);
}

static void path_of(uint64_t seq, char out[128])
{
	char name[JOURNAL_FILE_SIZE];

	journal_file_name(seq, name);
	(void)snprintf(out, 128, "%s/%s", dir, name);
}

static size_t load(uint64_t seq, uint8_t *p, size_t max)
{
	char path[128];
	FILE *f;
	size_t n;

	path_of(seq, path);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(p, 1, max, f);
	fclose(f);
	return n;
}

static void save(uint64_t seq, const uint8_t *p, size_t n)
{
	char path[128];
	FILE *f;

	path_of(seq, path);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static int collect(void *ctx, const struct journal_record *r)
{
	char *out = ctx;
	size_t n = strlen(out);

	(void)snprintf(out + n, 1024 - n, "%" PRIu64 ":%s:%.*s ", r->seq,
		       journal_type_text(r->type), (int)journal_get(r, "serial").n,
		       (const char *)journal_get(r, "serial").p);
	return 0;
}

static void test_round_trip(void **state)
{
	struct journal_report rep;
	struct journal *j = open_plain(&rep);
	struct errmsg em = {""};
	char seen[1024] = "";
	const struct journal_field empty = {"reason", {NULL, 0}};
	const struct journal_entry batch[] = {{JOURNAL_ABORTED, &empty, 1},
					      {JOURNAL_OPENED, NULL, 0}};
	struct stat st;
	char path[128];

	(void)state;
	assert_int_equal(rep.last.seq, 0);
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	assert_int_equal(add(j, JOURNAL_ISSUED, "aa", &em), E_OK);
	assert_int_equal(journal_append(j, batch, 2, &em), E_OK);
	assert_int_equal(journal_syncs(j), 3);
	assert_int_equal(journal_note(j, batch, 1, &em), E_OK);
	assert_int_equal(journal_syncs(j), 3);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, collect, seen, &rep, &em), E_OK);
	assert_string_equal(seen, "1:intent:aa 2:issued:aa 3:aborted: 4:opened: 5:aborted: ");
	assert_int_equal(rep.records, 5);
	assert_int_equal(rep.torn, 0);
	path_of(1, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	j = open_plain(&rep);
	assert_int_equal(rep.last.seq, 5);
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_OK);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.last.seq, 6);
}

static void test_entries_at_fault(void **state)
{
	static uint8_t big[JOURNAL_RECORD_MAX];
	struct journal *j = open_plain(NULL);
	const struct journal_field f[] = {{"der", bytes_of(big, sizeof(big))},
					  {"", bytes_str("x")}};
	const struct journal_entry e[] = {
		{JOURNAL_ISSUED, f, 1}, {JOURNAL_ISSUED, f + 1, 1}, {JOURNAL_ISSUED, f, 17}};
	struct journal_report rep;
	struct errmsg em = {""};

	(void)state;
	assert_int_equal(journal_append(j, &e[0], 1, &em), E_TOOBIG);
	assert_int_equal(journal_append(j, &e[1], 1, &em), E_FORMAT);
	assert_int_equal(journal_append(j, &e[2], 1, &em), E_TOOBIG);
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.records, 1);
}

/* Three records, the last one's start in *ret_last. */
static size_t small_journal(uint8_t *p, size_t max, size_t *ret_ends)
{
	struct journal *j = open_plain(NULL);
	struct errmsg em = {""};

	for (int i = 0; i < 3; i++) {
		assert_int_equal(add(j, JOURNAL_INTENT, i == 1 ? "bb" : "aa", &em), E_OK);
		ret_ends[i] = load(1, p, max);
	}
	journal_close(j);
	return ret_ends[2];
}

static void test_every_byte_flipped(void **state)
{
	static uint8_t whole[4096], bad[4096];
	size_t ends[3], n = small_journal(whole, sizeof(whole), ends);
	struct journal_options o = {.path = dir};
	struct journal_report rep;
	struct errmsg em = {""};
	struct journal *j = NULL;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			memcpy(bad, whole, n);
			bad[i] ^= (uint8_t)(1 << bit);
			save(1, bad, n);
			if (journal_read_path(dir, NULL, NULL, &rep, &em) != E_FORMAT)
				fail_msg("bit %d of byte %zu of %zu: not seen", bit, i, n);
			assert_true(rep.damaged);
			assert_int_equal(rep.good, i < ends[0]   ? 0
						   : i < ends[1] ? ends[0]
								 : ends[1]);
			assert_int_equal(rep.last.seq, i < ends[0] ? 0 : i < ends[1] ? 1 : 2);
		}
		/* A writer does not touch it. */
		assert_int_equal(journal_open(&o, NULL, NULL, &rep, &j, &em), E_FORMAT);
		assert_int_equal(load(1, bad, sizeof(bad)), n);
	}
}

/* A record that is whole in itself, but not the one that was written: another serial was put in. */
static void test_exchanged_record(void **state)
{
	static uint8_t whole[4096], other[4096];
	size_t ends[3], n = small_journal(whole, sizeof(whole), ends);
	struct journal_record r;
	struct journal_report rep;
	struct errmsg em = {""};
	struct buf out = {0};

	(void)state;
	assert_int_equal(journal_decode(bytes_of(whole + ends[0], n - ends[0]), &r), JOURNAL_WHOLE);
	r.fields[0].value = bytes_str("cc");
	buf_init(&out, sizeof(other));
	assert_int_equal(journal_encode(&r, &out), E_OK);
	assert_int_equal(out.n, ends[1] - ends[0]);
	memcpy(whole + ends[0], out.p, out.n);
	buf_free(&out);
	save(1, whole, n);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
	assert_int_equal(rep.last.seq, 2);
	assert_non_null(strstr(em.text, "does not follow"));
}

static void test_every_length(void **state)
{
	static uint8_t whole[4096], now[4096];
	size_t ends[3], n = small_journal(whole, sizeof(whole), ends);
	struct journal_report rep;
	struct errmsg em = {""};
	struct journal *j;

	(void)state;
	for (size_t len = 0; len <= n; len++) {
		size_t good = len < ends[0] ? 0 : len < ends[1] ? ends[0] : len < n ? ends[1] : n;

		save(1, whole, len);
		assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
		assert_int_equal(rep.good, good);
		assert_int_equal(rep.torn, len - good);
		j = open_plain(&rep);
		assert_int_equal(rep.torn, len - good);
		assert_int_equal(load(1, now, sizeof(now)), good);
		assert_int_equal(add(j, JOURNAL_ABORTED, "cc", &em), E_OK);
		journal_close(j);
		assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
		assert_int_equal(rep.torn, 0);
	}
	/* A page of zeros is what some file systems leave; a zero among others is no such thing. */
	memcpy(now, whole, n);
	memset(now + n, 0, 100);
	save(1, now, n + 100);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.torn, 100);
	now[n + 50] = 1;
	save(1, now, n + 100);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
}

/* Power was lost: the file has its length, its last pages are zeros. */
static void test_zeros_at_the_end(void **state)
{
	enum { TAIL = 3 << 20 };
	size_t ends[3], n;
	uint8_t *whole = calloc(1, 4096 + TAIL);
	struct journal_report rep;
	struct errmsg em = {""};
	struct journal *j;

	(void)state;
	assert_non_null(whole);
	n = small_journal(whole, 4096, ends);
	/* from anywhere in the last record on, but for the last bytes of its digest */
	for (size_t len = n; len >= ends[1] && len > 0; len--) {
		memset(whole + len, 0, n + 1000 - len);
		save(1, whole, n + 1000);
		if (len < n && len > n - 8) {
			assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
			continue;
		}
		assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
		assert_int_equal(rep.good, len == n ? n : ends[1]);
		assert_int_equal(rep.torn, n + 1000 - rep.good);
	}
	/* more of them than are read at once, and then something */
	save(1, whole, ends[1] + TAIL);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.torn, TAIL);
	whole[ends[1] + TAIL - 1] = 1;
	save(1, whole, ends[1] + TAIL);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
	assert_true(rep.damaged);
	whole[ends[1] + TAIL - 1] = 0;
	save(1, whole, ends[1] + TAIL);
	j = open_plain(&rep);
	assert_int_equal(add(j, JOURNAL_ABORTED, "cc", &em), E_OK);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.records, 3);
	assert_int_equal(rep.torn, 0);
	free(whole);
}

static void test_two_writers(void **state)
{
	struct journal_options o = {.path = dir};
	struct journal *j = open_plain(NULL), *other = NULL;
	struct errmsg em = {""};
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &other, &em), E_EXISTS);
	assert_non_null(strstr(em.text, "another process"));
	pid = fork();
	if (pid == 0)
		_exit(journal_open(&o, NULL, NULL, NULL, &other, NULL) == E_EXISTS ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	journal_close(j);
	j = open_plain(NULL);
	journal_close(j);
	o.path = "/nonexistent/journal";
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &other, &em), E_NOTFOUND);
}

static void test_rotation(void **state)
{
	struct journal_options o = {.file_size = 600};
	struct journal_report rep;
	struct errmsg em = {""};
	struct journal *j;
	char path[128], renamed[128], serial[16];
	static uint8_t kept[8192];
	size_t n;

	(void)state;
	for (int i = 0; i < 20; i++) {
		j = open_with(o, &rep);
		assert_int_equal(rep.last.seq, i);
		(void)snprintf(serial, sizeof(serial), "%02x", (unsigned)i);
		assert_int_equal(add(j, JOURNAL_INTENT, serial, &em), E_OK);
		journal_close(j);
	}
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(rep.records, 20);
	assert_true(rep.files > 3 && rep.files < 10);
	/* The second file begins with record 6: without it, or with its end cut, the chain is broken. */
	n = load(6, kept, sizeof(kept));
	path_of(6, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
	save(6, kept, n - 1);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
	save(6, kept, n);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	path_of(6, path);
	path_of(7, renamed);
	assert_int_equal(rename(path, renamed), 0);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
	assert_int_equal(rename(renamed, path), 0);
	path_of(1, path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_FORMAT);
}

/* --- faults ---------------------------------------------------------------------------------------- */

static int fail_sync, fail_write, sync_us;
static bool short_writes;

static int faulty_sync(int fd)
{
	if (fail_sync) {
		errno = fail_sync;
		return -1;
	}
	if (sync_us)
		usleep((useconds_t)sync_us);
	return fdatasync(fd);
}

static ssize_t faulty_write(int fd, const void *p, size_t n, off_t at)
{
	if (fail_write && n < 40) {
		errno = fail_write;
		return -1;
	}
	if ((short_writes || fail_write) && n > 37)
		n = 37;
	return pwrite(fd, p, n, at);
}

static struct journal *open_faulty(void)
{
	fail_sync = fail_write = sync_us = 0;
	short_writes = false;
	return open_with((struct journal_options){.write = faulty_write, .sync = faulty_sync},
			 NULL);
}

static void expect_records(uint64_t n)
{
	struct journal_report rep;
	struct errmsg em = {""};

	if (journal_read_path(dir, NULL, NULL, &rep, &em) != E_OK)
		fail_msg("%s", em.text);
	assert_int_equal(rep.records, n);
	assert_int_equal(rep.torn, 0);
}

static void test_short_write(void **state)
{
	struct journal *j = open_faulty();
	struct errmsg em = {""};

	(void)state;
	short_writes = true;
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_OK);
	journal_close(j);
	expect_records(2);
}

/* No room: refused as if it had not been tried, and it works again once there is room. */
static void test_full(void **state)
{
	struct journal *j = open_faulty();
	struct errmsg em = {""};

	(void)state;
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	fail_write = ENOSPC;
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_UNAVAIL);
	assert_non_null(strstr(em.text, "no room"));
	expect_records(1);
	fail_write = 0;
	assert_int_equal(add(j, JOURNAL_INTENT, "cc", &em), E_OK);
	journal_close(j);
	expect_records(2);
}

/* The kernel's own refusal. */
static void test_file_limit(void **state)
{
	struct rlimit old, limit;
	struct journal *j = open_plain(NULL);
	struct errmsg em = {""};
	int n = 0, r;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 1000, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while ((r = add(j, JOURNAL_INTENT, "aa", &em)) == E_OK)
		n++;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(r, E_UNAVAIL);
	assert_true(n > 3);
	expect_records((uint64_t)n);
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_OK);
	journal_close(j);
	expect_records((uint64_t)n + 1);
}

/* After a failed fsync (or EIO) nobody knows what the disk has: never again through this handle. */
static void test_failed_fsync_is_final(void **state)
{
	struct errmsg em = {""};
	struct journal *j;

	(void)state;
	for (int i = 0; i < 2; i++) {
		j = open_faulty();
		assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
		fail_sync = i ? 0 : EIO;
		fail_write = i ? EIO : 0;
		assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_STATE);
		assert_non_null(strstr(em.text, "closed for good"));
		fail_sync = fail_write = 0;
		assert_int_equal(add(j, JOURNAL_INTENT, "cc", &em), E_STATE);
		assert_int_equal(journal_note(j, NULL, 0, NULL), E_STATE);
		journal_close(j);
	}
	j = open_faulty();
	assert_int_equal(add(j, JOURNAL_INTENT, "dd", &em), E_OK);
	journal_close(j);
}

/* --- threads --------------------------------------------------------------------------------------- */

static void *adder(void *arg)
{
	struct errmsg em = {""};
	intptr_t bad = 0;

	for (int i = 0; i < ROUNDS; i++)
		bad += add(arg, JOURNAL_INTENT, "aa", &em) != E_OK;
	return (void *)bad;
}

static uint64_t run_threads(struct journal *j)
{
	pthread_t t[THREADS];
	uint64_t bad = 0;
	void *ret;

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, adder, j), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(t[i], &ret), 0);
		bad += (uint64_t)(intptr_t)ret;
	}
	return bad;
}

static void test_threads_share_a_sync(void **state)
{
	struct journal *j = open_faulty();

	(void)state;
	sync_us = 2000;
	assert_int_equal(run_threads(j), 0);
	assert_in_range(journal_syncs(j), 1, THREADS * ROUNDS / 4);
	journal_close(j);
	expect_records(THREADS * ROUNDS);
}

/* However many waited: what was acknowledged is there, and nothing else. */
static ssize_t sometimes_full(int fd, const void *p, size_t n, off_t at)
{
	static unsigned calls;

	if (++calls % 5 == 0) {
		errno = ENOSPC;
		return -1;
	}
	return pwrite(fd, p, n > 300 && calls % 3 == 0 ? 300 : n, at);
}

static void test_threads_and_full_disk(void **state)
{
	struct journal *j;
	uint64_t bad;

	(void)state;
	sync_us = 500;
	fail_sync = 0;
	j = open_with((struct journal_options){.write = sometimes_full, .sync = faulty_sync}, NULL);
	bad = run_threads(j);
	journal_close(j);
	assert_in_range(bad, 1, THREADS * ROUNDS - 1);
	expect_records(THREADS * ROUNDS - bad);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* --- checkpoints ------------------------------------------------------------------------------------ */

static uint64_t sign_bad; /* 1: refuse */

/* Any 64 bytes do: nobody verifies them here. */
static int sign(void *ctx, struct bytes text, uint8_t out[NOTE_SIGNATURE_SIZE])
{
	(void)ctx;
	(void)text;
	memset(out, 7, NOTE_SIGNATURE_SIZE);
	return sign_bad ? E_CRYPTO : E_OK;
}

static int checkpoint(struct journal *j, struct checkpoint *ret, struct errmsg *em)
{
	const uint8_t key[NOTE_PUBLIC_SIZE] = {1};
	struct note_key k;

	assert_int_equal(note_key_make("x", key, &k), E_OK);
	return journal_checkpoint(j, &k, sign, NULL, ret, em);
}

/* Each checkpoint notes the tree of just the records before it. */
static int check_checkpoint(void *ctx, const struct journal_record *r)
{
	const struct journal_report *rep = ctx;
	uint8_t root[DIGEST_SIZE];
	struct checkpoint c;

	if (r->type != JOURNAL_CHECKPOINT)
		return 0;
	assert_int_equal(checkpoint_parse(journal_get(r, "note"), &c), E_OK);
	assert_int_equal(c.size, r->seq - 1);
	assert_int_equal(c.size, rep->tree.n);
	assert_int_equal(merkle_root(&rep->tree, root), E_OK);
	assert_memory_equal(root, c.root, DIGEST_SIZE);
	return 0;
}

static void *append_many(void *arg)
{
	struct errmsg em = {""};

	for (int i = 0; i < 40; i++)
		assert_int_equal(add(arg, JOURNAL_INTENT, "aa", &em), E_OK);
	return NULL;
}

static void test_checkpoints(void **state)
{
	struct journal *j = open_with((struct journal_options){.file_size = 2000}, NULL);
	struct journal_report rep = {0};
	struct errmsg em = {""};
	struct checkpoint c, last;
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, append_many, j), 0);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(checkpoint(j, &c, &em), E_OK);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	journal_close(j);
	/* and the tree goes on after a restart, with what was only queued in it */
	j = open_plain(NULL);
	assert_int_equal(journal_size(j), 170);
	assert_int_equal(journal_note(j, &(struct journal_entry){JOURNAL_OPENED, NULL, 0}, 1, &em),
			 E_OK);
	assert_int_equal(journal_size(j), 171);
	assert_int_equal(checkpoint(j, &last, &em), E_OK);
	assert_int_equal(last.size, 171);
	sign_bad = 1;
	assert_int_equal(checkpoint(j, &c, &em), E_CRYPTO);
	sign_bad = 0;
	assert_int_equal(journal_size(j), 172);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, check_checkpoint, &rep, &rep, &em), E_OK);
	assert_int_equal(rep.records, 172);
}

static ssize_t write_full(int fd, const void *p, size_t n, off_t at)
{
	(void)fd;
	(void)p;
	(void)n;
	(void)at;
	errno = ENOSPC;
	return -1;
}

static bool full;

static ssize_t write_maybe(int fd, const void *p, size_t n, off_t at)
{
	return full ? write_full(fd, p, n, at) : pwrite(fd, p, n, at);
}

/* What was taken back is not in the tree. */
static void test_checkpoint_after_no_room(void **state)
{
	struct journal *j = open_with((struct journal_options){.write = write_maybe}, NULL);
	struct journal_report rep = {0};
	struct errmsg em = {""};
	struct checkpoint c;

	(void)state;
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	full = true;
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_UNAVAIL);
	assert_int_equal(checkpoint(j, &c, &em), E_UNAVAIL);
	full = false;
	assert_int_equal(add(j, JOURNAL_INTENT, "cc", &em), E_OK);
	assert_int_equal(checkpoint(j, &c, &em), E_OK);
	assert_int_equal(c.size, 2);
	journal_close(j);
	assert_int_equal(journal_read_path(dir, check_checkpoint, &rep, &rep, &em), E_OK);
}

/* Cut exactly between two records: the chain is whole, the noted tree is not there. */
static void test_cut_end(void **state)
{
	static uint8_t whole[8192], cut[8192];
	struct journal_options o = {.path = dir};
	struct journal *j = open_plain(NULL);
	struct journal_report rep;
	struct errmsg em = {""};
	struct checkpoint c;
	size_t n, shorter;
	char path[128], aside[160];

	(void)state;
	assert_int_equal(add(j, JOURNAL_INTENT, "aa", &em), E_OK);
	shorter = load(1, cut, sizeof(cut));
	assert_int_equal(add(j, JOURNAL_INTENT, "bb", &em), E_OK);
	assert_int_equal(checkpoint(j, &c, &em), E_OK);
	journal_close(j);
	n = load(1, whole, sizeof(whole));
	save(1, cut, shorter);
	assert_int_equal(journal_read_path(dir, NULL, NULL, &rep, &em), E_OK);
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, &em), E_STATE);
	assert_non_null(strstr(em.text, "has 1 records, its checkpoint notes 2"));
	/* and another history of the same length and more */
	(void)snprintf(path, sizeof(path), "%s/" CHECKPOINT_FILE, dir);
	(void)snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	j = open_plain(NULL);
	assert_int_equal(add(j, JOURNAL_INTENT, "cc", &em), E_OK);
	journal_close(j);
	assert_int_equal(rename(aside, path), 0);
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, &em), E_STATE);
	assert_non_null(strstr(em.text, "are not those"));
	save(1, whole, n);
	j = open_plain(NULL);
	assert_int_equal(add(j, JOURNAL_INTENT, "dd", &em), E_OK);
	journal_close(j);
	journal_close(open_plain(NULL));
	/* a note that is none */
	assert_int_equal(truncate(path, 10), 0);
	assert_int_equal(journal_open(&o, NULL, NULL, NULL, &j, &em), E_FORMAT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_round_trip),
		CASE(test_entries_at_fault),
		CASE(test_every_byte_flipped),
		CASE(test_exchanged_record),
		CASE(test_every_length),
		CASE(test_zeros_at_the_end),
		CASE(test_two_writers),
		CASE(test_rotation),
		CASE(test_short_write),
		CASE(test_full),
		CASE(test_file_limit),
		CASE(test_failed_fsync_is_final),
		CASE(test_threads_share_a_sync),
		CASE(test_threads_and_full_disk),
		CASE(test_checkpoints),
		CASE(test_checkpoint_after_no_room),
		CASE(test_cut_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
