#include "scepctl/fs.h"

#include "core/base/text.h"
#include "core/pki/pki_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static int io_error(struct errmsg *em, const char *path)
{
	int code = errno == ENOENT ? E_NOTFOUND : errno == EEXIST ? E_EXISTS : E_IO;

	return err_set(em, code, "%s: %s", path, strerror(errno));
}

int fs_join(char *dst, const char *dir, const char *name, struct errmsg *em)
{
	int n = snprintf(dst, FS_PATH_MAX, "%s/%s", dir, name);

	if (n < 0 || n >= FS_PATH_MAX)
		return err_set(em, E_TOOBIG, "%.80s...: path is too long", dir);
	return E_OK;
}

int fs_absolute(char *dst, const char *path, struct errmsg *em)
{
	char copy[FS_PATH_MAX], parent[PATH_MAX];
	char *slash;
	size_t n;

	if (text_copy(copy, sizeof(copy), path) != E_OK || !*path)
		return err_set(em, E_FORMAT, "not a usable path: '%.80s'", path);
	for (n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = '\0';
	slash = strrchr(copy, '/');
	if (slash && (strcmp(slash, "/..") == 0 || strcmp(slash, "/.") == 0 || !slash[1]))
		slash = NULL;
	if (!slash && (strcmp(copy, ".") == 0 || strchr(copy, '/') || strcmp(copy, "..") == 0)) {
		if (!realpath(copy, parent))
			return io_error(em, copy);
		return text_copy(dst, FS_PATH_MAX, parent) == E_OK
			       ? E_OK
			       : err_set(em, E_TOOBIG, "path is too long");
	}
	if (slash)
		*slash = '\0';
	if (!realpath(slash ? (*copy ? copy : "/") : ".", parent))
		return io_error(em, slash ? copy : ".");
	return fs_join(dst, strcmp(parent, "/") == 0 ? "" : parent, slash ? slash + 1 : copy, em);
}

int fs_mkdir(const char *path, mode_t mode, struct errmsg *em)
{
	if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0)
		return io_error(em, path);
	return E_OK;
}

int fs_create(const char *dir, const char *name, mode_t mode, struct bytes content,
	      struct errmsg *em)
{
	char path[FS_PATH_MAX];
	int rc = fs_join(path, dir, name, em);

	return rc == E_OK ? pki_file_write(path, mode, content, em) : rc;
}

bool fs_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

int fs_each(const char *dir, int (*fn)(void *ctx, const char *path, const char *name), void *ctx,
	    struct errmsg *em)
{
	char path[FS_PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(dir);
	int rc = E_OK;

	if (!d)
		return errno == ENOTDIR ? err_set(em, E_FORMAT, "%s: not a folder", dir)
					: io_error(em, dir);
	while (rc == E_OK && (errno = 0, entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = fs_join(path, dir, entry->d_name, em);
		if (rc == E_OK)
			rc = fn(ctx, path, entry->d_name);
	}
	if (rc == E_OK && errno != 0)
		rc = io_error(em, dir);
	closedir(d);
	return rc;
}

static int found_one(void *ctx, const char *path, const char *name)
{
	(void)path, (void)name;
	*(bool *)ctx = false;
	return 0;
}

int fs_is_empty(const char *path, bool *ret, struct errmsg *em)
{
	bool empty = true;
	int rc = fs_each(path, found_one, &empty, em);

	if (rc == E_OK)
		*ret = empty;
	return rc;
}

/* --- copy ---------------------------------------------------------------------------------------- */

struct copy {
	const char *to;
	struct errmsg *em;
};

static int copy_link(const char *from, const char *to, struct errmsg *em)
{
	char target[FS_PATH_MAX];
	ssize_t n = readlink(from, target, sizeof(target) - 1);

	if (n < 0)
		return io_error(em, from);
	target[n] = '\0';
	return symlink(target, to) == 0 ? E_OK : io_error(em, to);
}

static int copy_entry(void *ctx, const char *path, const char *name)
{
	const struct copy *c = ctx;
	char to[FS_PATH_MAX];
	struct buf content = {0};
	struct stat st;
	int rc = fs_join(to, c->to, name, c->em);

	if (rc != E_OK)
		return rc;
	if (lstat(path, &st) != 0)
		return io_error(c->em, path);
	if (S_ISDIR(st.st_mode))
		return fs_copy_tree(path, to, c->em);
	if (S_ISLNK(st.st_mode))
		return copy_link(path, to, c->em);
	rc = pki_file_read(path, false, &content, c->em);
	if (rc == E_OK)
		rc = pki_file_write(to, st.st_mode & 0100 ? 0750 : 0640, buf_bytes(&content),
				    c->em);
	buf_free(&content);
	return rc;
}

int fs_copy_tree(const char *from, const char *to, struct errmsg *em)
{
	struct copy c = {.to = to, .em = em};
	int rc = fs_mkdir(to, 0750, em);

	return rc == E_OK ? fs_each(from, copy_entry, &c, em) : rc;
}

/* --- remove, chown ------------------------------------------------------------------------------- */

static int remove_entry(void *ctx, const char *path, const char *name)
{
	(void)name;
	return fs_remove_tree(path, ctx);
}

int fs_remove_tree(const char *path, struct errmsg *em)
{
	struct stat st;
	int rc = E_OK;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? E_OK : io_error(em, path);
	if (S_ISDIR(st.st_mode))
		rc = fs_each(path, remove_entry, em, em);
	if (rc == E_OK && remove(path) != 0)
		rc = io_error(em, path);
	return rc;
}

struct owner {
	uid_t uid;
	gid_t gid;
	const char *except;
	struct errmsg *em;
};

static int chown_entry(void *ctx, const char *path, const char *name)
{
	const struct owner *o = ctx;

	(void)name;
	return fs_chown_tree(path, o->uid, o->gid, o->except, o->em);
}

int fs_chown_tree(const char *path, uid_t uid, gid_t gid, const char *except, struct errmsg *em)
{
	struct owner o = {.uid = uid, .gid = gid, .except = except, .em = em};
	struct stat st;

	if (except && strcmp(path, except) == 0)
		return E_OK;
	if (lstat(path, &st) != 0 || lchown(path, uid, gid) != 0)
		return io_error(em, path);
	return S_ISDIR(st.st_mode) ? fs_each(path, chown_entry, &o, em) : E_OK;
}

int fs_sync_dir(const char *path, struct errmsg *em)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = E_OK;

	if (fd < 0)
		return io_error(em, path);
	if (fsync(fd) != 0)
		rc = io_error(em, path);
	close(fd);
	return rc;
}
