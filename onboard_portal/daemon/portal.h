/*
 * The running portal: everything that requests share. Read-only after portal_open except what its
 * own locks guard. Handlers run on several threads at once.
 */
#ifndef ONBOARD_PORTAL_DAEMON_PORTAL_H
#define ONBOARD_PORTAL_DAEMON_PORTAL_H

#include "core/base/conf.h"
#include "core/http/router.h"
#include "core/store/store.h"
#include "onboard_portal/auth/auth.h"
#include "onboard_portal/auth/header.h"
#include "onboard_portal/auth/oidc.h"
#include "onboard_portal/daemon/open_net.h"
#include "onboard_portal/flow/choice.h"
#include "onboard_portal/flow/language.h"
#include "onboard_portal/flow/logouts.h"
#include "onboard_portal/flow/page.h"
#include "onboard_portal/flow/tries.h"
#include "onboard_portal/profile/enrolment.h"

#include <pthread.h>

enum {
	PORTAL_KEY_SIZE = 32,
	PORTAL_CHAIN_MAX = 4,
	PORTAL_FINGERPRINT_SIZE = 96,
	PORTAL_AUTHS_MAX = 2
};

/* One certificate read from a PEM file. */
struct portal_cert {
	struct buf der;
	char sha256[PORTAL_FINGERPRINT_SIZE]; /* upper-case hex pairs with ':' */
	char sha1[PORTAL_FINGERPRINT_SIZE];
};

struct portal_profile {
	const char *name;
	char *scep_url;
	struct portal_cert issuer;
	struct portal_cert ra;
	struct portal_cert chain[PORTAL_CHAIN_MAX];
	struct bytes chain_der[PORTAL_CHAIN_MAX];
	size_t n_chain;
	const struct portal_cert *top; /* the highest CA that GetCACert sends */
	bool sends_root;  /* GetCACert sends the whole chain, not only the issuing CA */
	int64_t lifetime; /* seconds */
};

struct console_figures;
struct console_conf { /* the help desk's; no pool: there is none */
	struct store_pool *pool;
	struct console_figures *figures;
	const char *const *groups;
	size_t n_groups;
	const char *const *guarded; /* further groups for whose people there are no codes */
	size_t n_guarded;
	bool codes_for_guarded; /* all the same, and for its own people */
	int64_t step_up;        /* ms for which a login counts as recent */
};

struct portal {
	struct conf *conf;
	const char *organization, *support, *url, *ssid;
	int64_t session_lifetime, session_idle, ticket_lifetime; /* seconds */
	unsigned threads;                                        /* how many requests run at once */
	struct making *making; /* keyed.h; NULL: the portal makes no keys for devices */
	uint8_t session_key[PORTAL_KEY_SIZE];
	uint8_t challenge_key[PORTAL_KEY_SIZE];
	uint8_t ticket_mac_key[PORTAL_KEY_SIZE];
	struct looks *looks; /* looks.h */
	char languages[LANGUAGE_MAX][LANGUAGE_SIZE];
	size_t n_languages;
	struct auth auths[PORTAL_AUTHS_MAX]; /* where passwords are checked, in turn */
	size_t n_auths;
	struct oidc *oidc;           /* NULL: no logins by OpenID Connect */
	const char *oidc_name;       /* of the provider, for people */
	int64_t oidc_again;          /* seconds, 0: never */
	struct header_login *header; /* NULL: no logins by a proxy's headers */
	const char *sso_name;        /* what people call these */
	struct store_pool *pool;

	struct choice_group *groups;
	size_t n_groups;
	const char *const *profile_names;
	struct portal_profile *profiles; /* in the order of profile_names */
	size_t n_profiles;
	struct portal_cert anchor; /* of the RADIUS server's certificate */
	struct captive captive;
	struct console_conf console;
	struct vouchers_conf *vouchers; /* NULL: none, voucher.h */

	pthread_mutex_t lock; /* guards what follows */
	struct tries *by_account, *by_address;
	struct logouts *logouts;
	pthread_cond_t checked;
	struct turns {
		unsigned now, max;
	} hashes, binds;               /* password checks here, and in the directory */
	unsigned waiting, waiting_max; /* those that wait for a turn of either */
	unsigned asking, asking_max;   /* requests that wait for the OpenID provider */
};

/* --- open.c: configuration, keys, certificates ---------------------------------------------------- */
int portal_open(struct conf *conf, struct portal **ret, struct errmsg *em) MUST_CHECK;
void portal_close(struct portal *p);
const struct portal_profile *portal_find_profile(const struct portal *p, const char *name);

/* --- language.c: what the pages are written in ------------------------------------------------------ */
int language_open(struct portal *p, struct errmsg *em) MUST_CHECK;
void language_close(struct portal *p);
/* By ?lang=, which a cookie keeps, else that cookie, else what the browser asks for. */
void language_before(void *ctx, const struct http_request *req, struct http_response *res);
size_t language_spoken(
	const struct portal *p); /* of the request that this thread answers: an index of views */

/* --- reply.c --------------------------------------------------------------------------------------- */
void reply_base(const struct portal *p, struct page_base *ret, const char *person,
		const char *csrf);
/* Sends what a page function has appended to res->body, or the failure page when r is not E_OK. */
void reply_page(const struct portal *p, struct http_response *res, unsigned status, int r);
void reply_redirect(struct http_response *res, const char *location);
/* One that no script reads; Lax, since logins elsewhere lead back here. seconds 0 takes it back. */
int reply_cookie(struct http_response *res, const char *name, const char *value,
		 int64_t seconds) MUST_CHECK;
void reply_message(const struct portal *p, struct http_response *res, unsigned status,
		   const struct page_message *m);
/* For failures below the pages: 503 when the store is away, else 500; logs em. */
void reply_failure(const struct portal *p, struct http_response *res, int r,
		   const struct errmsg *em);
/* Lets the form of this page lead to another address, a source expression of CSP. */
int reply_form_target(struct http_response *res, const char *target) MUST_CHECK;
void reply_not_found(const struct portal *p, struct http_response *res);
/* Security headers on every reply. */
void reply_after(void *ctx, const struct http_request *req, struct http_response *res);

/* --- one line per event; says so in the log when the trail cannot be written ------------------------- */
void note_event(const char *event, const struct http_request *req, const char *login,
		const char *name, const char *value);

/* --- handlers --------------------------------------------------------------------------------------- */
extern const struct http_route portal_routes[];

void login_get(void *ctx, const struct http_request *req, struct http_response *res);
void login_post(void *ctx, const struct http_request *req, struct http_response *res);
void logout_post(void *ctx, const struct http_request *req, struct http_response *res);
void setup_other_get(void *ctx, const struct http_request *req, struct http_response *res);
void setup_get(void *ctx, const struct http_request *req, struct http_response *res);
void setup_file_get(void *ctx, const struct http_request *req, struct http_response *res);
void capport_get(void *ctx, const struct http_request *req, struct http_response *res);
void welcome_get(void *ctx, const struct http_request *req, struct http_response *res);
void welcome_post(void *ctx, const struct http_request *req, struct http_response *res);
void about_get(void *ctx, const struct http_request *req, struct http_response *res);
void resume_get(void *ctx, const struct http_request *req, struct http_response *res);
void resume_post(void *ctx, const struct http_request *req, struct http_response *res);
void static_css_get(void *ctx, const struct http_request *req, struct http_response *res);
void static_logo_get(void *ctx, const struct http_request *req, struct http_response *res);
void static_mark_get(void *ctx, const struct http_request *req, struct http_response *res);
void static_anchor_get(void *ctx, const struct http_request *req, struct http_response *res);
void health_get(void *ctx, const struct http_request *req, struct http_response *res);

/* --- run.c: the whole program; returns the exit code ------------------------------------------------ */
int portal_run(int argc, char **argv);

#endif
