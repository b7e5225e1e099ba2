#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/text.h"
#include "core/model/user.h"
#include "core/pki/passhash.h"
#include "scepctl/accounts.h"

enum { PASSWORD_MIN = 8, GROUPS_TEXT = 640 };

struct user_args {
	struct ctl_common common;
	struct opts_list groups;
	const char *name, *email, *password_file;
	bool password_stdin;
	char login[LOGIN_SIZE];
	struct conf *conf;
	struct accounts *accounts;
};

static int get_hash(const struct user_args *u, char dst[PASSHASH_SIZE], struct errmsg *em)
{
	char password[CTL_SECRET_SIZE] = "";
	int rc;

	if (u->password_file)
		rc = conf_secret_line(u->password_file, password, sizeof(password), em);
	else if (u->password_stdin)
		rc = ctl_read_stdin(password, em);
	else
		rc = ctl_ask_secret("New password: ", true, password, em);
	if (rc == E_STATE)
		err_set(em, rc,
			"there is no terminal to ask on: use --password-file or --password-stdin");
	if (rc == E_OK && strlen(password) < PASSWORD_MIN)
		rc = err_set(em, E_FORMAT, "a password needs %d characters or more", PASSWORD_MIN);
	if (rc == E_OK)
		rc = passhash_new(password, dst) == E_OK
			     ? E_OK
			     : err_set(em, E_CRYPTO, "the password could not be hashed");
	text_wipe(password, sizeof(password));
	return rc;
}

/* Groups have a section of their own, or open the help desk's console. */
static bool is_group(const struct conf *conf, const char *name)
{
	const char *const *known[2];
	const size_t n[2] = {conf_titles(conf, "group", &known[0]),
			     conf_list(conf, "console", NULL, "groups", &known[1])};

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < n[i]; k++)
			if (strcmp(known[i][k], name) == 0)
				return true;
	return false;
}

/* A slip of the pen in a group's name would be found only when the person cannot get in. */
static int check_groups(const struct conf *conf, const struct user *u, struct errmsg *em)
{
	for (size_t i = 0; i < u->n_groups; i++) {
		if (!is_group(conf, u->groups[i]))
			return err_set(em, E_FORMAT,
				       "there is no group \"%s\" in the configuration",
				       u->groups[i]);
	}
	return E_OK;
}

static int groups_text(const struct user_args *u, char dst[GROUPS_TEXT], struct errmsg *em)
{
	struct user probe = {.n_groups = 0};
	struct buf all = {0};
	int rc = E_OK;

	buf_init(&all, GROUPS_TEXT);
	for (size_t i = 0; i < u->groups.n; i++) {
		buf_adds(&all, i ? "," : "");
		buf_adds(&all, u->groups.v[i]);
	}
	if (all.n == 0 || buf_error(&all) != E_OK ||
	    user_groups_parse(&probe, buf_str(&all)) != E_OK || probe.n_groups == 0)
		rc = err_set(
			em, E_FORMAT,
			"--groups: at least one group is needed, and up to %d, separated by ','",
			USER_GROUPS_MAX);
	if (rc == E_OK)
		rc = check_groups(u->conf, &probe, em);
	if (rc == E_OK)
		rc = user_groups_text(&probe, dst, GROUPS_TEXT);
	buf_free(&all);
	return rc;
}

static int add(struct user_args *u, struct errmsg *em)
{
	char groups[GROUPS_TEXT], hash[PASSHASH_SIZE] = "";
	struct account found, account = {.login = u->login,
					 .hash = hash,
					 .groups = groups,
					 .name = u->name ? u->name : "",
					 .email = u->email ? u->email : ""};
	int rc = groups_text(u, groups, em);

	if (rc == E_OK && accounts_find(u->accounts, u->login, &found) == E_OK)
		rc = err_set(em, E_EXISTS,
			     "%s has an account already; user passwd changes the password",
			     u->login);
	if (rc == E_OK)
		rc = get_hash(u, hash, em);
	if (rc == E_OK)
		rc = accounts_add(u->accounts, &account, em);
	text_wipe(hash, sizeof(hash));
	return rc == E_OK ? accounts_save(u->accounts, em) : rc;
}

static int passwd(struct user_args *u, struct errmsg *em)
{
	char hash[PASSHASH_SIZE] = "";
	struct account found;
	int rc = accounts_find(u->accounts, u->login, &found);

	if (rc != E_OK)
		return err_set(em, rc, "%s has no account", u->login);
	rc = get_hash(u, hash, em);
	if (rc == E_OK)
		rc = accounts_set_hash(u->accounts, u->login, hash, em);
	text_wipe(hash, sizeof(hash));
	return rc == E_OK ? accounts_save(u->accounts, em) : rc;
}

static int del(struct user_args *u, struct errmsg *em)
{
	int rc = accounts_del(u->accounts, u->login, em);

	return rc == E_OK ? accounts_save(u->accounts, em) : rc;
}

static int list(const struct user_args *u)
{
	struct json *users = json_array(), *j = json_object();

	for (size_t i = 0; i < accounts_count(u->accounts); i++) {
		struct json *one = json_object();
		struct account a;

		accounts_get(u->accounts, i, &a);
		if (!u->common.json)
			printf("%-24s %-24s %s%s%s\n", a.login, a.groups, a.name,
			       *a.email ? " " : "", a.email);
		json_set_str(one, "login", a.login);
		json_set_str(one, "groups", a.groups);
		json_set_str(one, "name", a.name);
		json_set_str(one, "email", a.email);
		json_push(users, one);
	}
	json_set(j, "users", users);
	if (u->common.json)
		return ctl_print_json(j);
	json_free(j);
	return EXIT_DONE;
}

static int done(const struct user_args *u, const char *what)
{
	struct json *j;

	if (!u->common.json) {
		printf("%s: %s\n", u->login, what);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_str(j, "login", u->login);
	json_set_str(j, "done", what);
	return ctl_print_json(j);
}

static const struct {
	const char *verb, *told;
	int (*run)(struct user_args *u, struct errmsg *em);
} verbs[] = {
	{"add", "account added", add},
	{"passwd", "password changed", passwd},
	{"del", "account removed; certificates and devices are still there (scepctl revoke user)",
	 del},
	{"list", NULL, NULL},
};

static int run(struct user_args *u, size_t verb)
{
	struct errmsg em = {""};
	int code, rc = conf_load(u->common.conf_file, &u->conf, &em);

	if (rc == E_OK)
		rc = accounts_open(conf_path(u->conf, "portal", NULL, "accounts"), &u->accounts,
				   &em);
	if (rc == E_OK && verbs[verb].run)
		rc = verbs[verb].run(u, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else
		code = verbs[verb].run ? done(u, verbs[verb].told) : list(u);
	accounts_close(u->accounts);
	conf_free(u->conf);
	return code;
}

int cmd_user(const struct ctl_command *self, int argc, char **argv)
{
	enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };
	struct user_args u = {.conf = NULL};
	const struct opts_spec specs[] = {
		{"--groups", "--group", OPT_LIST, &u.groups, 0, 0},
		{"--name", NULL, OPT_TEXT, &u.name, 0, 0},
		{"--email", NULL, OPT_TEXT, &u.email, 0, 0},
		{"--password-file", NULL, OPT_TEXT, &u.password_file, 0, 0},
		{"--password-stdin", NULL, OPT_FLAG, &u.password_stdin, 0, 0},
		{0},
	};
	const char *words[2] = {NULL, NULL};
	struct errmsg em = {""};
	size_t n, verb = 0;
	int code = ctl_parse(self, argc, argv, specs, &u.common, words, 2, &n);

	if (code >= 0)
		return code;
	while (n > 0 && verb < VERBS && strcmp(words[0], verbs[verb].verb) != 0)
		verb++;
	if (n == 0 || verb == VERBS || n != (verbs[verb].run ? 2U : 1U))
		return ctl_usage(self, "say add LOGIN, passwd LOGIN, del LOGIN or list");
	if (n == 2 && accounts_login(u.login, words[1], &em) != E_OK)
		return ctl_usage(self, "%s", em.text);
	return run(&u, verb);
}
