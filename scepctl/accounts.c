#include "scepctl/accounts.h"

#include "core/base/text.h"
#include "core/pki/passhash.h"
#include "core/pki/pki_file.h"
#include "scepctl/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FIELDS = 5, NAME_BYTES = 128, EMAIL_BYTES = 254, LOCK_TRIES = 40, LOCK_PAUSE_NS = 50000000 };

struct line {
	char *text;           /* as in the file, for lines that are no account */
	char *fields[FIELDS]; /* login NULL: no account */
};

struct accounts {
	char path[FS_PATH_MAX], dir[FS_PATH_MAX];
	int lock;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct line *lines;
	size_t n, cap;
};

static void line_free(struct line *l)
{
	free(l->text);
	for (size_t i = 0; i < FIELDS; i++)
		free(l->fields[i]);
	memset(l, 0, sizeof(*l));
}

static struct line *line_new(struct accounts *a)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? 2 * a->cap : 64;
		struct line *more = reallocarray(a->lines, cap, sizeof(*more));

		if (!more)
			return NULL;
		a->lines = more;
		a->cap = cap;
	}
	memset(&a->lines[a->n], 0, sizeof(a->lines[0]));
	return &a->lines[a->n++];
}

/* Exactly five fields make an account; anything else is kept as text. */
static int line_parse(struct line *l, const char *p, size_t n)
{
	size_t colons = 0, k = 0;
	const char *end = p + n;

	for (size_t i = 0; i < n; i++)
		colons += p[i] == ':';
	if (n == 0 || *p == '#' || colons != FIELDS - 1) {
		l->text = strndup(p, n);
		return l->text ? E_OK : E_NOMEM;
	}
	for (; k < FIELDS; k++) {
		const char *stop = memchr(p, ':', (size_t)(end - p));

		l->fields[k] = strndup(p, (size_t)((stop ? stop : end) - p));
		if (!l->fields[k])
			return E_NOMEM;
		p = stop ? stop + 1 : end;
	}
	return E_OK;
}

static int parse(struct accounts *a, const char *p)
{
	int rc = E_OK;

	while (rc == E_OK && *p) {
		size_t n = strcspn(p, "\n");
		struct line *l = line_new(a);

		rc = l ? line_parse(l, p, n) : E_NOMEM;
		p += n + (p[n] == '\n');
	}
	return rc;
}

static int take_lock(struct accounts *a, struct errmsg *em)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	/* The folder is locked, not the file: that one is replaced by another. */
	a->lock = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->lock < 0)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %s", a->dir,
			       strerror(errno));
	for (int tries = LOCK_TRIES; flock(a->lock, LOCK_EX | LOCK_NB) != 0; tries--) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_set(em, E_IO, "%s: %s", a->dir, strerror(errno));
		if (tries == 0)
			return err_set(em, E_STATE, "%s: another scepctl is changing it; try again",
				       a->path);
		nanosleep(&pause, NULL);
	}
	return E_OK;
}

int accounts_open(const char *path, struct accounts **ret, struct errmsg *em)
{
	struct accounts *a = calloc(1, sizeof(*a));
	struct buf text = {0};
	struct stat st;
	int rc;

	if (!a)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	a->lock = -1;
	rc = text_copy(a->path, sizeof(a->path), path);
	if (rc == E_OK)
		rc = text_copy(a->dir, sizeof(a->dir), path);
	if (rc == E_OK && strrchr(a->dir, '/'))
		*strrchr(a->dir, '/') = '\0';
	else
		rc = err_set(em, E_FORMAT, "%.80s: not a usable path", path);
	if (rc == E_OK)
		rc = take_lock(a, em);
	if (rc == E_OK)
		rc = pki_file_read(path, false, &text, em);
	if (rc == E_OK && stat(path, &st) != 0)
		rc = err_set(em, E_IO, "%s: %s", path, strerror(errno));
	if (rc == E_OK && strlen(buf_str(&text)) != text.n)
		rc = err_set(em, E_FORMAT, "%s: holds a NUL byte", path);
	if (rc == E_OK) {
		a->mode = st.st_mode & 0777 & ~(mode_t)027;
		a->uid = st.st_uid;
		a->gid = st.st_gid;
		rc = parse(a, buf_str(&text));
	}
	buf_free(&text);
	if (rc != E_OK) {
		accounts_close(a);
		return rc;
	}
	*ret = a;
	return E_OK;
}

void accounts_close(struct accounts *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		line_free(&a->lines[i]);
	free(a->lines);
	if (a->lock >= 0)
		close(a->lock);
	free(a);
}

static void as_account(const struct line *l, struct account *ret)
{
	*ret = (struct account){.login = l->fields[0],
				.hash = l->fields[1],
				.groups = l->fields[2],
				.name = l->fields[3],
				.email = l->fields[4]};
}

size_t accounts_count(const struct accounts *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n; i++)
		n += a->lines[i].fields[0] != NULL;
	return n;
}

void accounts_get(const struct accounts *a, size_t i, struct account *ret)
{
	*ret = (struct account){.login = "", .hash = "", .groups = "", .name = "", .email = ""};
	for (size_t k = 0; k < a->n; k++)
		if (a->lines[k].fields[0] && i-- == 0) {
			as_account(&a->lines[k], ret);
			return;
		}
}

static struct line *find(const struct accounts *a, const char *login)
{
	for (size_t i = 0; i < a->n; i++)
		if (a->lines[i].fields[0] && strcmp(a->lines[i].fields[0], login) == 0)
			return &a->lines[i];
	return NULL;
}

int accounts_find(const struct accounts *a, const char *login, struct account *ret)
{
	const struct line *l = find(a, login);

	if (!l)
		return E_NOTFOUND;
	as_account(l, ret);
	return E_OK;
}

static bool fits(const char *s, size_t max)
{
	return !*s || (text_is_plain(s, max) && !strchr(s, ':'));
}

int accounts_add(struct accounts *a, const struct account *account, struct errmsg *em)
{
	const char *fields[FIELDS] = {account->login, account->hash, account->groups, account->name,
				      account->email};
	struct line *l;

	if (!fits(account->name, NAME_BYTES))
		return err_set(em, E_FORMAT,
			       "--name: up to %d bytes of plain text without ':' are accepted",
			       NAME_BYTES);
	if (!fits(account->email, EMAIL_BYTES) || strchr(account->email, ' '))
		return err_set(em, E_FORMAT, "--email: not an address");
	if (!fits(account->groups, 600) || !fits(account->hash, PASSHASH_SIZE) ||
	    !fits(account->login, LOGIN_SIZE - 1))
		return err_set(em, E_FORMAT, "a field holds ':' or a control character");
	if (find(a, account->login))
		return err_set(em, E_EXISTS, "%s has an account already", account->login);
	l = line_new(a);
	for (size_t i = 0; l && i < FIELDS; i++) {
		l->fields[i] = strdup(fields[i]);
		if (!l->fields[i])
			return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	}
	return l ? E_OK : err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
}

int accounts_set_hash(struct accounts *a, const char *login, const char *hash, struct errmsg *em)
{
	struct line *l = find(a, login);
	char *copy;

	if (!l)
		return err_set(em, E_NOTFOUND, "%s has no account", login);
	copy = strdup(hash);
	if (!copy)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	free(l->fields[1]);
	l->fields[1] = copy;
	return E_OK;
}

int accounts_del(struct accounts *a, const char *login, struct errmsg *em)
{
	struct line *l = find(a, login);

	if (!l)
		return err_set(em, E_NOTFOUND, "%s has no account", login);
	line_free(l);
	memmove(l, l + 1, (size_t)(&a->lines[a->n] - (l + 1)) * sizeof(*l));
	a->n--;
	return E_OK;
}

int accounts_save(struct accounts *a, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	struct buf out = {0};
	int rc, n = snprintf(path, sizeof(path), "%s.%ld.new", a->path, (long)getpid());

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(em, E_TOOBIG, "%s: path is too long", a->path);
	buf_init(&out, PKI_FILE_MAX);
	for (size_t i = 0; i < a->n; i++) {
		const struct line *l = &a->lines[i];

		if (l->fields[0])
			buf_addf(&out, "%s:%s:%s:%s:%s\n", l->fields[0], l->fields[1], l->fields[2],
				 l->fields[3], l->fields[4]);
		else
			buf_addf(&out, "%s\n", l->text);
	}
	rc = buf_error(&out);
	if (rc != E_OK)
		err_set(em, rc, "%s: too many accounts for one file", a->path);
	if (rc == E_OK)
		rc = pki_file_write(path, a->mode, buf_bytes(&out), em);
	if (rc == E_OK &&
	    ((geteuid() == 0 && chown(path, a->uid, a->gid) != 0) || rename(path, a->path) != 0)) {
		rc = err_set(em, E_IO, "%s: %s", a->path, strerror(errno));
		unlink(path);
	}
	if (rc == E_OK)
		rc = fs_sync_dir(a->dir, em);
	buf_free(&out);
	return rc;
}

int accounts_login(char dst[LOGIN_SIZE], const char *login, struct errmsg *em)
{
	char lower[LOGIN_SIZE];

	if (!text_is_name(login, LOGIN_SIZE - 1) || text_copy(lower, sizeof(lower), login) != E_OK)
		return err_set(em, E_FORMAT,
			       "'%.40s' is not a login: 1 to %d of a-z, 0-9, '.', '_', '@' and '-'",
			       login, LOGIN_SIZE - 1);
	for (char *p = lower; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return text_copy(dst, LOGIN_SIZE, lower);
}
