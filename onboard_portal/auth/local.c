#include "onboard_portal/auth/local.h"

#include "core/base/text.h"
#include "core/pki/passhash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_TEXT_MAX PASSHASH_SIZE

struct account {
	const char *login; /* into struct accounts.text */
	const char *hash;
	const char *groups;
	const char *name;
	const char *email;
};

struct accounts {
	char *text;
	struct account *list;
	size_t n;
};

struct local {
	char *path;
	pthread_mutex_t lock;
	struct accounts accounts;
	bool loaded;
	struct stat seen;
	char dummy[HASH_TEXT_MAX]; /* hash of nobody's password, as costly as the real ones */
};

static void accounts_free(struct accounts *a)
{
	if (a->text != NULL)
		text_wipe(a->text, strlen(a->text));
	free(a->text);
	free(a->list);
	*a = (struct accounts){0};
}

static char *cut(char **p, char sep)
{
	char *field = *p, *end;

	if (field == NULL)
		return NULL;
	end = strchr(field, sep);
	if (end != NULL)
		*end++ = '\0';
	*p = end;
	return field;
}

static bool parse_line(char *line, struct account *ret)
{
	struct account a = {.login = cut(&line, ':')};
	struct user probe = {0};

	a.hash = cut(&line, ':');
	a.groups = cut(&line, ':');
	a.name = cut(&line, ':');
	a.email = cut(&line, ':');
	if (a.email == NULL || line != NULL)
		return false;
	if (!text_is_name(a.login, LOGIN_SIZE - 1) ||
	    a.login[strcspn(a.login, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
		return false;
	if (strncmp(a.hash, "$y$", 3) != 0 || strlen(a.hash) >= HASH_TEXT_MAX)
		return false;
	if ((*a.name != '\0' && !text_is_plain(a.name, TEXT_SIZE - 1)) ||
	    (*a.email != '\0' && !text_is_plain(a.email, sizeof(probe.email) - 1)))
		return false;
	if (*a.groups != '\0' && user_groups_parse(&probe, a.groups) != E_OK)
		return false;
	*ret = a;
	return true;
}

static int by_login(const void *a, const void *b)
{
	return strcmp(((const struct account *)a)->login, ((const struct account *)b)->login);
}

/* Takes text. A line that is not an account is left out and told of, so that one slip of the pen
 * does not lock everybody out. */
static int parse_accounts(char *text, const char *path, struct accounts *ret, struct errmsg *em)
{
	struct accounts a = {.text = text};
	size_t lines = 1, number = 0;
	char *next = text;

	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	a.list = calloc(lines, sizeof(*a.list));
	if (a.list == NULL) {
		accounts_free(&a);
		return E_NOMEM;
	}
	while (next != NULL) {
		char *line = cut(&next, '\n');

		number++;
		if (*line == '\0' || *line == '#')
			continue;
		if (parse_line(line, &a.list[a.n]))
			a.n++;
		else
			(void)err_set(
				em, E_FORMAT,
				"%s:%zu: not an account (login:hash:groups:name:email); left out",
				path, number);
	}
	qsort(a.list, a.n, sizeof(*a.list), by_login);
	for (size_t i = 1; i < a.n; i++) {
		if (strcmp(a.list[i - 1].login, a.list[i].login) == 0)
			(void)err_set(em, E_FORMAT, "%s: account %s is there twice", path,
				      a.list[i].login);
	}
	*ret = a;
	return E_OK;
}

static int read_whole(int fd, const char *path, off_t size, char **ret, struct errmsg *em)
{
	char *text;
	size_t n = 0;
	ssize_t got;

	if (size > LOCAL_FILE_MAX)
		return err_set(em, E_TOOBIG, "%s: larger than %d bytes", path, LOCAL_FILE_MAX);
	text = malloc((size_t)size + 1);
	if (text == NULL)
		return E_NOMEM;
	while (n < (size_t)size) {
		got = read(fd, text + n, (size_t)size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	*ret = text;
	return E_OK;
}

static bool unchanged(const struct local *l, const struct stat *st)
{
	return l->loaded && st->st_ino == l->seen.st_ino && st->st_dev == l->seen.st_dev &&
	       st->st_size == l->seen.st_size && st->st_mtim.tv_sec == l->seen.st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == l->seen.st_mtim.tv_nsec &&
	       st->st_ctim.tv_sec == l->seen.st_ctim.tv_sec &&
	       st->st_ctim.tv_nsec == l->seen.st_ctim.tv_nsec;
}

/* As costly as the first account's hash, or as libcrypt's default when there is none. */
static int make_dummy(struct local *l)
{
	static const char nobody[] = "nobody's password";

	if (l->accounts.n > 0 && passhash_like(nobody, l->accounts.list[0].hash, l->dummy) == E_OK)
		return E_OK;
	return passhash_new(nobody, l->dummy);
}

/* With the lock held. A file that cannot be read keeps nobody's old password alive. */
static int refresh(struct local *l, struct errmsg *em)
{
	struct accounts fresh;
	struct stat st;
	char *text = NULL;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC), r = E_UNAVAIL;

	if (fd < 0 || fstat(fd, &st) != 0) {
		r = err_set(em, E_UNAVAIL, "%s: %s; make accounts with scepctl user add", l->path,
			    strerror(errno));
		goto out;
	}
	if (unchanged(l, &st)) {
		close(fd);
		return E_OK;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 0007) != 0) {
		r = err_set(em, E_UNAVAIL, "%s: others may use this file; chmod o= %s", l->path,
			    l->path);
		goto out;
	}
	r = read_whole(fd, l->path, st.st_size, &text, em);
	if (r == E_OK && text != NULL)
		r = parse_accounts(text, l->path, &fresh, em);
	if (r != E_OK)
		goto out;
	accounts_free(&l->accounts);
	l->accounts = fresh;
	l->seen = st;
	l->loaded = true;
	r = make_dummy(l);
out:
	if (fd >= 0)
		close(fd);
	if (r != E_OK) {
		l->loaded = false;
		accounts_free(&l->accounts);
		r = E_UNAVAIL;
	}
	return r;
}

static int take_person(const struct account *a, struct user *ret)
{
	struct user u = {.source = "local"};

	if (text_copy(u.login, sizeof(u.login), a->login) != E_OK ||
	    text_copy(u.name, sizeof(u.name), *a->name != '\0' ? a->name : a->login) != E_OK ||
	    text_copy(u.email, sizeof(u.email), a->email) != E_OK)
		return E_TOOBIG;
	if (*a->groups != '\0' && user_groups_parse(&u, a->groups) != E_OK)
		return E_FORMAT;
	*ret = u;
	return E_OK;
}

static int local_check(void *self, const char *login, const char *password, struct user *ret,
		       struct errmsg *em)
{
	struct account want = {.login = login};
	const struct account *a = NULL;
	struct local *l = self;
	char hash[HASH_TEXT_MAX] = "";
	struct user u = {0};
	bool same;
	int r;

	pthread_mutex_lock(&l->lock);
	r = refresh(l, em);
	if (r == E_OK && l->accounts.n > 0)
		a = bsearch(&want, l->accounts.list, l->accounts.n, sizeof(want), by_login);
	if (r == E_OK)
		r = text_copy(hash, sizeof(hash), a != NULL ? a->hash : l->dummy);
	if (r == E_OK && a != NULL)
		r = take_person(a, &u);
	pthread_mutex_unlock(&l->lock);
	if (r != E_OK)
		return E_UNAVAIL;

	same = passhash_matches(password, hash);
	text_wipe(hash, sizeof(hash));
	if (*u.login == '\0')
		return E_NOTFOUND;
	if (!same || *password == '\0')
		return E_DENIED;
	*ret = u;
	return E_OK;
}

static void local_close(void *self)
{
	struct local *l = self;

	if (l == NULL)
		return;
	accounts_free(&l->accounts);
	text_wipe(l->dummy, sizeof(l->dummy));
	pthread_mutex_destroy(&l->lock);
	free(l->path);
	free(l);
}

int local_open(const char *path, struct auth *ret, struct errmsg *em)
{
	struct local *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return E_NOMEM;
	l->path = strdup(path);
	if (l->path == NULL || pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l->path);
		free(l);
		return E_NOMEM;
	}
	pthread_mutex_lock(&l->lock);
	if (refresh(l, em) != E_OK)
		l->loaded = false;
	pthread_mutex_unlock(&l->lock);
	*ret = (struct auth){
		.source = "local", .self = l, .check = local_check, .close = local_close};
	return E_OK;
}
