#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "scepctl/check.h"
#include "scepctl/escape.h"
#include "scepctl/fs.h"
#include "scepctl/instance.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSPHRASE_MIN = 8 };

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

struct init {
	struct init_plan_input in;
	struct init_plan plan;
	const char *share_given, *passphrase_file;
	bool check, dry_run, quiet, json;
	char share[FS_PATH_MAX];
	char passphrase[CTL_SECRET_SIZE];
	char stage[FS_PATH_MAX];
	bool in_place;      /* DIR was there, empty: the stage is inside it */
	bool made_root_dir; /* so it is ours to remove when we fail */
};

static const char *const folders[] = {"ca",      "ca/root",    "tls",     "radius",
				      "redis",   "redis/data", "secrets", "portal",
				      "leavers", "journal",    "run",     "log"};

static void progress(const char *line)
{
	printf("  %s\n", line);
	fflush(stdout);
}

static void no_progress(const char *line)
{
	(void)line;
}

/* --- before anything is written ------------------------------------------------------------------- */

static int look_at_target(struct init *i, struct errmsg *em)
{
	bool empty = false;
	int rc;

	if (!fs_exists(i->plan.dir))
		return E_OK;
	rc = fs_is_empty(i->plan.dir, &empty, em);
	if (rc != E_OK)
		return rc;
	if (!empty)
		return err_set(em, E_EXISTS,
			       "%s is not empty and stays as it is; choose another folder, or move "
			       "it away",
			       i->plan.dir);
	i->in_place = true;
	return E_OK;
}

static int look_at_root_dir(const struct init *i, struct errmsg *em)
{
	size_t n = strlen(i->plan.dir);
	bool empty = false;
	int rc;

	if (!*i->plan.root_dir)
		return E_OK;
	if (strncmp(i->plan.root_dir, i->plan.dir, n) == 0 &&
	    (i->plan.root_dir[n] == '/' || !i->plan.root_dir[n]))
		return err_set(em, E_FORMAT, "--root-dir is meant to be outside of the instance");
	if (!fs_exists(i->plan.root_dir))
		return E_OK;
	rc = fs_is_empty(i->plan.root_dir, &empty, em);
	if (rc == E_OK && !empty)
		rc = err_set(em, E_EXISTS,
			     "%s is not empty and stays as it is; choose another --root-dir",
			     i->plan.root_dir);
	return rc;
}

static int find_owner(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct errmsg *em)
{
	struct passwd pw, *found = NULL;
	char tmp[4096];

	if (getpwnam_r(name, &pw, tmp, sizeof(tmp), &found) != 0 || !found)
		return err_set(em, E_NOTFOUND,
			       "--run-as: there is no user %s; make it first (adduser --system %s)",
			       name, name);
	*ret_uid = pw.pw_uid;
	*ret_gid = pw.pw_gid;
	return E_OK;
}

static int get_passphrase(struct init *i, struct errmsg *em)
{
	int rc;

	if (i->passphrase_file)
		rc = conf_secret_line(i->passphrase_file, i->passphrase, sizeof(i->passphrase), em);
	else
		rc = ctl_ask_secret("Passphrase for the root CA key: ", true, i->passphrase, em);
	if (rc == E_STATE)
		return err_set(
			em, E_STATE,
			"the root key needs a passphrase and there is no terminal to ask on: "
			"name a file with --root-passphrase-file");
	if (rc == E_OK && strlen(i->passphrase) < PASSPHRASE_MIN)
		return err_set(em, E_FORMAT,
			       "the passphrase of the root key needs %d characters or more",
			       PASSPHRASE_MIN);
	return rc;
}

static int prepare(struct init *i, struct errmsg *em)
{
	uid_t uid;
	gid_t gid;
	int rc = init_plan_make(&i->in, &i->plan, em);

	if (rc == E_OK)
		rc = look_at_target(i, em);
	if (rc == E_OK)
		rc = look_at_root_dir(i, em);
	if (rc == E_OK && *i->plan.run_as)
		rc = find_owner(i->plan.run_as, &uid, &gid, em);
	if (rc == E_OK)
		rc = ctl_share(i->share_given, i->share, em);
	return rc;
}

static void show_plan(const struct init *i)
{
	const struct init_plan *p = &i->plan;
	char issuer[32];

	printf("%s would be made for \"%s\":\n", p->dir, p->organization);
	if (*p->offline_root)
		printf("  root CA       %s, its key elsewhere\n", p->offline_root);
	else
		printf("  root CA       RSA %ld, key in %s, encrypted\n", p->root_bits,
		       *p->root_dir ? p->root_dir : "ca/root");
	snprintf(issuer, sizeof(issuer), "RSA %ld", p->issuer_bits);
	for (size_t k = 0; k < p->n_groups; k++)
		printf("  group         %s: VLAN %s, issuing CA %s, SCEP transport key RSA %ld, "
		       "%ld days\n",
		       p->groups[k].name, *p->groups[k].vlan ? p->groups[k].vlan : "none",
		       p->groups[k].ca_key ? p->groups[k].ca_key : issuer, p->ra_bits, p->lifetime);
	printf("  SCEP          %s on %s\n  portal        %s on %s\n", p->scep_url, p->scep_listen,
	       p->portal_url, p->portal_listen);
	printf("  RADIUS        %s port %ld and %ld, certificate for %s, module from %s\n",
	       p->radius_listen, p->radius_port, p->radius_port + 1, p->host, p->module_dir);
	if (*p->redis_socket)
		printf("  Redis         %s\n", p->redis_socket);
	else
		printf("  Redis         %s port %ld\n", p->redis_host, p->redis_port);
	printf("  Wi-Fi         %s%s%s\n", p->ssid, *p->onboarding_ssid ? ", onboarding on " : "",
	       p->onboarding_ssid);
	printf("  templates     %s\nNothing was written.\n", i->share);
}

/* --- making --------------------------------------------------------------------------------------- */

static int make_stage(struct init *i, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	int n, rc = E_OK;

	if (i->in_place) {
		n = snprintf(i->stage, sizeof(i->stage), "%s/.init-XXXXXX", i->plan.dir);
	} else {
		char *slash;

		rc = text_copy(path, sizeof(path), i->plan.dir);
		slash = strrchr(path, '/');
		*slash = '\0';
		n = snprintf(i->stage, sizeof(i->stage), "%s/.%s.init-XXXXXX", path, slash + 1);
	}
	if (rc != E_OK || n < 0 || (size_t)n >= sizeof(i->stage))
		rc = E_TOOBIG;
	else if (!mkdtemp(i->stage))
		rc = errno == EACCES || errno == EROFS ? E_DENIED : E_IO;
	if (rc != E_OK) {
		err_set(em, rc, "a folder beside %s cannot be made: %s", i->plan.dir,
			rc == E_TOOBIG ? err_text(rc) : strerror(errno));
		i->stage[0] = '\0';
		return rc;
	}
	for (size_t k = 0; rc == E_OK && k < sizeof(folders) / sizeof(folders[0]); k++) {
		rc = fs_join(path, i->stage, folders[k], em);
		if (rc == E_OK)
			rc = fs_mkdir(path, 0700, em);
	}
	if (rc == E_OK && *i->plan.root_dir && !fs_exists(i->plan.root_dir)) {
		rc = fs_mkdir(i->plan.root_dir, 0700, em);
		i->made_root_dir = rc == E_OK;
	}
	return rc;
}

static int stopped(struct errmsg *em)
{
	return interrupted
		       ? err_set(em, E_STATE, "interrupted by signal %d; nothing is left behind",
				 (int)interrupted)
		       : E_OK;
}

static int fill_stage(struct init *i, struct errmsg *em)
{
	struct instance in = {.plan = &i->plan,
			      .stage = i->stage,
			      .share = i->share,
			      .passphrase = i->passphrase,
			      .now = clock_now(),
			      .progress = i->quiet ? no_progress : progress};
	int (*const steps[])(const struct instance *, struct errmsg *) = {
		*i->plan.offline_root ? instance_make_offline_pki : instance_make_pki,
		instance_make_redis, instance_make_raddb, instance_make_conf};
	static const char *const names[] = {NULL, "Redis configuration and users",
					    "FreeRADIUS configuration", "scepauth.conf"};
	int rc = stopped(em);

	for (size_t k = 0; rc == E_OK && k < sizeof(steps) / sizeof(steps[0]); k++) {
		if (names[k])
			in.progress(names[k]);
		rc = steps[k](&in, em);
		if (rc == E_OK)
			rc = stopped(em);
	}
	return rc;
}

/* What init made must stand before init's own check, or it was not made. */
static int check_stage(const struct init *i, struct errmsg *em)
{
	struct check *c = calloc(1, sizeof(*c));
	int rc = c ? check_instance(i->stage, i->plan.dir, i->share, clock_now(), c, em) : E_NOMEM;

	if (rc == E_OK && c->errors > 0)
		rc = err_set(em, E_INTERNAL, "what was made does not pass its check: %s: %s",
			     c->problems[0].file, c->problems[0].what);
	if (c)
		check_free(c);
	free(c);
	return rc;
}

static int give_away(const struct init *i, struct errmsg *em)
{
	char root[FS_PATH_MAX];
	uid_t uid = 0;
	gid_t gid = 0;
	int rc;

	if (!*i->plan.run_as || geteuid() != 0)
		return E_OK;
	rc = find_owner(i->plan.run_as, &uid, &gid, em);
	if (rc == E_OK)
		rc = fs_join(root, i->stage, "ca/root/root.key", em);
	/* The daemons never need the root key. */
	if (rc == E_OK)
		rc = fs_chown_tree(i->stage, uid, gid, root, em);
	return rc;
}

/* --- into place ----------------------------------------------------------------------------------- */

struct move {
	const char *to;
	struct errmsg *em;
};

static int move_entry(void *ctx, const char *path, const char *name)
{
	const struct move *m = ctx;
	char to[FS_PATH_MAX];
	int rc;

	if (strcmp(name, "scepauth.conf") == 0 || strncmp(name, ".init-", 6) == 0)
		return E_OK;
	rc = fs_join(to, m->to, name, m->em);
	if (rc == E_OK && rename(path, to) != 0)
		rc = err_set(m->em, E_IO, "%s: %s", to, strerror(errno));
	return rc;
}

/* DIR may be a mount point, which cannot be replaced: its content is moved up, scepauth.conf last. */
static int move_up(struct init *i, struct errmsg *em)
{
	struct move m = {.to = i->plan.dir, .em = em};
	char from[FS_PATH_MAX], to[FS_PATH_MAX];
	struct stat st;
	int rc = fs_each(i->stage, move_entry, &m, em);

	if (rc == E_OK)
		rc = fs_join(from, i->stage, "scepauth.conf", em);
	if (rc == E_OK)
		rc = fs_join(to, i->plan.dir, "scepauth.conf", em);
	if (rc == E_OK && (stat(i->stage, &st) != 0 ||
			   (geteuid() == 0 && chown(i->plan.dir, st.st_uid, st.st_gid) != 0) ||
			   chmod(i->plan.dir, 0700) != 0 || rename(from, to) != 0))
		rc = err_set(em, E_IO, "%s: %s", i->plan.dir, strerror(errno));
	if (rc == E_OK)
		return rmdir(i->stage) == 0
			       ? E_OK
			       : err_set(em, E_IO, "%s: %s", i->stage, strerror(errno));
	m = (struct move){.to = i->stage, .em = NULL};
	if (fs_each(i->plan.dir, move_entry, &m, NULL) != E_OK)
		return rc; /* the first failure is the one to tell */
	return rc;
}

static int into_place(struct init *i, struct errmsg *em)
{
	char parent[FS_PATH_MAX];
	int rc = stopped(em);

	if (rc != E_OK)
		return rc;
	if (i->in_place) {
		rc = move_up(i, em);
		if (rc == E_OK)
			rc = fs_sync_dir(i->plan.dir, em);
		return rc;
	}
	if (rename(i->stage, i->plan.dir) != 0)
		return err_set(em, errno == ENOTEMPTY || errno == EEXIST ? E_EXISTS : E_IO,
			       "%s: %s", i->plan.dir, strerror(errno));
	rc = text_copy(parent, sizeof(parent), i->plan.dir);
	*strrchr(parent, '/') = '\0';
	return rc == E_OK ? fs_sync_dir(*parent ? parent : "/", em) : rc;
}

static void undo(const struct init *i)
{
	static const char *const root_files[] = {"root.key", "root.pem"};
	char path[FS_PATH_MAX];
	struct errmsg em;

	if (*i->stage && fs_remove_tree(i->stage, &em) != E_OK)
		fprintf(stderr, "scepctl: %s\n", em.text);
	if (!*i->plan.root_dir || !*i->stage)
		return;
	for (size_t k = 0; k < sizeof(root_files) / sizeof(root_files[0]); k++)
		if (fs_join(path, i->plan.root_dir, root_files[k], NULL) == E_OK)
			unlink(path);
	if (i->made_root_dir)
		rmdir(i->plan.root_dir);
}

static void next_steps(const struct init *i)
{
	char dir[ESCAPE_SHELL_SIZE];

	printf("\n%s is ready.\n\nNext:\n", i->plan.dir);
	escape_shell(dir, i->plan.dir);
	if (*i->plan.offline_root)
		printf("  0. Take %s/requests to where the root key is, and there\n"
		       "     scepctl ca sign-intermediate --root root.pem --root-key root.key "
		       "issuing-GROUP.csr\n"
		       "     scepctl ca sign-server --root root.pem --root-key root.key portal.csr "
		       "(and radius.csr);\n"
		       "     back here, with each of the certificates:\n"
		       "     scepctl -c %s/scepauth.conf ca install-cert FILE\n",
		       dir, dir);
	else
		printf("  1. %s\n",
		       *i->plan.root_dir
			       ? "Put the folder of the root key on a medium that you lock away."
			       : "Move ca/root/root.key to a medium that you lock away; no "
				 "program needs it.");
	printf("  2. redis-server %s/redis/redis.conf\n", dir);
	printf("  3. scepctl -c %s/scepauth.conf install\n", dir);
	printf("  4. scep_ca, onboard_portal and auto_revoke, each with -c %s/scepauth.conf\n",
	       dir);
	printf("     freeradius -f -d %s/raddb\n", dir);
	printf("  5. scepctl -c %s/scepauth.conf user add LOGIN --groups %s\n", dir,
	       i->plan.groups[0].name);
	printf("     scepctl -c %s/scepauth.conf helpdesk add NAME\n", dir);
	printf("  Check it at any time: scepctl init %s --check\n", dir);
}

static int make(struct init *i, struct errmsg *em)
{
	struct sigaction sa = {.sa_handler = on_signal};
	int rc;

	interrupted = 0;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	if (!i->quiet)
		printf("Making %s\n", i->plan.dir);
	rc = make_stage(i, em);
	if (rc == E_OK)
		rc = fill_stage(i, em);
	if (rc == E_OK && !*i->plan.offline_root) /* else it is not complete yet */
		rc = check_stage(i, em);
	if (rc == E_OK)
		rc = give_away(i, em);
	if (rc == E_OK)
		rc = into_place(i, em);
	if (rc != E_OK)
		undo(i);
	return rc;
}

static int run_check(struct init *i)
{
	struct check *c = calloc(1, sizeof(*c));
	struct errmsg em = {""};
	int code, rc = c ? fs_absolute(i->plan.dir, i->in.dir, &em) : E_NOMEM;

	if (rc == E_OK)
		rc = check_instance(i->plan.dir, i->plan.dir,
				    ctl_share(i->share_given, i->share, NULL) == E_OK ? i->share
										      : NULL,
				    clock_now(), c, &em);
	code = rc != E_OK                           ? ctl_fail(rc, &em)
	       : check_report(c, i->json, i->quiet) ? EXIT_DONE
						    : EXIT_FAILED;
	if (c)
		check_free(c);
	free(c);
	return code;
}

static int run(const struct ctl_command *self, struct init *i)
{
	struct errmsg em = {""};
	int rc;

	if (i->check)
		return run_check(i);
	rc = prepare(i, &em);
	if (rc == E_FORMAT)
		return ctl_usage(self, "%s", em.text);
	if (rc == E_OK && i->dry_run) {
		show_plan(i);
		return EXIT_DONE;
	}
	if (rc == E_OK && !*i->plan.offline_root)
		rc = get_passphrase(i, &em);
	if (rc == E_OK)
		rc = make(i, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!i->quiet)
		next_steps(i);
	return EXIT_DONE;
}

int cmd_init(const struct ctl_command *self, int argc, char **argv)
{
	struct init *i = calloc(1, sizeof(*i));
	struct init_plan_input *in;
	struct ctl_common common;
	size_t n;
	int code;

	if (!i)
		return ctl_fail(E_NOMEM, NULL);
	in = &i->in;
	const struct opts_spec specs[] = {
		{"--organization", NULL, OPT_TEXT, &in->organization, 0, 0},
		{"--group", NULL, OPT_LIST, &in->groups, 0, 0},
		{"--ssid", NULL, OPT_TEXT, &in->ssid, 0, 0},
		{"--onboarding-ssid", NULL, OPT_TEXT, &in->onboarding_ssid, 0, 0},
		{"--host", NULL, OPT_TEXT, &in->host, 0, 0},
		{"--scep-listen", NULL, OPT_TEXT, &in->scep_listen, 0, 0},
		{"--scep-url", NULL, OPT_TEXT, &in->scep_url, 0, 0},
		{"--portal-listen", NULL, OPT_TEXT, &in->portal_listen, 0, 0},
		{"--portal-url", NULL, OPT_TEXT, &in->portal_url, 0, 0},
		{"--radius-listen", NULL, OPT_TEXT, &in->radius_listen, 0, 0},
		{"--radius-port", NULL, OPT_NUMBER, &in->radius_port, 1, 65534},
		{"--redis-socket", NULL, OPT_TEXT, &in->redis_socket, 0, 0},
		{"--redis-host", NULL, OPT_TEXT, &in->redis_host, 0, 0},
		{"--redis-port", NULL, OPT_NUMBER, &in->redis_port, 1, 65535},
		{"--module-dir", NULL, OPT_TEXT, &in->module_dir, 0, 0},
		{"--root-passphrase-file", NULL, OPT_TEXT, &i->passphrase_file, 0, 0},
		{"--root-dir", NULL, OPT_TEXT, &in->root_dir, 0, 0},
		{"--offline-root", NULL, OPT_TEXT, &in->offline_root, 0, 0},
		{"--root-bits", NULL, OPT_NUMBER, &in->root_bits, 2048, 8192},
		{"--issuer-bits", NULL, OPT_NUMBER, &in->issuer_bits, 2048, 8192},
		{"--ra-bits", NULL, OPT_NUMBER, &in->ra_bits, 2048, 8192},
		{"--ca-key", NULL, OPT_LIST, &in->ca_keys, 0, 0},
		{"--token-module", NULL, OPT_TEXT, &in->token_module, 0, 0},
		{"--token-pin", NULL, OPT_TEXT, &in->token_pin, 0, 0},
		{"--token-files", NULL, OPT_TEXT, &in->token_files, 0, 0},
		{"--lifetime", NULL, OPT_NUMBER, &in->lifetime, 1, 1825},
		{"--cdp", NULL, OPT_FLAG, &in->cdp, 0, 0},
		{"--run-as", NULL, OPT_TEXT, &in->run_as, 0, 0},
		{"--share", NULL, OPT_TEXT, &i->share_given, 0, 0},
		{"--check", NULL, OPT_FLAG, &i->check, 0, 0},
		{"--dry-run", NULL, OPT_FLAG, &i->dry_run, 0, 0},
		{"--quiet", "-q", OPT_FLAG, &i->quiet, 0, 0},
		{0},
	};
	code = ctl_parse(self, argc, argv, specs, &common, &in->dir, 1, &n);
	i->json = common.json;
	if (code < 0 && n == 0)
		code = ctl_usage(self, "name the folder to make");
	if (code < 0)
		code = run(self, i);
	text_wipe(i->passphrase, sizeof(i->passphrase));
	free(i);
	return code;
}
