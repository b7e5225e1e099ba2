#include "auto_revoke/daemon/auto_revoke.h"

#include "auto_revoke/daemon/disconnect.h"
#include "auto_revoke/daemon/loop.h"
#include "auto_revoke/directory/ldap_source.h"
#include "auto_revoke/directory/scim_source.h"
#include "auto_revoke/front/front.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/conf.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/ipc/brake_file.h"
#include "core/ipc/prom.h"
#include "core/ipc/sandbox.h"
#include "core/model/source.h"
#include "core/store/store_conf.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "auto_revoke"

static const char about[] =
	"\nTakes people who leave off the network: watches the directory or its export, and passes "
	"every\n"
	"event of the store on to the audit trail (standard output).\n\n"
	"      --once           look once, apply, pass events on, exit\n"
	"      --dry-run        print what would be applied, change nothing, exit\n"
	"      --release-brake  let through exactly what run/auto_revoke.brake lists, exit\n"
	"      --disconnect     not the directory: end live sessions that are no longer good (a\n"
	"                       process of its own, beside the other)\n"
	"      --scim           not the directory: serve SCIM to identity providers, for a source "
	"of\n"
	"                       the format scim (a process of its own, beside the other)";

static volatile sig_atomic_t stop_wanted, status_wanted;

struct options {
	struct args args;
	bool once, dry_run, release, disconnect, scim;
};

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		status_wanted = 1;
	else
		stop_wanted = 1;
}

static void signals_set(void)
{
	static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	struct sigaction sa = {.sa_handler = on_signal};

	(void)sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		(void)sigaction(ours[i], &sa, NULL);
}

/* Takes our own options out and leaves the rest to the parser that all daemons share. */
static int options_parse(int argc, char **argv, struct options *ret)
{
	struct options o = {.once = false};
	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	int n = 0, rc;

	if (rest == NULL)
		return EXIT_FAILED;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--once") == 0)
			o.once = true;
		else if (strcmp(argv[i], "--dry-run") == 0)
			o.dry_run = true;
		else if (strcmp(argv[i], "--release-brake") == 0)
			o.release = true;
		else if (strcmp(argv[i], "--disconnect") == 0)
			o.disconnect = true;
		else if (strcmp(argv[i], "--scim") == 0)
			o.scim = true;
		else
			rest[n++] = argv[i];
	}
	rc = args_parse(n, rest, PROGRAM, about, &o.args);
	free(rest);
	if (rc == -1 && o.once + o.dry_run + o.release + o.disconnect + o.scim > 1) {
		fprintf(stderr,
			"%s: only one of --once, --dry-run, --release-brake, --disconnect and "
			"--scim\n",
			PROGRAM);
		return EXIT_USAGE;
	}
	*ret = o;
	return rc;
}

static int source_apply(const struct conf *c, struct revoker *r, struct errmsg *em)
{
	const char *format = conf_str(c, "leavers", NULL, "format");
	const struct ldap_source_options o = {
		.conf = c,
		.run_dir = r->run_dir,
		/* The portal gives people who log in by LDAP an id that follows from the directory's. */
		.with_ids = strcmp(r->identity, "ldap") == 0,
		.read_only = r->dry_run,
		.stop = r->stop,
	};

	if (strcmp(format, "ldap") == 0)
		return ldap_source_open(&o, &r->source, &r->file, em);
	if (strcmp(format, "scim") == 0)
		return scim_source_open(c, r->run_dir, r->dry_run, &r->source, &r->file, em);
	if (r->file[0] == '\0')
		return err_set(em, E_CONFIG, "leavers: file: no export is named");
	return directory_file_open(r->file, format, &r->source, em);
}

static int conf_apply(const struct conf *c, struct revoker *r, struct errmsg *em)
{
	int n = snprintf(r->run_dir, sizeof(r->run_dir), "%s/run", conf_dir(c));

	if (n <= 0 || (size_t)n >= sizeof(r->run_dir))
		return err_set(em, E_CONFIG, "the path of the instance is too long");
	r->file = conf_path(c, "leavers", NULL, "file");
	r->identity = conf_str(c, "leavers", NULL, "identity");
	r->hold = conf_str(c, "leavers", NULL, "source");
	r->limits.percent = conf_int(c, "leavers", NULL, "brake-percent");
	r->limits.count = conf_int(c, "leavers", NULL, "brake-count");
	r->interval = conf_int(c, "leavers", NULL, "interval");
	r->started_at = clock_now();
	r->silent_after = source_silent_after(conf_str(c, "leavers", NULL, "format"),
					      conf_int(c, "leavers", NULL, "silent-after"),
					      conf_int(c, "ldap", NULL, "poll"),
					      conf_int(c, "scim", NULL, "silent"));
	if (!text_is_name(r->identity, NAME_SIZE - 1))
		return err_set(em, E_CONFIG,
			       "leavers: identity: \"%.60s\" is no name of an identity source",
			       r->identity);
	if (!text_is_name(r->hold, NAME_SIZE - 1) || strcmp(r->hold, "helpdesk") == 0)
		return err_set(em, E_CONFIG, "leavers: source: \"%.60s\" cannot name our hold",
			       r->hold);
	return source_apply(c, r, em);
}

/* The folder of a file, or the nearest one above it that exists (an export may come later). */
static void folder_of(const char *file, char dst[PATH_MAX])
{
	struct stat st;
	char *slash;

	if (realpath(file, dst) == NULL)
		(void)snprintf(dst, PATH_MAX, "%s", file);
	do {
		slash = strrchr(dst, '/');
		if (slash == NULL || slash == dst) {
			(void)snprintf(dst, PATH_MAX, "/");
			return;
		}
		*slash = '\0';
	} while (stat(dst, &st) != 0 || !S_ISDIR(st.st_mode));
}

static int sandbox_setup(const struct conf *c, const struct revoker *r, struct errmsg *em)
{
	char folder[PATH_MAX], link[PATH_MAX];
	bool by_ldap = strcmp(r->source.name, "ldap") == 0;
	const char *file = r->file, *slash;
	/* The resolver reads these when Redis is named by host. */
	const char *reads[] = {folder, link, "/etc/hosts", "/etc/resolv.conf",
			       "/etc/nsswitch.conf"};
	const char *writes[] = {r->run_dir, r->metrics};
	bool by_socket = conf_path(c, "redis", NULL, "socket")[0] != '\0';
	struct sandbox s = {.user = conf_str(c, "", NULL, "run-as"),
			    .read_paths = reads,
			    .n_read = by_socket ? 2 : 5,
			    .write_paths = writes,
			    .n_write = r->metrics != NULL ? 2 : 1};
	struct errmsg none = {""};
	int rc;

	if (by_ldap) {
		file = ldap_source_ca(&r->source);
		s.n_read = 5;
	}
	slash = strrchr(file, '/');
	/* Where the name stands and where it leads: a link may be turned to tomorrow's export. */
	folder_of(file, folder);
	(void)snprintf(link, sizeof(link), "%.*s", slash != NULL ? (int)(slash - file) : 0, file);
	if (link[0] == '\0' || access(link, F_OK) != 0)
		(void)snprintf(link, sizeof(link), "%s", folder);
	rc = sandbox_enter(&s, &none);
	if (rc != E_OK)
		return err_set(em, rc, "%s", none.text[0] != '\0' ? none.text : err_text(rc));
	if (none.text[0] != '\0')
		log_warn("%s", none.text);
	return E_OK;
}

static int release_brake(const struct revoker *r)
{
	struct brake_held b = {.plan = NULL};
	struct brake_release release = {.reason = ""};
	struct errmsg em = {""};
	int rc = brake_read(r->run_dir, &b, &em);

	if (rc == E_NOTFOUND) {
		fprintf(stderr, "%s: the brake is not engaged\n", PROGRAM);
		return EXIT_FAILED;
	}
	if (rc == E_OK) {
		brake_who(release.by, sizeof(release.by));
		memcpy(release.digest, b.digest, sizeof(release.digest));
		printf("%s", b.plan);
		rc = brake_approve(r->run_dir, &release, &em);
	}
	if (rc == E_OK)
		printf("# released: %zu of %zu people lose access with the next look of "
		       "auto_revoke, unless the export changes first\n",
		       b.affected, b.known);
	else
		fprintf(stderr, "%s: %s\n", PROGRAM, em.text[0] != '\0' ? em.text : err_text(rc));
	brake_free(&b);
	return rc == E_OK ? EXIT_DONE : EXIT_FAILED;
}

static int serve_scim(const struct options *o, const struct conf *c)
{
	struct errmsg em = {""};
	int rc;

	audit_open(PROGRAM, conf_bool(c, "", NULL, "syslog"));
	rc = front_run(c, o->args.check_only, &em);
	if (rc == E_OK)
		return EXIT_DONE;
	log_error("%s", em.text[0] != '\0' ? em.text : err_text(rc));
	return rc == E_CONFIG || rc == E_DENIED || rc == E_FORMAT ? EXIT_USAGE : EXIT_FAILED;
}

static int work(const struct options *o, const struct conf *c, struct revoker *r)
{
	struct errmsg em = {""};
	int lock = -1, code = EXIT_FAILED;

	signals_set();
	audit_open(PROGRAM, conf_bool(c, "", NULL, "syslog"));
	if (!o->dry_run && runfile_lock(r->run_dir, RUNFILE_LOCK, &lock, &em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_FAILED;
	}
	r->metrics = conf_path(c, "", NULL, "metrics");
	if (o->dry_run || prom_dir(r->metrics, &em) != E_OK) {
		if (!o->dry_run)
			log_warn("no metrics: %s", em.text);
		r->metrics = NULL;
	}
	if (sandbox_setup(c, r, &em) != E_OK) {
		log_error("%s", em.text);
	} else if (o->once || o->dry_run) {
		code = loop_once(r);
	} else {
		const struct audit_field f = {"file", r->file};

		log_info("ready %s", r->file);
		revoker_event("started", NULL, &f, 1);
		loop_run(r, &status_wanted);
		revoker_event("stopped", NULL, &f, 1);
		log_info("stopped");
		code = EXIT_DONE;
	}
	if (lock >= 0)
		(void)close(lock);
	return code;
}

int auto_revoke_run(int argc, char **argv)
{
	struct revoker r = {.stop = &stop_wanted};
	struct conf *conf = NULL;
	struct options o;
	struct errmsg em = {""};
	int code = options_parse(argc, argv, &o), rc;

	if (code != -1)
		return code;
	if (o.disconnect) {
		signals_set();
		return disconnect_run(&o.args, &stop_wanted);
	}
	log_init(PROGRAM, o.args.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	r.dry_run = o.dry_run;
	rc = sandbox_early(&em);
	if (rc == E_OK)
		rc = conf_load(o.args.conf_file, &conf, &em);
	if (rc == E_OK && o.scim) {
		code = serve_scim(&o, conf);
		conf_free(conf);
		return code;
	}
	if (rc == E_OK)
		rc = conf_apply(conf, &r, &em);
	if (rc == E_OK && !o.release)
		rc = store_conf_open(conf, PROGRAM, &r.store, &em);
	if (rc != E_OK) {
		log_error("%s", em.text[0] != '\0' ? em.text : err_text(rc));
		code = EXIT_USAGE;
	} else if (o.args.check_only) {
		log_info("the configuration is good");
		code = EXIT_DONE;
	} else {
		code = o.release ? release_brake(&r) : work(&o, conf, &r);
	}
	roster_free(&r.roster);
	directory_close(&r.source);
	store_close(r.store);
	conf_free(conf);
	return code;
}
