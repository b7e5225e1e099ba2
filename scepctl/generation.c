#include "scepctl/generation.h"

#include "core/base/clock.h"
#include "core/base/conf.h"
#include "core/base/text.h"
#include "core/pki/pki_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STAMP_SIZE = 32 };

static const char stage_name[] = ".staging";

static int io(struct errmsg *em, const char *path)
{
	return err_set(em, errno == EEXIST ? E_EXISTS : E_IO, "%s: %s", path, strerror(errno));
}

const char *generation_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int generation_of(const char *const *paths, size_t n, struct generation *ret, struct errmsg *em)
{
	struct generation g = {.n = 0};

	for (size_t i = 0; i < n; i++) {
		const char *name = generation_name(paths[i]);
		size_t len = (size_t)(name - paths[i]);

		if (!*paths[i] || conf_is_token(paths[i]))
			continue;
		if (len < 2 || len > sizeof(g.base))
			return err_set(em, E_CONFIG, "%s: is no full path", paths[i]);
		if (!g.n) {
			memcpy(g.base, paths[i], len - 1);
		} else if (strncmp(g.base, paths[i], len - 1) != 0 || g.base[len - 1]) {
			return err_set(em, E_CONFIG,
				       "%s: keys and certificates that change together must lie in "
				       "one folder, here %s",
				       paths[i], g.base);
		}
		if (g.n == GENERATION_FILES_MAX ||
		    text_copy(g.names[g.n++], sizeof(g.names[0]), name) != E_OK)
			return err_set(em, E_TOOBIG, "%s: name is too long", paths[i]);
	}
	*ret = g;
	return g.n ? E_OK : err_set(em, E_CONFIG, "there are no files to change");
}

/* --- copies --------------------------------------------------------------------------------------- */

int generation_copy_file(const char *from, const char *to, struct errmsg *em)
{
	struct buf content = {0};
	struct stat st;
	int rc;

	if (stat(from, &st) != 0)
		return io(em, from);
	rc = pki_file_read(from, false, &content, em);
	if (rc == E_OK)
		rc = pki_file_write(to, st.st_mode & 0777, buf_bytes(&content), em);
	buf_free(&content);
	return rc;
}

struct copy {
	const char *to;
	struct errmsg *em;
};

static int copy_entry(void *ctx, const char *path, const char *name)
{
	const struct copy *c = ctx;
	char to[FS_PATH_MAX];
	struct stat st;
	int rc = fs_join(to, c->to, name, c->em);

	if (rc != E_OK)
		return rc;
	if (lstat(path, &st) != 0)
		return io(c->em, path);
	return S_ISDIR(st.st_mode) ? generation_copy(path, to, c->em)
				   : generation_copy_file(path, to, c->em);
}

int generation_copy(const char *from, const char *to, struct errmsg *em)
{
	struct copy c = {.to = to, .em = em};
	int rc;

	if (!fs_exists(from))
		return E_OK;
	rc = fs_exists(to) ? E_OK : fs_mkdir(to, 0700, em);
	return rc == E_OK ? fs_each(from, copy_entry, &c, em) : rc;
}

/* --- links ---------------------------------------------------------------------------------------- */

/* dir/name becomes a link to target by a rename, whatever it was. */
static int point(const char *dir, const char *name, const char *target, struct errmsg *em)
{
	char path[FS_PATH_MAX], part[FS_PATH_MAX];
	int rc = fs_join(path, dir, name, em);

	if (rc == E_OK)
		rc = fs_join(part, dir, ".link", em);
	if (rc != E_OK)
		return rc;
	(void)unlink(part);
	if (symlink(target, part) != 0 || rename(part, path) != 0)
		return io(em, path);
	return fs_sync_dir(dir, em);
}

int generation_give(const char *path, const char *base, struct errmsg *em)
{
	struct stat st;

	if (stat(base, &st) != 0)
		return io(em, base);
	return geteuid() == 0 ? fs_chown_tree(path, st.st_uid, st.st_gid, NULL, em) : E_OK;
}

/* The folder is put to use under a fresh name. */
static int put_to_use(const struct generation *g, const char *stage, struct errmsg *em)
{
	char stamp[STAMP_SIZE], path[FS_PATH_MAX];
	time_t now = (time_t)clock_now();
	struct tm tm;
	size_t n;
	int rc = generation_give(stage, g->base, em);

	gmtime_r(&now, &tm);
	n = strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 2; rc == E_OK; i++) {
		rc = fs_join(path, g->base, stamp, em);
		if (rc != E_OK || !fs_exists(path))
			break;
		snprintf(stamp + n, sizeof(stamp) - n, "-%d", i);
	}
	if (rc == E_OK)
		rc = fs_sync_dir(stage, em);
	if (rc == E_OK && rename(stage, path) != 0)
		rc = io(em, path);
	return rc == E_OK ? point(g->base, "now", stamp, em) : rc;
}

/* All that the configuration names, as it is read now; and what only the generation knows. */
static int copy_current(const struct generation *g, struct errmsg *em)
{
	static const char *const more[] = {"previous", "retired"};
	char from[FS_PATH_MAX], to[FS_PATH_MAX], part[64];
	int rc = fs_mkdir(g->stage, 0700, em);

	for (size_t i = 0; rc == E_OK && i < g->n; i++) {
		rc = fs_join(from, g->base, g->names[i], em);
		if (rc == E_OK)
			rc = fs_join(to, g->stage, g->names[i], em);
		if (rc == E_OK && access(from, F_OK) == 0) /* not before the first certificate */
			rc = generation_copy_file(from, to, em);
	}
	for (size_t i = 0; rc == E_OK && i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(part, sizeof(part), "now/%s", more[i]);
		rc = fs_join(from, g->base, part, em);
		if (rc == E_OK)
			rc = fs_join(to, g->stage, more[i], em);
		if (rc == E_OK)
			rc = generation_copy(from, to, em);
	}
	return rc;
}

/* Is base/name the link that we make? */
static bool is_link(const struct generation *g, const char *name)
{
	char path[FS_PATH_MAX], target[FS_PATH_MAX];
	ssize_t n = fs_join(path, g->base, name, NULL) == E_OK
			    ? readlink(path, target, sizeof(target) - 1)
			    : -1;

	target[n > 0 ? n : 0] = '\0';
	return strncmp(target, "now/", 4) == 0 && strcmp(target + 4, name) == 0;
}

/* Links in place of plain files: each shows what it showed before, so nobody sees a change. */
static int adopt(struct generation *g, struct errmsg *em)
{
	char target[80];
	bool done = true;
	int rc;

	for (size_t i = 0; i < g->n; i++)
		done = done && is_link(g, g->names[i]);
	if (done)
		return E_OK;
	rc = copy_current(g, em);
	if (rc == E_OK)
		rc = put_to_use(g, g->stage, em);
	for (size_t i = 0; rc == E_OK && i < g->n; i++) {
		snprintf(target, sizeof(target), "now/%s", g->names[i]);
		rc = point(g->base, g->names[i], target, em);
	}
	return rc;
}

int generation_begin(struct generation *g, struct errmsg *em)
{
	char stage[FS_PATH_MAX];
	int rc = fs_join(stage, g->base, stage_name, em);

	if (rc != E_OK)
		return rc;
	if (fs_exists(stage))
		return err_set(em, E_EXISTS,
			       "%s is there: another command is at work, or was killed; then "
			       "remove that folder",
			       stage);
	memcpy(g->stage, stage, sizeof(stage));
	rc = adopt(g, em);
	if (rc == E_OK)
		rc = copy_current(g, em);
	if (rc != E_OK)
		generation_drop(g);
	return rc;
}

int generation_switch(struct generation *g, struct errmsg *em)
{
	int rc = put_to_use(g, g->stage, em);

	if (rc == E_OK)
		g->stage[0] = '\0';
	return rc;
}

void generation_drop(struct generation *g)
{
	struct errmsg em;

	if (*g->stage && fs_remove_tree(g->stage, &em) != E_OK)
		fprintf(stderr, "scepctl: %s\n", em.text);
	g->stage[0] = '\0';
}

int generation_replace(const char *dir, const char *name, mode_t mode, struct bytes content,
		       struct errmsg *em)
{
	char path[FS_PATH_MAX], part[FS_PATH_MAX];
	struct stat st;
	int rc = fs_join(path, dir, name, em);

	if (rc == E_OK)
		rc = fs_join(part, dir, ".part", em);
	if (rc != E_OK)
		return rc;
	(void)unlink(part);
	rc = pki_file_write(part, mode, content, em);
	if (rc == E_OK && geteuid() == 0 && stat(dir, &st) == 0 &&
	    chown(part, st.st_uid, st.st_gid) != 0)
		rc = io(em, part);
	if (rc == E_OK && rename(part, path) != 0)
		rc = io(em, path);
	return rc == E_OK ? fs_sync_dir(dir, em) : rc;
}
