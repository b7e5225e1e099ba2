/* What identity providers need to push people by SCIM: tokens, and names that are free again. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/model/limits.h"
#include "core/pki/pki_file.h"
#include "scepctl/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* One in use, and the one that is to replace it; as in the server that reads the file. */
enum { TOKENS_MAX = 2, TOKEN_BYTES = 32, TOKEN_SIZE = 2 * TOKEN_BYTES + 1, LINE_SIZE = 256 };

struct token {
	char name[NAME_SIZE], hash[DIGEST_HEX_SIZE];
	int64_t created;
};

struct tokens {
	char path[FS_PATH_MAX], dir[FS_PATH_MAX];
	struct token v[TOKENS_MAX];
	size_t n;
	uid_t uid; /* owner of the instance: the server runs as that user */
	gid_t gid;
};

static int line_read(char *line, struct token *ret)
{
	char created[24], rest;

	if (sscanf(line, "%32s %64s %20s %c", ret->name, ret->hash, created, &rest) != 3 ||
	    strlen(ret->hash) != DIGEST_HEX_SIZE - 1)
		return E_FORMAT;
	return text_int64(created, &ret->created);
}

static int tokens_read(const struct conf *c, struct tokens *t, struct errmsg *em)
{
	char dir[FS_PATH_MAX], *line, *rest = NULL;
	struct buf text = {0};
	struct stat st;
	int rc;

	if (stat(conf_dir(c), &st) != 0)
		return err_set(em, E_IO, "%.200s: %s", conf_dir(c), strerror(errno));
	t->n = 0;
	t->uid = st.st_uid;
	t->gid = st.st_gid;
	if (text_copy(t->path, sizeof(t->path), conf_path(c, "scim", NULL, "tokens")) != E_OK)
		return err_set(em, E_TOOBIG, "scim: tokens: the path is too long");
	memcpy(dir, t->path, sizeof(dir));
	(void)snprintf(t->dir, sizeof(t->dir), "%s", dirname(dir));
	rc = pki_file_read(t->path, true, &text, em);
	if (rc == E_NOTFOUND)
		return E_OK;
	if (rc != E_OK)
		return rc;
	for (line = strtok_r((char *)text.p, "\n", &rest); rc == E_OK && line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		rc = t->n == TOKENS_MAX ? E_FORMAT : line_read(line, &t->v[t->n++]);
	buf_free(&text);
	return rc == E_OK ? E_OK : err_set(em, E_FORMAT, "%.200s is damaged", t->path);
}

static int folder_make(const struct tokens *t, const char *path, struct errmsg *em)
{
	int rc = fs_mkdir(path, 0700, em);

	if (rc == E_EXISTS)
		return E_OK;
	if (rc == E_OK && geteuid() == 0 && chown(path, t->uid, t->gid) != 0)
		rc = err_set(em, E_IO, "%.200s: %s", path, strerror(errno));
	return rc;
}

/* The new file is also what keeps two from changing it at once. */
static int tokens_write(const struct tokens *t, struct errmsg *em)
{
	char part[FS_PATH_MAX + 8];
	struct buf text;
	int rc;

	(void)snprintf(part, sizeof(part), "%s.new", t->path);
	buf_init(&text, PKI_FILE_MAX);
	for (size_t i = 0; i < t->n; i++)
		buf_addf(&text, "%s %s %lld\n", t->v[i].name, t->v[i].hash,
			 (long long)t->v[i].created);
	rc = buf_error(&text) != E_OK ? buf_error(&text)
				      : pki_file_write(part, 0600, buf_bytes(&text), em);
	if (rc == E_OK &&
	    ((geteuid() == 0 && chown(part, t->uid, t->gid) != 0) || rename(part, t->path) != 0)) {
		rc = err_set(em, E_IO, "%.200s: %s", t->path, strerror(errno));
		(void)unlink(part);
	}
	buf_free(&text);
	return rc == E_OK ? fs_sync_dir(t->dir, em) : rc;
}

static struct token *find(struct tokens *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].name, name) == 0)
			return &t->v[i];
	return NULL;
}

static int add_show(const struct conf *c, const struct ctl_common *common, const char *name,
		    const char *token)
{
	const char *url = conf_str(c, "scim", NULL, "url");
	struct json *j;

	if (!common->json) {
		printf("token %s, shown this once: %s\n", name, token);
		printf("tenant or base URL: %s\n",
		       url[0] != '\0' ? url : "https://HOST:PORT/scim/v2 (set scim.url)");
		if (conf_str(c, "scim", NULL, "listen")[0] == '\0')
			printf("scim.listen is empty: no SCIM server is started yet\n");
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "name", name);
	json_set_str(j, "token", token);
	json_set_str(j, "url", url);
	return ctl_print_json(j);
}

static int token_add(const struct conf *c, const struct ctl_common *common, struct tokens *t,
		     const char *name)
{
	char token[TOKEN_SIZE] = "";
	struct errmsg em = {""};
	struct token fresh = {.created = clock_now()};
	int rc = E_OK, code;

	if (!text_is_name(name, NAME_SIZE - 1))
		rc = err_set(&em, E_FORMAT, "'%.40s' is no name: 1 to %d of letters, digits, ._@-",
			     name, NAME_SIZE - 1);
	else if (find(t, name) != NULL)
		rc = err_set(&em, E_EXISTS, "there is a token %s already", name);
	else if (t->n == TOKENS_MAX)
		rc = err_set(
			&em, E_STATE,
			"there are two tokens, %s and %s; remove the one that is no longer used",
			t->v[0].name, t->v[1].name);
	if (rc == E_OK)
		rc = rnd_id(token, sizeof(token), "", TOKEN_BYTES);
	if (rc == E_OK)
		rc = digest_sha256_hex(bytes_str(token), fresh.hash);
	if (rc == E_OK)
		rc = text_copy(fresh.name, sizeof(fresh.name), name);
	if (rc == E_OK)
		rc = folder_make(t, t->dir, &em);
	if (rc == E_OK)
		rc = folder_make(t, conf_path(c, "scim", NULL, "data"), &em);
	if (rc == E_OK) {
		t->v[t->n++] = fresh;
		rc = tokens_write(t, &em);
	}
	code = rc == E_OK ? add_show(c, common, name, token) : ctl_fail(rc, &em);
	text_wipe(token, sizeof(token));
	return code;
}

static int token_remove(const struct ctl_common *common, struct tokens *t, const char *name)
{
	struct token *gone = find(t, name);
	struct errmsg em = {""};
	struct json *j;
	int rc = E_OK;

	if (gone == NULL) {
		rc = err_set(&em, E_NOTFOUND, "there is no token %.40s", name);
	} else {
		*gone = t->v[--t->n];
		rc = tokens_write(t, &em);
	}
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!common->json) {
		printf("token %s is refused from now on\n", name);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "removed", name);
	return ctl_print_json(j);
}

static int token_list(const struct ctl_common *common, const struct tokens *t)
{
	struct json *j = json_object(), *list = json_array();

	for (size_t i = 0; i < t->n; i++) {
		struct json *one = json_object();
		char created[24];

		clock_iso(created, sizeof(created), t->v[i].created);
		if (!common->json)
			printf("%-32s made %s\n", t->v[i].name, created);
		json_set_str(one, "name", t->v[i].name);
		json_set_int(one, "created", t->v[i].created);
		json_push(list, one);
	}
	json_set(j, "tokens", list);
	if (common->json)
		return ctl_print_json(j);
	if (t->n == 0)
		printf("there is no token: scepctl scim token add NAME\n");
	json_free(j);
	return EXIT_DONE;
}

/* One line at the end of the file that the server keeps (auto_revoke/scim/table.h), under its lock. */
static int line_append(const char *path, const char *name, struct errmsg *em)
{
	struct json *j = json_object();
	struct stat st, named;
	struct buf line;
	char last = '\n';
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW), rc;

	buf_init(&line, 4096);
	json_set_str(j, "op", "free");
	json_set_str(j, "name", name);
	rc = json_dump(j, &line);
	buf_addc(&line, '\n');
	if (fd < 0 || flock(fd, LOCK_EX) != 0)
		rc = err_set(em, fd < 0 && errno == ENOENT ? E_NOTFOUND : E_IO, "%.200s: %s", path,
			     strerror(errno));
	else if (fstat(fd, &st) != 0 || stat(path, &named) != 0 || st.st_ino != named.st_ino ||
		 (st.st_size > 0 && (pread(fd, &last, 1, st.st_size - 1) != 1 || last != '\n')))
		rc = err_set(em, E_STATE, "%.200s is being written; try again", path);
	else if (rc == E_OK && (write(fd, line.p, line.n) != (ssize_t)line.n || fsync(fd) != 0))
		rc = err_set(em, E_IO, "%.200s: %s", path, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	buf_free(&line);
	json_free(j);
	return rc;
}

static int name_free(const struct conf *c, const struct ctl_common *common, const char *name)
{
	char path[FS_PATH_MAX];
	struct errmsg em = {""};
	struct json *j;
	int rc = text_is_plain(name, TEXT_SIZE - 1)
			 ? fs_join(path, conf_path(c, "scim", NULL, "data"), "people", &em)
			 : err_set(&em, E_FORMAT, "this is no userName");

	if (rc == E_OK)
		rc = line_append(path, name, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!common->json) {
		printf("%s belongs to whoever has that userName now, unless its owner is still "
		       "there\n",
		       name);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "freed", name);
	return ctl_print_json(j);
}

int cmd_scim(const struct ctl_command *self, int argc, char **argv)
{
	const char *w[3] = {NULL, NULL, NULL};
	struct tokens tokens = {.n = 0};
	struct ctl_common common;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	bool token, adding, removing, listing, freeing;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, w, 3, &n);

	if (code >= 0)
		return code;
	token = n >= 2 && strcmp(w[0], "token") == 0;
	adding = token && n == 3 && strcmp(w[1], "add") == 0;
	removing = token && n == 3 && strcmp(w[1], "remove") == 0;
	listing = token && n == 2 && strcmp(w[1], "list") == 0;
	freeing = n == 2 && strcmp(w[0], "free") == 0;
	if (!adding && !removing && !listing && !freeing)
		return ctl_usage(self, "say token add NAME, token remove NAME, token list or free "
				       "USERNAME");
	rc = conf_load(common.conf_file, &conf, &em);
	if (rc == E_OK && !freeing)
		rc = tokens_read(conf, &tokens, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else if (adding)
		code = token_add(conf, &common, &tokens, w[2]);
	else if (removing)
		code = token_remove(&common, &tokens, w[2]);
	else if (listing)
		code = token_list(&common, &tokens);
	else
		code = name_free(conf, &common, w[1]);
	conf_free(conf);
	return code;
}
