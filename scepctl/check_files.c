#include "scepctl/check.h"

#include "core/base/digest.h"
#include "core/base/text.h"
#include "core/pki/pki_file.h"
#include "scepctl/checkpoint_key.h"
#include "scepctl/escape.h"
#include "scepctl/fs.h"
#include "scepctl/instance.h"

#include <errno.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32, PASSWORD_MIN = 32 };

enum entry_kind { FOLDER, SECRET, PRIVATE, PUBLIC };

/* SECRET: nobody else may even read it; PRIVATE: others nothing, the group may read; PUBLIC: nobody
 * else may write (Redis writes users.acl with its own umask; it holds hashes of random passwords). Keys and certificates that scepauth.conf names are judged in check_pki. */
static const struct {
	const char *name;
	enum entry_kind kind;
} entries[] = {
	{"ca/root", FOLDER},
	{"tls", FOLDER},
	{"radius", FOLDER},
	{"raddb", FOLDER},
	{"redis", FOLDER},
	{"redis/data", FOLDER},
	{"secrets", FOLDER},
	{"portal", FOLDER},
	{"leavers", FOLDER},
	{"run", FOLDER},
	{"log", FOLDER},
	{"journal", FOLDER},
	{"scepauth.conf", PRIVATE},
	{"redis/redis.conf", PRIVATE},
	{"redis/users.acl", PUBLIC},
	{"raddb/instance.conf", PRIVATE},
	{"portal/accounts", SECRET},
	{"leavers/directory.csv", PRIVATE},
	{"ca/root/root.pem", PUBLIC},
	{"radius/server.pem", PUBLIC},
	{"radius/client-ca.pem", PUBLIC},
};

static const char *const instance_variables[] = {
	"dir",          "module_dir", "listen",     "auth_port",  "acct_port",      "client_secret",
	"redis_socket", "redis_host", "redis_port", "redis_user", "redis_password", "server_cert",
	"server_key",   "client_ca",  NULL,
};

static void check_owner(struct check *c, const char *name, const char *path, const struct stat *st)
{
	struct stat top;
	char mend[2 * ESCAPE_SHELL_SIZE + 32], from[ESCAPE_SHELL_SIZE], to[ESCAPE_SHELL_SIZE];

	if (st->st_uid == 0 || st->st_uid == geteuid() ||
	    (lstat(c->dir, &top) == 0 && st->st_uid == top.st_uid))
		return;
	snprintf(mend, sizeof(mend), "chown -h --reference=%s %s", escape_shell(from, c->dir),
		 escape_shell(to, path));
	check_add(c, false, name, mend,
		  "belongs to a user (%u) who is neither root nor the owner of the instance",
		  (unsigned)st->st_uid);
}

/* scep_ca, started as root, writes it as another user. */
static void check_journal_owner(struct check *c, const char *name, const char *path,
				const struct stat *st)
{
	const char *user = c->conf ? conf_str(c->conf, "", NULL, "run-as-ca") : "";
	const struct passwd *pw = *user ? getpwnam(user) : NULL;
	char mend[2 * ESCAPE_SHELL_SIZE + 32], to[ESCAPE_SHELL_SIZE], quoted[ESCAPE_SHELL_SIZE];

	if (!pw)
		return check_owner(c, name, path, st);
	if (pw->pw_uid == st->st_uid)
		return;
	snprintf(mend, sizeof(mend), "chown -R %s %s", escape_shell(to, user),
		 escape_shell(quoted, path));
	check_add(c, false, name, mend, "must belong to %s (run-as-ca), who writes it", user);
}

/* Returns true when it is there and of the right kind. */
static bool check_entry(struct check *c, const char *name, enum entry_kind kind)
{
	static const mode_t refused[] = {
		[FOLDER] = 022, [SECRET] = 077, [PRIVATE] = 027, [PUBLIC] = 022};
	static const char *const modes[] = {
		[FOLDER] = "0700", [SECRET] = "0600", [PRIVATE] = "0640", [PUBLIC] = "0644"};
	char path[FS_PATH_MAX], quoted[ESCAPE_SHELL_SIZE], mend[ESCAPE_SHELL_SIZE + 32];
	struct stat st;

	if (fs_join(path, c->dir, name, NULL) != E_OK)
		return false;
	if (stat(path, &st) != 0) {
		check_add(c, false, name,
			  kind == FOLDER ? "make the folder again (mkdir -m 700)"
					 : "put it back from a backup",
			  "%s", errno == ENOENT ? "is missing" : strerror(errno));
		return false;
	}
	if (kind == FOLDER ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
		check_add(c, false, name, "put it back from a backup", "is not a %s",
			  kind == FOLDER ? "folder" : "regular file");
		return false;
	}
	if (strcmp(name, "journal") == 0)
		check_journal_owner(c, name, path, &st);
	else
		check_owner(c, name, path, &st);
	if (st.st_mode & refused[kind]) {
		snprintf(mend, sizeof(mend), "chmod %s %s", modes[kind],
			 escape_shell(quoted, path));
		check_add(c, false, name, mend, "mode %04o gives others too much",
			  (unsigned)(st.st_mode & 07777));
	}
	return true;
}

static void check_top(struct check *c)
{
	char quoted[ESCAPE_SHELL_SIZE], mend[ESCAPE_SHELL_SIZE + 32];
	/* Roles with users of their own go through it to journal and sockets. */
	bool shared = c->conf && (*conf_str(c->conf, "", NULL, "run-as-ca") ||
				  *conf_str(c->conf, "", NULL, "run-as-ra"));
	struct stat st;

	if (stat(c->dir, &st) != 0 || !(st.st_mode & (shared ? 066 : 077)))
		return;
	snprintf(mend, sizeof(mend), "chmod %s %s", shared ? "711" : "700",
		 escape_shell(quoted, c->dir));
	check_add(c, false, ".", mend, "mode %04o lets others into the instance",
		  (unsigned)(st.st_mode & 07777));
}

static void check_key_file(struct check *c, const char *path)
{
	uint8_t *key = NULL;
	struct errmsg em;
	size_t n = 0;
	int rc = conf_secret(path, 4096, &key, &n, &em);

	if (rc != E_OK)
		check_add(c, false, check_name(c, path), "put it back from a backup, mode 0600",
			  "%s", em.text);
	else if (n != KEY_BYTES)
		check_add(c, false, check_name(c, path), "put it back from a backup, mode 0600",
			  "has %zu bytes instead of %d", n, KEY_BYTES);
	if (key)
		text_wipe(key, n);
	free(key);
}

static void check_checkpoint_key(struct check *c)
{
	struct note_key key;
	struct errmsg em;

	if (conf_int(c->conf, "scep", NULL, "checkpoint-every") == 0)
		check_add(c, true, "scepauth.conf", "leave out scep.checkpoint-every, or set 3600",
			  "the journal gets no checkpoints: who can write it can rewrite it");
	else if (checkpoint_key_load(c->conf, &key, &em) != E_OK)
		check_add(c, false,
			  check_name(c, conf_path(c->conf, "scep", NULL, "checkpoint-key")),
			  "put it back from a backup, mode 0600; or make one: scepctl journal key "
			  "--make",
			  "%s", em.text);
}

static void check_keys(struct check *c)
{
	static const char *const keys[][2] = {{"scep", "ticket-mac-key"},
					      {"scep", "seal-key"},
					      {"portal", "ticket-mac-key"},
					      {"portal", "session-key"},
					      {"portal", "challenge-key"}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		check_key_file(c, conf_path(c->conf, keys[i][0], NULL, keys[i][1]));
	check_checkpoint_key(c);
	if (strcmp(conf_path(c->conf, "scep", NULL, "ticket-mac-key"),
		   conf_path(c->conf, "portal", NULL, "ticket-mac-key")) != 0)
		check_add(c, true, "scepauth.conf",
			  "let both name the same file, unless two copies are meant",
			  "scep.ticket-mac-key and portal.ticket-mac-key differ");
}

/* --- Redis users ---------------------------------------------------------------------------------- */

/* The line "user NAME ..." in the ACL file, or NULL. */
static const char *acl_line(const char *acl, const char *user)
{
	char begin[64];
	size_t n = (size_t)snprintf(begin, sizeof(begin), "user %s ", user);

	for (const char *p = acl; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		if (strncmp(p, begin, n) == 0)
			return p;
	return NULL;
}

static bool on_line(const char *line, const char *text)
{
	const char *found = strstr(line, text);

	return found && found < line + strcspn(line, "\n");
}

static void check_user(struct check *c, const char *acl, const char *user)
{
	char path[FS_PATH_MAX], name[64], password[512], word[HASH_SIZE + 2] = "#";
	const char *line = acl_line(acl, user);
	struct errmsg em;
	int rc;

	if (!line)
		check_add(c, false, "redis/users.acl",
			  "put its line back from redis/users.acl.in, or the file from a backup",
			  "the user %s is missing", user);
	snprintf(name, sizeof(name), "secrets/redis-%s", user);
	rc = c->conf ? snprintf(path, sizeof(path), "%s/redis-%s",
				conf_path(c->conf, "redis", NULL, "secrets"), user) < FS_PATH_MAX
			       ? E_OK
			       : E_TOOBIG
		     : fs_join(path, c->dir, name, NULL);
	if (rc == E_OK)
		rc = conf_secret_line(path, password, sizeof(password), &em);
	if (rc != E_OK) {
		check_add(c, false, check_name(c, path), "put it back from a backup, mode 0600",
			  "%s", em.text);
		return;
	}
	if (strlen(password) < PASSWORD_MIN)
		check_add(c, false, check_name(c, path),
			  "choose a random one and set it with ACL SETUSER too",
			  "a password of %zu characters is too short", strlen(password));
	if (line && digest_sha256_hex(bytes_str(password), word + 1) == E_OK &&
	    !on_line(line, word))
		check_add(c, false, "redis/users.acl",
			  "set the password in secrets/ again with ACL SETUSER",
			  "the password of %s is not the one in %s", user, check_name(c, path));
	text_wipe(password, sizeof(password));
}

static void check_redis(struct check *c)
{
	char path[FS_PATH_MAX];
	struct buf acl = {0};
	const char *line;
	struct errmsg em;

	if (fs_join(path, c->dir, "redis/users.acl", NULL) != E_OK ||
	    pki_file_read(path, false, &acl, &em) != E_OK)
		return; /* told by check_entry */
	line = acl_line(buf_str(&acl), "default");
	if (!line || !on_line(line, " off"))
		check_add(c, false, "redis/users.acl", "begin the file with: user default off",
			  "the default user is not off: Redis would let everybody in");
	for (size_t i = 0; instance_redis_users[i]; i++)
		check_user(c, buf_str(&acl), instance_redis_users[i]);
	buf_free(&acl);
}

static void check_redis_conf(struct check *c)
{
	char path[FS_PATH_MAX], want[FS_PATH_MAX + 64];
	struct buf text = {0};
	struct errmsg em;

	if (fs_join(path, c->dir, "redis/redis.conf", NULL) != E_OK ||
	    pki_file_read(path, false, &text, &em) != E_OK)
		return;
	snprintf(want, sizeof(want), "\naclfile \"%s/redis/users.acl\"", c->final);
	if (!strstr(buf_str(&text), want))
		check_add(c, false, "redis/redis.conf",
			  "name this instance's redis/users.acl as aclfile", "has no line %.300s",
			  want + 1);
	if (!strstr(buf_str(&text), "\nappendfsync always"))
		check_add(c, true, "redis/redis.conf", "set: appendfsync always",
			  "a revocation could be lost in a crash: appendfsync is not always");
	if (!strstr(buf_str(&text), "\nmaxmemory-policy noeviction"))
		check_add(c, false, "redis/redis.conf", "set: maxmemory-policy noeviction",
			  "Redis may forget revocations");
	buf_free(&text);
}

/* --- raddb ---------------------------------------------------------------------------------------- */

struct compare {
	struct check *c;
	const char *name; /* within the instance */
};

static int compare_entry(void *ctx, const char *path, const char *entry)
{
	const struct compare *cmp = ctx;
	char name[FS_PATH_MAX], here[FS_PATH_MAX];
	struct stat st;
	int rc = fs_join(name, cmp->name, entry, NULL);

	if (rc == E_OK)
		rc = fs_join(here, cmp->c->dir, name, NULL);
	if (rc != E_OK)
		return rc;
	if (lstat(here, &st) != 0) {
		check_add(cmp->c, false, name, "copy it from the raddb that comes with scepauth",
			  "is missing");
		return E_OK;
	}
	if (S_ISLNK(st.st_mode) && stat(here, &st) != 0)
		check_add(cmp->c, false, name, "put back what the link points to",
			  "points to nothing");
	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		struct compare below = {.c = cmp->c, .name = name};

		return fs_each(path, compare_entry, &below, NULL);
	}
	return E_OK;
}

static void check_raddb(struct check *c)
{
	char path[FS_PATH_MAX], want[100];
	struct compare cmp = {.c = c, .name = "raddb"};
	struct buf text = {0};
	struct errmsg em;

	if (c->share && fs_join(path, c->share, "raddb", NULL) == E_OK &&
	    fs_each(path, compare_entry, &cmp, &em) != E_OK)
		check_add(c, true, "raddb", "make the templates readable", "cannot be compared: %s",
			  em.text);
	if (fs_join(path, c->dir, "raddb/instance.conf", NULL) != E_OK ||
	    pki_file_read(path, false, &text, &em) != E_OK)
		return;
	for (size_t i = 0; instance_variables[i]; i++) {
		const char *at;

		snprintf(want, sizeof(want), "scepauth_%s", instance_variables[i]);
		at = strstr(buf_str(&text), want);
		if (!at || (at != buf_str(&text) && at[-1] != '\n') ||
		    !strchr(" =", at[strlen(want)]))
			check_add(c, false, "raddb/instance.conf", "put the line back",
				  "%s is not set", want);
	}
	buf_free(&text);
}

/* That RADIUS and its Redis user still know the same password. */
static void check_radius_password(struct check *c)
{
	char path[FS_PATH_MAX], password[512], want[600];
	struct buf text = {0};
	struct errmsg em;

	if (!c->conf || fs_join(path, c->dir, "raddb/instance.conf", NULL) != E_OK ||
	    pki_file_read(path, false, &text, &em) != E_OK)
		return;
	if (snprintf(path, sizeof(path), "%s/redis-radius",
		     conf_path(c->conf, "redis", NULL, "secrets")) < FS_PATH_MAX &&
	    conf_secret_line(path, password, sizeof(password), &em) == E_OK) {
		snprintf(want, sizeof(want), "scepauth_redis_password = \"%s\"", password);
		if (!strstr(buf_str(&text), want))
			check_add(c, false, "raddb/instance.conf",
				  "set scepauth_redis_password to what secrets/redis-radius holds",
				  "scepauth_redis_password is not the password of the Redis user "
				  "radius");
		text_wipe(password, sizeof(password));
		text_wipe(want, sizeof(want));
	}
	buf_free(&text);
}

/* Only where a SCIM server is configured; its certificate is judged in check_pki. */
static void check_scim(struct check *c)
{
	const char *tokens = conf_path(c->conf, "scim", NULL, "tokens"),
		   *data = conf_path(c->conf, "scim", NULL, "data"),
		   *format = conf_str(c->conf, "leavers", NULL, "format");
	static const char mend[] = "make a token: scepctl scim token add NAME";
	struct stat st;

	if (*conf_str(c->conf, "scim", NULL, "listen") == '\0') {
		if (strcmp(format, "scim") == 0)
			check_add(c, false, "scepauth.conf",
				  "set scim.listen, or another leavers.format",
				  "leavers.format is scim, but no SCIM server is configured");
		return;
	}
	if (strcmp(format, "scim") != 0)
		check_add(c, true, "scepauth.conf", "set leavers.format to \"scim\"",
			  "a SCIM server is configured, but nobody acts on what is pushed to it");
	if (stat(tokens, &st) != 0)
		check_add(c, false, check_name(c, tokens), mend, "%s", strerror(errno));
	else if ((st.st_mode & 077) != 0)
		check_add(c, false, check_name(c, tokens), "chmod 600 it",
			  "mode %04o gives others too much", (unsigned)(st.st_mode & 07777));
	if (stat(data, &st) != 0 || !S_ISDIR(st.st_mode))
		check_add(c, false, check_name(c, data), mend, "there is no such folder");
}

void check_files(struct check *c)
{
	check_top(c);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		check_entry(c, entries[i].name, entries[i].kind);
	if (c->conf) {
		check_keys(c);
		check_scim(c);
	}
	check_redis(c);
	check_redis_conf(c);
	check_raddb(c);
	check_radius_password(c);
}
