/*
 * One program, three roles (docs/ARCHITECTURE.md). This first process reads the configuration, makes
 * the sockets between the roles and starts them:
 *
 *   ca     one process: issuing keys, ticket MAC key, seal key, journal
 *   ra     one process per core: RA keys, seal key
 *   front  one process: no key; the only one that reads what devices send
 */
#include "scep_ca/run.h"

#include "core/base/args.h"
#include "core/base/log.h"
#include "core/ipc/frame.h"
#include "core/ipc/sandbox.h"
#include "scep_ca/confine.h"
#include "scep_ca/front/run.h"
#include "scep_ca/front/service.h"
#include "scep_ca/signer/keeper.h"
#include "scep_ca/signer/process.h"
#include "scep_ca/signer/remote.h"
#include "scep_ca/supervise.h"

#include <unistd.h>

#define ABOUT                                                                                      \
	"The SCEP certificate authority: enrols devices that show a challenge from the portal."

struct roles {
	const struct conf *conf;
	uid_t front;
	int listeners[PROTO_CA + 1]; /* by role; that of the front stays -1 */
};

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

	close_listeners(r);
	return front_run(r->conf, ready);
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
	int rc = remote_path(r->conf, role, path, em);

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

static int start_roles(struct roles *r)
{
	struct supervise_child children[SUPERVISE_MAX] = {{"role ca", run_ca, r}};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = 1;

	do
		children[n++] = (struct supervise_child){"role ra", run_ra, r};
	while (--cores > 0 && n < SUPERVISE_MAX - 1);
	children[n++] = (struct supervise_child){"role front", run_front, r};
	return supervise(children, n);
}

static int serve(const struct conf *c)
{
	struct roles r = {.conf = c, .listeners = {-1, -1, -1}};
	struct errmsg em = {""};
	int code = EXIT_FAILED;

	if (confine_uid(c, PROTO_FRONT, &r.front, &em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_USAGE;
	}
	if (listen_as(&r, PROTO_RA, &em) != E_OK || listen_as(&r, PROTO_CA, &em) != E_OK ||
	    confine_parent(&em) != E_OK)
		log_error("%s", em.text);
	else
		code = start_roles(&r);
	unlink_sockets(&r);
	close_listeners(&r);
	return code;
}

/* All that the roles will load; the only moment when one process sees all keys. */
static int check(const struct conf *c, struct errmsg *em)
{
	struct keeper *ra = NULL, *ca = NULL;
	struct service *s = NULL;
	int r = keeper_new(c, PROTO_RA, 1, &ra, em);

	if (r == E_OK)
		r = keeper_new(c, PROTO_CA, 1, &ca, em);
	if (r == E_OK)
		r = service_open(c, 1, &s, em);
	service_close(s);
	keeper_free(ca);
	keeper_free(ra);
	return r;
}

int scep_ca_run(int argc, char **argv)
{
	struct args a = {0};
	struct conf *c = NULL;
	struct errmsg em = {""};
	int code = args_parse(argc, argv, "scep_ca", ABOUT, &a);

	if (code >= 0)
		return code;
	log_init("scep_ca", a.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (sandbox_early(&em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_FAILED;
	}
	if (conf_load(a.conf_file, &c, &em) != E_OK || (a.check_only && check(c, &em) != E_OK)) {
		log_error("%s", em.text);
		code = EXIT_USAGE;
	} else if (a.check_only) {
		log_info("%s is good", a.conf_file);
		code = EXIT_DONE;
	} else {
		code = serve(c);
	}
	conf_free(c);
	return code;
}
