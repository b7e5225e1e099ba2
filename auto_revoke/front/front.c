#include "auto_revoke/front/front.h"

#include "auto_revoke/front/scim_cert.h"
#include "auto_revoke/front/server.h"
#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/http/httpd.h"
#include "core/ipc/sandbox.h"

#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

enum { THREADS = 2, DEADLINE_MS = 15000 };

/* It keeps its own folder, reads those with the tokens and its web certificate, and makes no connection: no Redis. */
static int confine(const struct conf *c, struct errmsg *em)
{
	char tokens[PATH_MAX], cert[2][SANDBOX_FOLDER_MAX], key[2][SANDBOX_FOLDER_MAX];
	const char *reads[] = {NULL, cert[0], cert[1], key[0], key[1]},
		   *writes[] = {conf_path(c, "scim", NULL, "data")};
	struct sandbox box = {.user = conf_str(c, "", NULL, "run-as"),
			      .read_paths = reads,
			      .n_read = 5,
			      .write_paths = writes,
			      .n_write = 1,
			      .network = conf_bool(c, "", NULL, "syslog") ? SANDBOX_CONNECT_UNIX
									  : SANDBOX_NO_SOCKETS};
	int rc;

	(void)snprintf(tokens, sizeof(tokens), "%s", conf_path(c, "scim", NULL, "tokens"));
	reads[0] = dirname(tokens);
	sandbox_folders(conf_path(c, "scim", NULL, "tls-cert"), cert[0], cert[1]);
	sandbox_folders(conf_path(c, "scim", NULL, "tls-key"), key[0], key[1]);
	*em = (struct errmsg){""};
	rc = sandbox_enter(&box, em);
	if (rc == E_OK && em->text[0] != '\0')
		log_warn("%s", em->text);
	return rc;
}

static int serve(const struct conf *c, struct scim_server *s, struct httpd *h, struct errmsg *em)
{
	const char *listen = conf_str(c, "scim", NULL, "listen"), *colon = strrchr(listen, ':');
	sigset_t signals;
	const struct timespec tick = {.tv_sec = 1};
	int64_t told = 0;
	int rc, sig = 0;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		return err_set(em, E_INTERNAL, "signals cannot be blocked");
	rc = confine(c, em);
	if (rc == E_OK)
		rc = scim_server_open(c, s, em);
	if (rc != E_OK)
		return rc;
	rc = httpd_run(h, em);
	if (rc == E_OK) {
		log_info("ready %.*s:%u, %zu users, %zu groups",
			 colon != NULL ? (int)(colon - listen) : 0, listen, httpd_port(h),
			 s->file.table.live_users, s->file.table.live_groups);
		while (sig != SIGTERM && sig != SIGINT) {
			scim_server_state(s);
			scim_cert_tell(c, clock_now(), &told);
			sig = sigtimedwait(&signals, NULL, &tick);
			if (sig == SIGHUP) {
				scim_cert_reload(c, h);
				told = 0;
			}
		}
		log_info("stopping");
	}
	return rc;
}

int front_run(const struct conf *c, bool check_only, struct errmsg *em)
{
	static struct scim_server server = {.file = {.fd = -1}};
	const struct httpd_options o = {
		.listen = conf_str(c, "scim", NULL, "listen"),
		.tls_cert = conf_path(c, "scim", NULL, "tls-cert"),
		.tls_key = conf_path(c, "scim", NULL, "tls-key"),
		.threads = THREADS,
		.max_body = (size_t)conf_int(c, "scim", NULL, "max-body"),
		.raw_bodies = true,
		.max_connections = 200,
		.max_per_address = 50,
		.deadline_ms = DEADLINE_MS,
		.routes = scim_routes,
		.ctx = &server,
		.after = scim_after,
	};
	struct httpd *h = NULL;
	int rc;

	if (o.listen[0] == '\0')
		return err_set(em, E_CONFIG, "scim: listen: no address is given");
	rc = httpd_open(&o, &h, em);
	if (rc != E_OK || check_only) {
		httpd_stop(h);
		return rc;
	}
	rc = serve(c, &server, h, em);
	httpd_stop(h);
	if (server.started != 0) {
		scim_server_state(&server);
		scim_server_close(&server);
	}
	return rc;
}
