/*
 * One program, three roles (docs/ARCHITECTURE.md). This first process reads the configuration, makes
 * the sockets between the roles and starts them:
 *
 *   ca     one process: issuing keys, ticket MAC key, seal key, journal
 *   ra     one process per core: RA keys, seal key
 *   front  one process: no key; the only one that reads what devices send
 *
 * The sockets are of this first process, so that a role may be replaced while others ask it. SIGHUP
 * reads the configuration and all keys anew.
 */
#include "scep_ca/run.h"

#include "core/base/args.h"
#include "core/base/log.h"
#include "core/http/listen.h"
#include "core/ipc/frame.h"
#include "core/ipc/sandbox.h"
#include "core/pki/wiping.h"
#include "scep_ca/confine.h"
#include "scep_ca/front/run.h"
#include "scep_ca/front/service.h"
#include "scep_ca/signer/keeper.h"
#include "scep_ca/signer/process.h"
#include "scep_ca/signer/remote.h"
#include "scep_ca/supervise.h"

#include <sys/wait.h>
#include <unistd.h>

#define ABOUT                                                                                      \
	"The SCEP certificate authority: enrols devices that show a challenge from the portal.\n"  \
	"  --role front|ra|ca  only this role; the others run elsewhere on this machine"

struct roles {
	const char *file;
	struct conf *conf;
	bool wanted[PROTO_CA + 1];
	uid_t front;
	int listeners[PROTO_CA + 1]; /* by role; -1: it is not wanted here */
};

static const char *const role_words[] = {"front", "ra", "ca"};

static void close_listeners(struct roles *r)
{
	for (int i = 0; i <= PROTO_CA; i++) {
		if (r->listeners[i] >= 0)
			close(r->listeners[i]);
		r->listeners[i] = -1;
	}
}

/* --- in the children ----------------------------------------------------------------------------- */

static int run_front(void *ctx, int ready)
{
	struct roles *r = ctx;
	int listener = r->listeners[PROTO_FRONT];

	r->listeners[PROTO_FRONT] = -1;
	close_listeners(r);
	return front_run(r->conf, listener, ready);
}

static int run_signer(struct roles *r, enum proto_role role, unsigned threads, int ready)
{
	const struct process_options o = {
		.conf = r->conf,
		.role = role,
		.listener = r->listeners[role],
		.front = r->front,
		.threads = threads,
		.ready = ready,
	};

	r->listeners[role] = -1;
	close_listeners(r);
	return process_run(&o);
}

/* One thread: the pool is of processes, so that a hostile envelope is alone with its opener. */
static int run_ra(void *ctx, int ready)
{
	return run_signer(ctx, PROTO_RA, 1, ready);
}

/* As many as the front has: it waits for the disk and for Redis most of the time. */
static int run_ca(void *ctx, int ready)
{
	struct roles *r = ctx;

	return run_signer(r, PROTO_CA, front_threads(r->conf), ready);
}

/* --- the first process --------------------------------------------------------------------------- */

static int listen_as(struct roles *r, enum proto_role role, struct errmsg *em)
{
	char path[PATH_MAX];
	unsigned port;
	int rc;

	if (!r->wanted[role])
		return E_OK;
	if (role == PROTO_FRONT)
		return listen_open(conf_str(r->conf, "scep", NULL, "listen"), &r->listeners[role],
				   &port, em);
	rc = remote_path(r->conf, role, path, em);
	return rc == E_OK ? frame_listen(path, r->front, &r->listeners[role], em) : rc;
}

static void unlink_sockets(const struct roles *r)
{
	char path[PATH_MAX];

	for (int i = PROTO_RA; i <= PROTO_CA; i++) {
		if (r->listeners[i] >= 0 &&
		    remote_path(r->conf, (enum proto_role)i, path, NULL) == E_OK)
			(void)unlink(path);
	}
}

/* All that a role will load. */
static int check_role(const struct conf *c, enum proto_role role, struct errmsg *em)
{
	struct keeper *k = NULL;
	struct service *s = NULL;
	int r;

	if (role == PROTO_FRONT)
		r = service_open(c, 1, &s, em);
	else
		r = keeper_new(c, role, 1, &k, em);
	service_close(s);
	keeper_free(k);
	return r;
}

/* In a process of its own: this one never sees a key. */
static int check_apart(const struct conf *c, enum proto_role role)
{
	struct errmsg em = {""};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		int rc = check_role(c, role, &em);

		if (rc != E_OK)
			log_error("%s", em.text);
		_exit(rc == E_OK ? EXIT_DONE : EXIT_USAGE);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return E_CONFIG;
	return E_OK;
}

/* What was taken from the configuration before the roles started. */
static bool has_moved(const struct conf *a, const struct conf *b)
{
	static const char *const users[] = {"run-as", "run-as-ra", "run-as-ca"};
	bool moved = strcmp(conf_str(a, "scep", NULL, "listen"),
			    conf_str(b, "scep", NULL, "listen")) != 0 ||
		     strcmp(conf_path(a, "scep", NULL, "sockets"),
			    conf_path(b, "scep", NULL, "sockets")) != 0;

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		moved = moved || strcmp(conf_str(a, "", NULL, users[i]),
					conf_str(b, "", NULL, users[i])) != 0;
	return moved;
}

/* For SIGHUP: nothing is replaced unless all that would be loaded is good. */
static int reload(void *ctx)
{
	struct roles *r = ctx;
	struct conf *c = NULL;
	struct errmsg em = {""};
	int rc = conf_load(r->file, &c, &em);

	if (rc == E_OK && has_moved(r->conf, c))
		rc = err_set(&em, E_CONFIG,
			     "listen, sockets and run-as take another value only with a restart");
	if (rc != E_OK)
		log_error("%s", em.text);
	for (int i = PROTO_FRONT; rc == E_OK && i <= PROTO_CA; i++) {
		if (r->wanted[i])
			rc = check_apart(c, (enum proto_role)i);
	}
	if (rc != E_OK) {
		log_error("not reloaded, all stays as it was");
		conf_free(c);
		return rc;
	}
	conf_free(r->conf);
	r->conf = c;
	return E_OK;
}

static int start_roles(struct roles *r)
{
	struct supervise_child children[SUPERVISE_MAX];
	struct supervise_options o = {.children = children, .reload = reload, .ctx = r};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long openers = cores < 1 ? 1 : cores < SUPERVISE_MAX - 2 ? cores : SUPERVISE_MAX - 2;

	if (r->wanted[PROTO_CA])
		children[o.n++] = (struct supervise_child){"role ca", run_ca, r, .alone = true};
	for (long i = 0; r->wanted[PROTO_RA] && i < openers; i++)
		children[o.n++] = (struct supervise_child){"role ra", run_ra, r, .alone = false};
	if (r->wanted[PROTO_FRONT])
		children[o.n++] =
			(struct supervise_child){"role front", run_front, r, .alone = false};
	else
		o.ready = "ready"; /* the front says on which port */
	return supervise(&o);
}

static int serve(struct roles *r)
{
	struct errmsg em = {""};
	int code = EXIT_FAILED;

	if (confine_uid(r->conf, PROTO_FRONT, &r->front, &em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_USAGE;
	}
	if (listen_as(r, PROTO_RA, &em) != E_OK || listen_as(r, PROTO_CA, &em) != E_OK ||
	    listen_as(r, PROTO_FRONT, &em) != E_OK || confine_parent(&em) != E_OK)
		log_error("%s", em.text);
	else
		code = start_roles(r);
	unlink_sockets(r);
	close_listeners(r);
	return code;
}

/* The only moment when one process sees all keys. */
static int check(const struct roles *r, struct errmsg *em)
{
	static const enum proto_role order[] = {PROTO_RA, PROTO_CA, PROTO_FRONT};
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < sizeof(order) / sizeof(order[0]); i++) {
		if (r->wanted[order[i]])
			rc = check_role(r->conf, order[i], em);
	}
	return rc;
}

/* Takes --role out of the arguments, the rest is what all daemons share. False: no such role. */
static bool take_role(int *argc, char **argv, struct roles *r)
{
	const char *word = NULL;
	int n = 0;

	for (int i = 0; i < *argc; i++) {
		if (strcmp(argv[i], "--role") == 0 && i + 1 < *argc)
			word = argv[++i];
		else if (strncmp(argv[i], "--role=", 7) == 0)
			word = argv[i] + 7;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	for (int i = PROTO_FRONT; i <= PROTO_CA; i++)
		r->wanted[i] = !word || strcmp(word, role_words[i]) == 0;
	return !word || r->wanted[PROTO_FRONT] || r->wanted[PROTO_RA] || r->wanted[PROTO_CA];
}

int scep_ca_run(int argc, char **argv)
{
	struct roles r = {.listeners = {-1, -1, -1}};
	struct args a = {0};
	struct errmsg em = {""};
	int code;

	if (!take_role(&argc, argv, &r)) {
		fputs("scep_ca: --role is front, ra or ca\n", stderr);
		return EXIT_USAGE;
	}
	code = args_parse(argc, argv, "scep_ca", ABOUT, &a);
	if (code >= 0)
		return code;
	log_init("scep_ca", a.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	/* In all roles, since they are born of this process. */
	if (pki_wiping() != E_OK) {
		log_error("libcrypto was in use before the start");
		return EXIT_FAILED;
	}
	if (sandbox_early(&em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_FAILED;
	}
	r.file = a.conf_file;
	if (conf_load(r.file, &r.conf, &em) != E_OK || (a.check_only && check(&r, &em) != E_OK)) {
		log_error("%s", em.text);
		code = EXIT_USAGE;
	} else if (a.check_only) {
		log_info("%s is good", r.file);
		code = EXIT_DONE;
	} else {
		code = serve(&r);
	}
	conf_free(r.conf);
	return code;
}
