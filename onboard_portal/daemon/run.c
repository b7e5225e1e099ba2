#include "onboard_portal/daemon/device_care.h"
#include "onboard_portal/daemon/devices.h"
#include "onboard_portal/daemon/portal.h"

#include "core/audit/audit.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/http/httpd.h"
#include "core/ipc/sandbox.h"
#include "core/pki/wiping.h"
#include "onboard_portal/daemon/captive.h"
#include "onboard_portal/daemon/letswifi.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/remind.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/looks.h"
#include "onboard_portal/daemon/voucher.h"
#include "onboard_portal/daemon/web_cert.h"
#include "onboard_portal/flow/capport.h"
#include "onboard_portal/flow/letswifi.h"

#include <libgen.h>
#include <signal.h>

#define PROGRAM "onboard_portal"
#define FORM_MAX 16384

static void root_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	if (!app_asks(ctx, req, res))
		reply_redirect(res, "/devices");
}

const struct http_route portal_routes[] = {
	{"GET", "/", root_get},
	{"GET", "/login", login_get},
	{"POST", "/login", login_post},
	{"GET", "/login/oidc", login_oidc_get},
	{"GET", OIDC_CALLBACK, login_oidc_callback},
	{"GET", "/login/oidc/logout", login_oidc_logout},
	{"GET", "/login/sso", login_header_get},
	{"POST", "/logout", logout_post},
	{"GET", "/devices", devices_get},
	{"GET", "/devices/new", device_new_get},
	{"POST", "/devices/new", device_new_post},
	{"GET", "/devices/:id", device_proof_get},
	{"GET", "/devices/:id/calendar.ics", device_calendar_get},
	{"POST", "/devices/:id/code", device_code_post},
	{"GET", "/devices/:id/rename", device_rename_get},
	{"POST", "/devices/:id/rename", device_rename_post},
	{"GET", "/devices/:id/lost", device_lost_get},
	{"POST", "/devices/:id/lost", device_lost_post},
	{"GET", "/lost", lost_get},
	{"GET", "/mail/off/:user/:token", remind_off_get},
	{"POST", "/mail/off/:user/:token", remind_off_post},
	{"GET", "/devices/:id/remove", device_remove_get},
	{"POST", "/devices/:id/remove", device_remove_post},
	{"GET", "/e/:token", setup_get},
	{"GET", "/e/:token/other", setup_other_get},
	{"GET", "/e/:token/:file", setup_file_get},
	{"GET", "/r", resume_get},
	{"GET", "/r/:code", resume_get},
	{"POST", "/r", resume_post},
	{"GET", "/welcome", welcome_get},
	{"POST", "/welcome", welcome_post},
	{"GET", "/about", about_get},
	{"GET", "/vouchers", vouchers_get},
	{"POST", "/vouchers", vouchers_post},
	{"POST", "/vouchers/:id/end", voucher_end_post},
	{"GET", "/v", guest_get},
	{"GET", "/v/:code", guest_get},
	{"POST", "/v", guest_post},
	{"GET", "/console", console_get},
	{"GET", "/console/vouchers", console_vouchers_get},
	{"POST", "/console/vouchers/:id/end", console_voucher_end_post},
	{"GET", "/console/overview", console_overview_get},
	{"GET", "/console/person/:id", console_person_get},
	{"GET", "/console/person/:id/story", console_story_get},
	{"GET", "/console/person/:id/:act", console_act_get},
	{"POST", "/console/person/:id/:act", console_act_post},
	{"GET", "/.well-known/letswifi.json", app_discovery_get},
	{"GET", "/oauth/authorize", app_authorize_get},
	{"GET", LETSWIFI_CONSENT, app_consent_get},
	{"POST", LETSWIFI_CONSENT, app_consent_post},
	{"POST", "/oauth/token", app_token_post},
	{"POST", "/api/eap-config", app_eap_config_post},
	{"POST", "/api/mobileconfig", app_mobileconfig_post},
	{"GET", CAPPORT_PATH, capport_get},
	{"GET", "/static/portal.css", static_css_get},
	{"GET", "/static/mark.svg", static_mark_get},
	{"GET", "/static/mark.png", static_logo_get},
	{"GET", "/network-ca.pem", static_anchor_get},
	{"GET", "/healthz", health_get},
	{NULL, NULL, NULL},
};

/* Everybody comes by the web server in front then, from one address. */
static bool behind_proxy(const struct portal *p)
{
	const char *listen = conf_str(p->conf, "portal", NULL, "listen");

	return p->header != NULL &&
	       (strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0);
}

static int open_server(struct portal *p, struct httpd **ret, struct errmsg *em)
{
	struct httpd_options o = {
		.listen = conf_str(p->conf, "portal", NULL, "listen"),
		.tls_cert = conf_path(p->conf, "portal", NULL, "tls-cert"),
		.tls_key = conf_path(p->conf, "portal", NULL, "tls-key"),
		.threads = p->threads,
		.max_body = FORM_MAX,
		.max_connections = 1000,
		.max_per_address = behind_proxy(p) ? 0 : 100,
		.deadline_ms = 15000,
		.routes = portal_routes,
		.ctx = p,
		.before = language_before,
		.after = reply_after,
	};

	return httpd_open(&o, ret, em);
}

/* The plain HTTP server for the open network; *ret stays NULL when there is none. */
static int open_captive(struct portal *p, struct httpd **ret, struct errmsg *em)
{
	struct httpd_options o = {
		.listen = conf_str(p->conf, "captive", NULL, "listen"),
		.threads = 2,
		.max_body = 1024,
		.max_connections = 1000,
		.max_per_address = 50,
		.deadline_ms = 5000,
		.routes = captive_routes,
		.ctx = p,
		.after = captive_after,
	};

	return *o.listen != '\0' ? httpd_open(&o, ret, em) : E_OK;
}

/* After this the process can read its certificates and accounts, reach Redis, the directory and the OpenID provider, and little else. */
static int enter_sandbox(const struct portal *p, struct errmsg *em)
{
	char tls[2][SANDBOX_FOLDER_MAX], key[2][SANDBOX_FOLDER_MAX];
	char logo[2][SANDBOX_FOLDER_MAX], texts[SANDBOX_FOLDER_MAX];
	char accounts[4096], socket[4096], directory[4096], oidc[4096];
	char run[4096];
	const char *paths[12];
	struct sandbox s = {
		.user = conf_str(p->conf, "", NULL, "run-as"), .read_paths = paths, .n_read = 12};

	/* Folders, not files: each is replaced by renaming a new one over it. */
	sandbox_folders(conf_path(p->conf, "portal", NULL, "tls-cert"), tls[0], tls[1]);
	sandbox_folders(conf_path(p->conf, "portal", NULL, "tls-key"), key[0], key[1]);
	snprintf(accounts, sizeof(accounts), "%s", conf_path(p->conf, "portal", NULL, "accounts"));
	snprintf(socket, sizeof(socket), "%s", conf_path(p->conf, "redis", NULL, "socket"));
	snprintf(directory, sizeof(directory), "%s", conf_path(p->conf, "ldap", NULL, "ca"));
	snprintf(oidc, sizeof(oidc), "%s", conf_path(p->conf, "oidc", NULL, "ca"));
	paths[0] = tls[0];
	paths[1] = key[0];
	paths[2] = dirname(accounts);
	paths[3] = dirname(socket);
	paths[4] = dirname(directory);
	paths[5] = dirname(oidc);
	paths[6] = tls[1];
	paths[7] = key[1];
	/* Read anew on SIGHUP; a path that is not set adds nothing. */
	sandbox_folders(conf_path(p->conf, "theme", NULL, "logo"), logo[0], logo[1]);
	snprintf(texts, sizeof(texts), "%s", conf_path(p->conf, "theme", NULL, "texts"));
	paths[8] = *conf_path(p->conf, "theme", NULL, "logo") != '\0' ? logo[0] : tls[0];
	paths[9] = *conf_path(p->conf, "theme", NULL, "logo") != '\0' ? logo[1] : tls[1];
	paths[10] = *texts != '\0' ? texts : tls[0];
	snprintf(run, sizeof(run), "%s/run", conf_dir(p->conf));
	paths[11] = run; /* how the directory is, for the console */
	return sandbox_enter(&s, em);
}

static void warn_without_store(struct portal *p)
{
	struct store *s = store_pool_get(p->pool);
	struct errmsg em = {0};

	if (s == NULL || store_ping(s, &em) != E_OK)
		log_warn("Redis is not ready (%s); pages say so until it is", em.text);
	if (s != NULL)
		store_pool_put(p->pool, s);
}

static void until_stopped(struct portal *p, struct httpd *h, const sigset_t *signals)
{
	const struct timespec hour = {.tv_sec = 3600};
	int64_t told = 0;
	int sig = 0;

	while (sig != SIGTERM && sig != SIGINT) {
		web_cert_tell(p->conf, clock_now(), &told);
		sig = sigtimedwait(signals, NULL, &hour);
		if (sig == SIGHUP) {
			looks_reload(p);
			web_cert_reload(p->conf, h);
			told = 0;
		}
	}
}

static int serve(struct portal *p, struct errmsg *em)
{
	struct httpd *h = NULL, *open_net = NULL;
	sigset_t signals;
	const char *listen = conf_str(p->conf, "portal", NULL, "listen"), *colon;
	int r;

	/* Blocked before threads exist, so that only until_stopped sees them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
		return err_set(em, E_INTERNAL, "signals cannot be blocked");
	r = open_server(p, &h, em);
	if (r == E_OK)
		r = open_captive(p, &open_net, em);
	if (r == E_OK) {
		*em = (struct errmsg){0};
		r = enter_sandbox(p, em);
	}
	if (r == E_OK && *em->text != '\0')
		log_warn("%s", em->text);
	if (r == E_OK)
		r = httpd_run(h, em);
	if (r == E_OK && open_net != NULL)
		r = httpd_run(open_net, em);
	if (r == E_OK) {
		warn_without_store(p);
		colon = strrchr(listen, ':');
		log_info("ready %.*s:%u", colon != NULL ? (int)(colon - listen) : 0, listen,
			 httpd_port(h));
		if (open_net != NULL)
			log_info("the open network is answered on port %u", httpd_port(open_net));
		until_stopped(p, h, &signals);
		log_info("stopping");
	}
	httpd_stop(open_net);
	httpd_stop(h);
	return r;
}

static int exit_code(int r)
{
	switch (r) {
	case E_OK:
		return EXIT_DONE;
	case E_CONFIG:
	case E_DENIED:
	case E_FORMAT:
		return EXIT_USAGE;
	default:
		return EXIT_FAILED;
	}
}

/* Takes an option away that args_parse does not know. */
static bool take_option(int *argc, char **argv, const char *name)
{
	for (int i = 1; i < *argc; i++)
		if (strcmp(argv[i], name) == 0) {
			for (; i < *argc; i++)
				argv[i] = argv[i + 1];
			--*argc;
			return true;
		}
	return false;
}

int portal_run(int argc, char **argv)
{
	bool remind = take_option(&argc, argv, "--remind");
	bool dry = remind && take_option(&argc, argv, "--dry-run");
	int code = -1;
	struct errmsg em = {0};
	struct portal *p = NULL;
	struct conf *conf = NULL;
	struct args args;
	int r = args_parse(argc, argv, PROGRAM,
			   "Web pages where people bring their devices onto the network.\n"
			   "With --remind [--dry-run]: mails to whose certificates end soon.",
			   &args);

	if (r >= 0)
		return r;
	log_init(PROGRAM, args.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	/* Keys that are made for devices pass through many buffers of libcrypto. */
	r = pki_wiping();
	if (r == E_OK)
		r = sandbox_early(&em);
	if (r == E_OK)
		r = conf_load(args.conf_file, &conf, &em);
	if (r == E_OK)
		r = portal_open(conf, &p, &em);
	if (r == E_OK) {
		if (*em.text != '\0')
			log_warn("%s", em.text);
		audit_open(PROGRAM, conf_bool(conf, "", NULL, "syslog"));
		if (!args.check_only && remind)
			code = remind_run(p, dry, &em);
		else if (!args.check_only)
			r = serve(p, &em);
	}
	if (r != E_OK)
		log_error("%s", *em.text != '\0' ? em.text : err_text(r));
	portal_close(p);
	conf_free(conf);
	return code >= 0 ? code : exit_code(r);
}
