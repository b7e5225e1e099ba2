#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/pki/pki_file.h"
#include "scepctl/escape.h"
#include "scepctl/fs.h"

enum { PASSWORD_BYTES = 16, PASSWORD_SIZE = 2 * PASSWORD_BYTES + 1, ACL_MAX = 16384 };

struct helpdesk {
	struct ctl_common common;
	const char *share_given, *password_out;
	struct conf *conf;
	struct store *store;
};

struct search {
	const char *name;
	bool found;
};

static int look_for(void *ctx, const char *name)
{
	struct search *s = ctx;

	s->found = s->found || strcmp(name, s->name) == 0;
	return 0;
}

static bool is_reserved(const char *name)
{
	static const char *const taken[] = {
		"default", "installer", "front",   "ca",   "portal", "auto_revoke", "radius",
		"gc",      "helpdesk",  "scepctl", "root", "admin",  "disconnect"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (strcmp(name, taken[i]) == 0)
			return true;
	return false;
}

/* The name becomes part of an ACL rule, "%W~events:NAME": nothing in it may be a pattern. */
static int check_name(const char *name, struct errmsg *em)
{
	if (!text_is_name(name, NAME_SIZE - 1) ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(name))
		return err_set(
			em, E_FORMAT,
			"'%.40s' is not a usable name: 1 to %d of a-z, 0-9, '.', '_' and '-'", name,
			NAME_SIZE - 1);
	if (is_reserved(name))
		return err_set(em, E_DENIED, "'%s' is reserved; take the person's own name", name);
	return E_OK;
}

static int acl_rules(const struct helpdesk *h, const char *name, const char *password,
		     struct buf *out, struct errmsg *em)
{
	char share[FS_PATH_MAX], path[FS_PATH_MAX], hash[HASH_SIZE];
	const char *vars[] = {"HASH", hash, "NAME", name, NULL};
	struct buf templ = {0};
	int rc = ctl_share(h->share_given, share, em);

	if (rc == E_OK)
		rc = fs_join(path, share, "redis/helpdesk.acl.in", em);
	if (rc == E_OK)
		rc = pki_file_read(path, false, &templ, em);
	if (rc == E_OK)
		rc = digest_sha256_hex(bytes_str(password), hash);
	if (rc == E_OK)
		rc = escape_fill(out, buf_str(&templ), vars, em);
	buf_free(&templ);
	return rc;
}

static int write_password(const char *path, const char *password, struct errmsg *em)
{
	char line[PASSWORD_SIZE + 1];
	int n = snprintf(line, sizeof(line), "%s\n", password);
	int rc = pki_file_write(path, 0600, bytes_of(line, (size_t)n), em);

	text_wipe(line, sizeof(line));
	return rc;
}

static void print_added(const struct helpdesk *h, const char *name, const char *password)
{
	const char *socket = conf_path(h->conf, "redis", NULL, "socket");
	char quoted[ESCAPE_SHELL_SIZE], where[2 * ESCAPE_SHELL_SIZE];
	size_t n;

	if (socket && *socket)
		snprintf(where, sizeof(where), "-s %s", escape_shell(quoted, socket));
	else
		snprintf(where, sizeof(where), "-h %s -p %ld",
			 conf_str(h->conf, "redis", NULL, "host"),
			 conf_int(h->conf, "redis", NULL, "port"));
	n = strlen(where);
	if (!(socket && *socket) && conf_bool(h->conf, "redis", NULL, "tls"))
		snprintf(where + n, sizeof(where) - n, " --tls --cacert %s",
			 escape_shell(quoted, conf_path(h->conf, "redis", NULL, "ca-file")));
	if (h->password_out)
		printf("password of %s is in %s\n", name, h->password_out);
	else
		printf("password of %s, shown this once: %s\n", name, password);
	printf("\nredis-cli %s --user %s --askpass\n"
	       "  FCALL revoke_cert 0 SERIAL REASON      FCALL revoke_user 0 LOGIN REASON\n"
	       "  FCALL suspend_user 0 LOGIN REASON      FCALL restore_user 0 LOGIN\n"
	       "  FCALL_RO why 0 LOGIN-OR-SERIAL\n",
	       where, name);
}

static int report_added(const struct helpdesk *h, const char *name, const char *password)
{
	struct json *j;

	if (!h->common.json) {
		print_added(h, name, password);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "name", name);
	if (h->password_out)
		json_set_str(j, "password_file", h->password_out);
	else
		json_set_str(j, "password", password);
	return ctl_print_json(j);
}

static int add(struct helpdesk *h, const char *name)
{
	struct search search = {.name = name};
	char password[PASSWORD_SIZE] = "";
	struct errmsg em = {""};
	struct buf rules = {0};
	bool written = false;
	int rc, code;

	buf_init(&rules, ACL_MAX);
	rc = store_acl_users(h->store, look_for, &search, &em);
	/* Adding again would silently replace the password of somebody at work. */
	if (rc == E_OK && search.found)
		rc = err_set(&em, E_EXISTS,
			     "%s is there already; for a new password: helpdesk del %s, then add",
			     name, name);
	if (rc == E_OK)
		rc = rnd_id(password, sizeof(password), "", PASSWORD_BYTES);
	if (rc == E_OK)
		rc = acl_rules(h, name, password, &rules, &em);
	/* First what can fail for a reason of the caller's: a password that nobody got would be lost. */
	if (rc == E_OK && h->password_out) {
		rc = write_password(h->password_out, password, &em);
		written = rc == E_OK;
	}
	/* Actor first: one without a Redis user is harmless, and adding again mends it. */
	if (rc == E_OK)
		rc = store_actor_put(h->store, name, "helpdesk", &em);
	if (rc == E_OK)
		rc = store_acl_user(h->store, name, buf_str(&rules), &em);
	if (rc != E_OK && written)
		remove(h->password_out);
	code = rc == E_OK ? report_added(h, name, password) : ctl_fail(rc, &em);
	text_wipe(password, sizeof(password));
	buf_free(&rules);
	return code;
}

static int del(struct helpdesk *h, const char *name)
{
	struct errmsg em = {""};
	struct json *j;
	int rc = store_acl_del(h->store, name, &em);

	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!h->common.json) {
		printf("%s can no longer log in to Redis; what %s did stays recorded\n", name,
		       name);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "removed", name);
	return ctl_print_json(j);
}

struct listing {
	struct json *names;
	bool json;
};

static int list_one(void *ctx, const char *name)
{
	struct listing *l = ctx;

	if (is_reserved(name))
		return 0;
	if (l->json)
		json_push_str(l->names, name);
	else
		printf("%s\n", name);
	return 0;
}

static int list(struct helpdesk *h)
{
	struct listing l = {.names = json_array(), .json = h->common.json};
	struct json *j = json_object();
	struct errmsg em = {""};
	int rc = store_acl_users(h->store, list_one, &l, &em);

	json_set(j, "helpdesk", l.names);
	if (rc == E_OK && h->common.json)
		return ctl_print_json(j);
	json_free(j);
	return rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
}

int cmd_helpdesk(const struct ctl_command *self, int argc, char **argv)
{
	struct helpdesk h = {.store = NULL};
	const struct opts_spec specs[] = {
		{"--share", NULL, OPT_TEXT, &h.share_given, 0, 0},
		{"--password-file", NULL, OPT_TEXT, &h.password_out, 0, 0},
		{0}};
	const char *words[2] = {NULL, NULL};
	struct errmsg em = {""};
	bool adding, deleting;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &h.common, words, 2, &n);

	if (code >= 0)
		return code;
	adding = n == 2 && strcmp(words[0], "add") == 0;
	deleting = n == 2 && strcmp(words[0], "del") == 0;
	if (!adding && !deleting && !(n == 1 && strcmp(words[0], "list") == 0))
		return ctl_usage(self, "say add NAME, del NAME or list");
	rc = adding || deleting ? check_name(words[1], &em) : E_OK;
	if (rc == E_FORMAT)
		return ctl_usage(self, "%s", em.text);
	if (rc == E_OK)
		rc = ctl_open(&h.common, "installer", &h.conf, &h.store, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else
		code = adding ? add(&h, words[1]) : deleting ? del(&h, words[1]) : list(&h);
	store_close(h.store);
	conf_free(h.conf);
	return code;
}
