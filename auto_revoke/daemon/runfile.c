#include "auto_revoke/daemon/runfile.h"

#include "core/base/digest.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUNFILE_MAX = 256 << 20 };

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

int runfile_lock(const char *dir, int *ret_fd, struct errmsg *em)
{
	char path[PATH_MAX];
	int fd, rc = path_of(path, dir, RUNFILE_LOCK, "", em);

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

/* Finds "key value\n" in the head of a text (up to the first empty line). */
static bool line_get(const char *text, const char *key, char *dst, size_t size)
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

static bool line_number(const char *text, const char *key, int64_t *ret)
{
	char value[24];
	int64_t n;

	if (!line_get(text, key, value, sizeof(value)) || text_int64(value, &n) != E_OK || n < 0)
		return false;
	*ret = n;
	return true;
}

int run_state_read(const char *dir, const char *file, struct run_state *ret, struct errmsg *em)
{
	struct run_state s = {.people = 0};
	char about[PATH_MAX] = "";
	int64_t marked = 0;
	struct buf text;
	int rc = runfile_read(dir, RUNFILE_STATE, &text, em);

	if (rc == E_NOTFOUND) {
		*ret = s;
		return E_OK;
	}
	if (rc != E_OK)
		return rc;
	if (!line_get(buf_str(&text), "file", about, sizeof(about)) ||
	    !line_number(buf_str(&text), "people", &s.people) ||
	    !line_number(buf_str(&text), "mtime_ns", &s.mtime_ns) ||
	    !line_number(buf_str(&text), "end_marked", &marked))
		rc = err_set(em, E_FORMAT,
			     "%.200s/" RUNFILE_STATE " is damaged; remove it to start anew", dir);
	(void)line_number(buf_str(&text), "counted_from", &s.counted_from);
	(void)line_get(buf_str(&text), "applying", s.applying, sizeof(s.applying));
	s.end_marked = marked != 0;
	buf_free(&text);
	if (rc == E_OK)
		*ret = strcmp(about, file) == 0 ? s : (struct run_state){.people = 0};
	return rc;
}

int run_state_write(const char *dir, const char *file, const struct run_state *s, struct errmsg *em)
{
	struct buf text;
	int rc;

	buf_init(&text, 2 * PATH_MAX);
	buf_addf(&text, "file %s\npeople %lld\nmtime_ns %lld\nend_marked %d\ncounted_from %lld\n",
		 file, (long long)s->people, (long long)s->mtime_ns, s->end_marked,
		 (long long)s->counted_from);
	if (s->applying[0] != '\0')
		buf_addf(&text, "applying %s\n", s->applying);
	rc = buf_error(&text) != E_OK
		     ? buf_error(&text)
		     : runfile_write(dir, RUNFILE_STATE, buf_str(&text), text.n, em);
	buf_free(&text);
	return rc;
}

int run_brake_write(const char *dir, const struct run_brake *b, struct errmsg *em)
{
	struct buf text;
	int rc;

	buf_init(&text, RUNFILE_MAX);
	buf_addf(&text,
		 "The mass-change brake is engaged: nothing of this is applied until a person "
		 "agrees.\n"
		 "Look at the export and the list below. To let exactly this list through:\n"
		 "auto_revoke -c CONF --release-brake\n"
		 "digest %s\nwhy %s\nsince %s\nknown %zu\naffected %zu\nlisted %zu\nbefore "
		 "%zu\n\n%s",
		 b->digest, b->why, b->since, b->known, b->affected, b->listed, b->before, b->plan);
	rc = buf_error(&text) != E_OK
		     ? buf_error(&text)
		     : runfile_write(dir, RUNFILE_BRAKE, buf_str(&text), text.n, em);
	buf_free(&text);
	return rc;
}

int run_brake_read(const char *dir, struct run_brake *ret, struct errmsg *em)
{
	struct run_brake b = {.plan = NULL};
	int64_t known = 0, affected = 0, listed = 0, before = 0;
	char digest[HASH_SIZE];
	const char *head, *plan;
	int rc = runfile_read(dir, RUNFILE_BRAKE, &b.text, em);

	if (rc != E_OK)
		return rc;
	head = buf_str(&b.text);
	plan = strstr(head, "\n\n");
	if (plan == NULL || !line_get(head, "digest", b.digest, sizeof(b.digest)) ||
	    !line_get(head, "why", b.why, sizeof(b.why)) ||
	    !line_get(head, "since", b.since, sizeof(b.since)) ||
	    !line_number(head, "known", &known) || !line_number(head, "affected", &affected) ||
	    !line_number(head, "listed", &listed) || !line_number(head, "before", &before)) {
		rc = E_FORMAT;
	} else {
		b.plan = plan + 2;
		rc = digest_sha256_hex(bytes_str(b.plan), digest);
		if (rc == E_OK && strcmp(digest, b.digest) != 0)
			rc = E_FORMAT;
	}
	if (rc != E_OK) {
		run_brake_free(&b);
		return err_set(em, rc,
			       "%.200s/" RUNFILE_BRAKE
			       " is damaged; remove it and let it be written anew",
			       dir);
	}
	b.known = (size_t)known;
	b.affected = (size_t)affected;
	b.listed = (size_t)listed;
	b.before = (size_t)before;
	*ret = b;
	return E_OK;
}

void run_brake_free(struct run_brake *b)
{
	if (b == NULL)
		return;
	buf_free(&b->text);
	b->plan = NULL;
}

int run_approval_write(const char *dir, const char *digest, const char *by, struct errmsg *em)
{
	char text[HASH_SIZE + TEXT_SIZE + 32];
	int n = snprintf(text, sizeof(text), "digest %s\nby %s\n", digest, by);

	if (n <= 0 || (size_t)n >= sizeof(text))
		return E_TOOBIG;
	return runfile_write(dir, RUNFILE_APPROVED, text, (size_t)n, em);
}

int run_approval_read(const char *dir, char digest[HASH_SIZE], char by[TEXT_SIZE],
		      struct errmsg *em)
{
	char d[HASH_SIZE], who[TEXT_SIZE];
	struct buf text;
	int rc = runfile_read(dir, RUNFILE_APPROVED, &text, em);

	if (rc != E_OK)
		return rc;
	if (!line_get(buf_str(&text), "digest", d, sizeof(d)) ||
	    !line_get(buf_str(&text), "by", who, sizeof(who)))
		rc = err_set(em, E_FORMAT, "%.200s/" RUNFILE_APPROVED " is damaged", dir);
	buf_free(&text);
	if (rc != E_OK)
		return rc;
	memcpy(digest, d, sizeof(d));
	memcpy(by, who, sizeof(who));
	return E_OK;
}
