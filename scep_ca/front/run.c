#include "scep_ca/front/run.h"

#include "core/audit/audit.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/http/httpd.h"
#include "scep_ca/confine.h"
#include "scep_ca/front/expiry.h"
#include "scep_ca/front/routes.h"
#include "scep_ca/front/service.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS 1024
/* A whole campus may come from one address (NAT of the onboarding network, a load balancer). */
#define MAX_PER_ADDRESS 512
#define DEADLINE_MS 15000
/* Most of an enrolment is waiting until Redis has it on disk. */
#define THREADS_PER_CORE 4

unsigned front_threads(const struct conf *c)
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

static int serve(const struct conf *c, struct service *s, const struct expiry *e, int listener,
		 int ready)
{
	struct httpd_options o = {
		.listen = conf_str(c, "scep", NULL, "listen"),
		.listener = listener,
		.threads = front_threads(c),
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
	const struct timespec day = {.tv_sec = EXPIRY_PERIOD};
	sigset_t set;

	block_signals(&set);
	/* The sandbox binds only threads that start after it: hence between open and run. */
	if (httpd_open(&o, &h, &em) != E_OK || confine(c, PROTO_FRONT, &em) != E_OK ||
	    httpd_run(h, &em) != E_OK) {
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
	if (ready >= 0 && write(ready, "r", 1) != 1)
		log_warn("nobody waits for this process any more");
	expiry_tell(e, clock_now());
	while (sigtimedwait(&set, NULL, &day) < 0)
		if (errno == EAGAIN)
			expiry_tell(e, clock_now());
	httpd_stop(h);
	audit("stopped", where);
	return EXIT_DONE;
}

int front_run(const struct conf *c, int listener, int ready)
{
	struct service *s = NULL;
	struct expiry *e = NULL;
	struct errmsg em = {""};
	int code = EXIT_USAGE;

	if (service_open(c, front_threads(c), &s, &em) != E_OK || expiry_new(c, &e, &em) != E_OK) {
		log_error("%s", em.text);
	} else {
		audit_open("scep_ca", conf_bool(c, "", NULL, "syslog"));
		code = serve(c, s, e, listener, ready);
	}
	expiry_free(e);
	service_close(s);
	return code;
}
