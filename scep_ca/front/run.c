#include "scep_ca/front/run.h"

#include "core/audit/audit.h"
#include "core/base/args.h"
#include "core/base/log.h"
#include "core/http/httpd.h"
#include "core/ipc/sandbox.h"
#include "scep_ca/front/routes.h"
#include "scep_ca/front/service.h"

#include <signal.h>
#include <unistd.h>

#define ABOUT                                                                                      \
	"The SCEP certificate authority: enrols devices that show a challenge from the portal."
#define MAX_CONNECTIONS 1024
/* A whole campus may come from one address (NAT of the onboarding network, a load balancer). */
#define MAX_PER_ADDRESS 512
#define DEADLINE_MS 15000
/* Most of an enrolment is waiting until Redis has it on disk. */
#define THREADS_PER_CORE 4

static unsigned thread_count(const struct conf *c)
{
	long n = conf_int(c, "scep", NULL, "threads"), cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (unsigned)(n > 0 ? n : (cores > 0 ? cores : 1) * THREADS_PER_CORE);
}

/* Blocked in all threads, so that main alone takes them, at a moment of its choosing. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void audit(const char *event, const char *listen)
{
	const struct audit_field f = {"listen", listen};

	if (audit_event(event, "", &f, 1) != E_OK)
		log_error("audit line was lost");
}

static void say_store(struct service *s)
{
	struct store *store = store_pool_get(s->store);
	struct errmsg em = {""};

	if (store && store_ping(store, &em) != E_OK)
		log_warn("Redis is not available: %s; answering 503 until it is", em.text);
	if (store)
		store_pool_put(s->store, store);
}

/* Files that a look-up of the Redis host may need, and the journal; everything else is read by now. */
static int confine(const struct conf *c, struct errmsg *em)
{
	const char *const writable[] = {conf_path(c, "scep", NULL, "journal")};
	static const char *const readable[] = {"/etc/hosts", "/etc/resolv.conf",
					       "/etc/nsswitch.conf", "/etc/host.conf",
					       "/etc/gai.conf"};
	const struct sandbox box = {
		.user = conf_str(c, "", NULL, "run-as"),
		.read_paths = readable,
		.n_read = sizeof(readable) / sizeof(readable[0]),
		.write_paths = writable,
		.n_write = 1,
	};

	return sandbox_enter(&box, em);
}

static int serve(const struct conf *c, struct service *s, unsigned threads)
{
	struct httpd_options o = {
		.listen = conf_str(c, "scep", NULL, "listen"),
		.threads = threads,
		.max_body = (size_t)conf_int(c, "scep", NULL, "max-body"),
		.raw_bodies = true, /* clients call a PKIOperation anything, curl a form */
		.max_connections = MAX_CONNECTIONS,
		.max_per_address = MAX_PER_ADDRESS,
		.deadline_ms = DEADLINE_MS,
		.routes = routes_table,
		.ctx = s,
	};
	struct httpd *h = NULL;
	struct errmsg em = {""};
	char where[256];
	sigset_t set;
	int sig = 0;

	block_signals(&set);
	/* The sandbox binds only threads that start after it: hence between open and run. */
	if (httpd_open(&o, &h, &em) != E_OK || service_start(s, c, &em) != E_OK ||
	    confine(c, &em) != E_OK || httpd_run(h, &em) != E_OK) {
		log_error("%s", em.text);
		httpd_stop(h);
		return EXIT_FAILED;
	}
	if (em.text[0])
		log_warn("%s", em.text);
	say_store(s);
	/* The port that was bound: the configured one may be 0. */
	if (snprintf(where, sizeof(where), "%.*s:%u", (int)(strrchr(o.listen, ':') - o.listen),
		     o.listen, httpd_port(h)) < 0)
		where[0] = '\0';
	audit("started", where);
	log_info("ready %s", where);
	while (sigwait(&set, &sig) != 0)
		;
	httpd_stop(h);
	audit("stopped", where);
	return EXIT_DONE;
}

static int load(const struct args *a, struct conf **ret_conf, struct service **ret,
		unsigned *ret_threads)
{
	struct errmsg em = {""};
	int r = conf_load(a->conf_file, ret_conf, &em);

	if (r == E_OK) {
		*ret_threads = thread_count(*ret_conf);
		r = service_open(*ret_conf, *ret_threads, ret, &em);
	}
	if (r == E_OK)
		return EXIT_DONE;
	log_error("%s", em.text);
	return EXIT_USAGE;
}

int scep_ca_run(int argc, char **argv)
{
	struct args a = {0};
	struct conf *c = NULL;
	struct service *s = NULL;
	struct errmsg em = {""};
	unsigned threads = 0;
	int code = args_parse(argc, argv, "scep_ca", ABOUT, &a);

	if (code >= 0)
		return code;
	log_init("scep_ca", a.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (sandbox_early(&em) != E_OK) {
		log_error("%s", em.text);
		return EXIT_FAILED;
	}
	code = load(&a, &c, &s, &threads);
	if (code == EXIT_DONE && a.check_only)
		log_info("%s is good", a.conf_file);
	else if (code == EXIT_DONE) {
		audit_open("scep_ca", conf_bool(c, "", NULL, "syslog"));
		code = serve(c, s, threads);
	}
	service_close(s);
	conf_free(c);
	return code;
}
