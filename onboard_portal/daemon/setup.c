#include "onboard_portal/daemon/for_others.h"
#include "onboard_portal/daemon/looks.h"
#include "onboard_portal/daemon/gate.h"

#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/store_desk.h"
#include "onboard_portal/daemon/keyed.h"
#include "onboard_portal/daemon/sign.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/flow/enrol.h"
#include "onboard_portal/flow/platform.h"
#include "onboard_portal/profile/apple.h"
#include "onboard_portal/profile/chromeos.h"
#include "onboard_portal/profile/linux.h"
#include "onboard_portal/profile/linux_conf.h"
#include "onboard_portal/profile/windows.h"

/* What stands behind a capability link that still works. */
struct link {
	char challenge[ENROL_CHALLENGE_SIZE];
	struct ticket ticket;
	struct device device;
	bool renews; /* the device has a certificate */
	const struct portal_profile *profile;
	int64_t now;
};

static int read_ticket(struct portal *p, struct store *s, const char *hash, struct ticket *ret,
		       struct errmsg *em)
{
	struct store_ticket st = {0};
	uint8_t mac[32];
	int r = store_ticket_get(s, hash, &st, em);

	if (r == E_OK)
		r = digest_hmac_sha256(bytes_of(p->ticket_mac_key, PORTAL_KEY_SIZE),
				       buf_bytes(&st.content), mac);
	if (r == E_OK && (st.mac.n != sizeof(mac) || !text_ct_equal(mac, st.mac.p, sizeof(mac))))
		r = err_set(em, E_NOTFOUND, "a ticket whose MAC is not ours");
	if (r == E_OK)
		r = ticket_decode(buf_bytes(&st.content), ret);
	if (r == E_OK && strcmp(ret->challenge, hash) != 0)
		r = err_set(em, E_NOTFOUND, "a ticket stored under another challenge");
	buf_free(&st.content);
	buf_free(&st.mac);
	return r;
}

/* The device, when this is its open ticket: not used, not replaced, not revoked. */
static int read_device(struct store *s, struct link *l, struct errmsg *em)
{
	const struct ticket *t = &l->ticket;
	struct store_device_row *rows = NULL;
	size_t n = 0;
	int r = store_devices(s, t->user, &rows, &n, em), found = E_NOTFOUND;

	for (size_t i = 0; r == E_OK && i < n; i++) {
		if (strcmp(rows[i].device.id, t->device) != 0)
			continue;
		if (rows[i].ticket_open && strcmp(rows[i].ticket, t->challenge) == 0) {
			struct page_device d = {&rows[i].device, &rows[i].cert, false, 0, 0};
			enum device_state at = page_device_state(&d, t->issued);

			l->device = rows[i].device;
			l->renews = at == DEVICE_ACTIVE || at == DEVICE_EXPIRING;
			found = E_OK;
		}
		break;
	}
	free(rows);
	return r == E_OK ? found : r;
}

static int read_link(struct portal *p, struct store *s, const char *token, struct link *l,
		     struct errmsg *em)
{
	char hash[HASH_SIZE];
	struct user person;
	int r;

	l->now = clock_now();
	if (!enrol_token_ok(token))
		return E_NOTFOUND;
	r = enrol_challenge(token, p->challenge_key, l->challenge, hash);
	if (r == E_OK)
		r = read_ticket(p, s, hash, &l->ticket, em);
	if (r == E_OK && l->ticket.expires <= l->now)
		r = E_NOTFOUND;
	if (r == E_OK) {
		r = gate_read_person(s, l->ticket.user, &person, em);
		if (r == E_DENIED)
			r = E_NOTFOUND;
	}
	if (r == E_OK)
		r = read_device(s, l, em);
	if (r == E_OK) {
		l->profile = portal_find_profile(p, l->ticket.profile);
		r = l->profile != NULL ? E_OK : E_NOTFOUND;
	}
	return r;
}

static const struct page_message gone = {.title_key = "gone_title",
					 .text_key = "gone",
					 .detail = "",
					 .action = "/devices",
					 .action_key = "back_devices"};

/* False when the reply (404, 410, 503) is already made. The caller wipes *l. */
static bool open_link(struct portal *p, const struct http_request *req, struct http_response *res,
		      struct link *l)
{
	struct store *s = store_pool_get(p->pool);
	struct errmsg em = {0};
	int r = s != NULL ? read_link(p, s, req->params[0], l, &em)
			  : err_set(&em, E_UNAVAIL, "all connections to Redis are in use");

	if (s != NULL)
		store_pool_put(p->pool, s);
	if (r == E_OK && l->profile != NULL)
		return true;
	text_wipe(l, sizeof(*l));
	if (r == E_NOTFOUND)
		reply_message(p, res, 410, &gone);
	else
		reply_failure(p, res, r, &em);
	return false;
}

static const char *script_text(const char *name)
{
	const struct asset *a = asset_find(name);

	return a != NULL ? a->data : NULL;
}

void setup_enrolment(const struct portal *p, const struct portal_profile *f, const char *device_id,
		     const char *challenge, struct enrolment *ret)
{
	const struct view *words = looks_now(p)->views[0];

	*ret = (struct enrolment){
		.organization = p->organization,
		.ssid = p->ssid,
		.onboarding_ssid = conf_str(p->conf, "wifi", NULL, "onboarding-ssid"),
		.server_name = conf_str(p->conf, "wifi", NULL, "server-name"),
		.identity = conf_str(p->conf, "wifi", NULL, "identity"),
		.profile_id = conf_str(p->conf, "portal", NULL, "profile-id"),
		.scep_url = f->scep_url,
		.profile = f->name,
		.device_id = device_id,
		.challenge = challenge,
		.anchor = buf_bytes(&p->anchor.der),
		.issuer = buf_bytes(&f->issuer.der),
		.top = buf_bytes(&f->top->der),
		.ra = buf_bytes(&f->ra.der),
		.chain = f->chain_der,
		.n_chain = f->n_chain,
		.wpa3 = conf_bool(p->conf, "wifi", NULL, "wpa3-only"),
		.linux_body = script_text("enrol.sh"),
		.windows_body = script_text("enrol.ps1"),
		.words =
			{
				.root = view_text(words, "file_root"),
				.scep = view_text(words, "file_scep"),
				.about = view_text(words, "file_about"),
				.script = view_text(words, "file_script"),
				.missing = view_text(words, "file_missing"),
				.ask_code = view_text(words, "file_ask_code"),
				.bad_code = view_text(words, "file_bad_code"),
				.not_issued = view_text(words, "file_not_issued"),
				.done = view_text(words, "file_done"),
				.connect = view_text(words, "file_connect"),
				.p12 = view_text(words, "file_p12"),
				.trust = view_text(words, "file_trust"),
			},
	};
}

static void fill_enrolment(const struct portal *p, const struct link *l, struct enrolment *e)
{
	setup_enrolment(p, l->profile, l->device.id, l->challenge, e);
}

/* Files of a device are called this and an ending. */
static void file_name(const struct portal *p, char dst[48])
{
	char slug[LINUX_SLUG_SIZE];

	linux_slug(p->ssid, slug);
	snprintf(dst, 48, "wifi-%s", slug);
}

static int setup_page(struct portal *p, const struct http_request *req, struct http_response *res,
		      const struct link *l)
{
	struct buf before, after, nmcli, wpa, iwd, certmonger, again;
	struct enrolment e;
	struct page_base b;
	char base[64], file[48], password[ENROL_PASSWORD_SIZE] = "";
	int r;

	buf_init(&before, 8192);
	buf_init(&after, 8192);
	buf_init(&nmcli, 8192);
	buf_init(&wpa, 8192);
	buf_init(&iwd, 8192);
	buf_init(&certmonger, 8192);
	buf_init(&again, 8192);
	fill_enrolment(p, l, &e);
	file_name(p, file);
	snprintf(base, sizeof(base), "/e/%s", req->params[0]);
	/* pki --scepca wants a root in the answer. */
	r = l->profile->sends_root ? linux_commands(&e, &before, &after) : E_OK;
	if (r == E_OK)
		r = linux_nmcli(&e, &nmcli);
	if (r == E_OK)
		r = linux_wpa_command(&e, &wpa);
	if (r == E_OK)
		r = linux_iwd_command(&e, &iwd);
	if (r == E_OK)
		r = linux_certmonger(&e, &certmonger, &again);
	if (r == E_OK)
		r = enrol_password(req->params[0], p->challenge_key, password);
	reply_base(p, &b, NULL, "");
	if (r == E_OK)
		r = page_setup(&b,
			       &(struct page_setup){
				       .device = &l->device,
				       .challenge = l->challenge,
				       .minutes = (l->ticket.expires - l->now + 59) / 60,
				       .scep_url = e.scep_url,
				       .profile = e.profile,
				       .top_sha256 = l->profile->top->sha256,
				       .top_sha1 = l->profile->top->sha1,
				       .issuer_sha256 = l->profile->sends_root
								? l->profile->issuer.sha256
								: NULL,
				       .anchor_sha256 = p->anchor.sha256,
				       .anchor_sha1 = p->anchor.sha1,
				       .server_name = e.server_name,
				       .identity = e.identity,
				       .base = base,
				       .file = file,
				       .before = buf_str(&before),
				       .after = buf_str(&after),
				       .nmcli = buf_str(&nmcli),
				       .wpa = buf_str(&wpa),
				       .iwd = buf_str(&iwd),
				       .certmonger = buf_str(&certmonger),
				       .certmonger_again = buf_str(&again),
				       .server_keys = p->making != NULL,
				       .password = password,
				       .renews = l->renews,
				       .days = l->ticket.lifetime / 86400,
				       .passpoint = keyed_passpoint(p),
			       },
			       &res->body);
	buf_free(&before);
	buf_free(&after);
	buf_free(&nmcli);
	buf_free(&wpa);
	buf_free(&iwd);
	buf_free(&certmonger);
	buf_free(&again);
	text_wipe(password, sizeof(password));
	return r;
}

void setup_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct link l = {0};

	if (!open_link(p, req, res, &l))
		return;
	reply_page(p, res, 200, setup_page(p, req, res, &l));
	text_wipe(&l, sizeof(l));
}

void setup_other_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	struct portal *p = ctx;
	struct link l = {0};
	char back[64];

	if (!open_link(p, req, res, &l))
		return;
	snprintf(back, sizeof(back), "/e/%s", req->params[0]);
	handover_page(p, res,
		      &(struct handover){.token = req->params[0],
					 .device = l.device.name,
					 .expires = l.ticket.expires,
					 .back = back,
					 .back_key = "handover_back"});
	text_wipe(back, sizeof(back));
	text_wipe(&l, sizeof(l));
}

static int send_apple(struct portal *p, const struct link *l, struct http_response *res,
		      struct errmsg *em)
{
	struct enrolment e;
	struct buf plain;
	int r;

	buf_init(&plain, PROFILE_MAX);
	fill_enrolment(p, l, &e);
	r = apple_profile(&e, &plain);
	if (r == E_OK)
		r = sign_profile(conf_path(p->conf, "portal", NULL, "tls-cert"),
				 conf_path(p->conf, "portal", NULL, "tls-key"), buf_bytes(&plain),
				 &res->body, em);
	if (r == E_OK) {
		res->status = 200;
		res->content_type = APPLE_CONTENT_TYPE;
	}
	buf_free(&plain);
	return r;
}

/* What a platform may fetch beside Apple's profile, and who writes it. */
static const struct file {
	const char *platform;
	const char *ending;
	const char *type;
	int (*write)(const struct enrolment *e, struct buf *out);
} files[] = {
	{"linux", ".sh", "text/x-shellscript; charset=utf-8", linux_script},
	{"windows", ".ps1", "text/plain; charset=utf-8", windows_script},
	{"windows", ".xml", "text/xml; charset=utf-8", windows_wlan},
	{"chromeos", ".sh", "text/x-shellscript; charset=utf-8", linux_script},
	{"chromeos", ".onc", CHROMEOS_CONTENT_TYPE, chromeos_onc},
};

/* What holds a key of the server's making; each can be fetched once. */
static int send_keyed(struct portal *p, const struct http_request *req, const struct link *l,
		      const char *name, struct http_response *res, struct errmsg *em)
{
	char password[ENROL_PASSWORD_SIZE] = "", base[48];
	struct keyed_order o = {.profile = l->profile,
				.ticket = l->ticket.challenge,
				.req = req,
				.password = password,
				.name = name};
	struct enrolment e;
	int r;

	file_name(p, base);
	if (!platform_keyless(l->device.platform) || p->making == NULL ||
	    !keyed_kind(p, base, name, &o.kind))
		return E_NOTFOUND;
	fill_enrolment(p, l, &e);
	o.enrolment = &e;
	r = enrol_password(req->params[0], p->challenge_key, password);
	if (r == E_OK)
		r = keyed_send(p, &o, res, em);
	text_wipe(password, sizeof(password));
	return r;
}

static const struct file *find_file(const struct portal *p, const char *platform, const char *name)
{
	char want[64], base[48];

	file_name(p, base);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(want, sizeof(want), "%s%s", base, files[i].ending);
		if (strcmp(files[i].platform, platform) == 0 && strcmp(want, name) == 0)
			return &files[i];
	}
	return NULL;
}

static int send_file(struct portal *p, const struct link *l, const struct file *f, const char *name,
		     struct http_response *res)
{
	char disposition[128];
	struct enrolment e;
	int r;

	fill_enrolment(p, l, &e);
	snprintf(disposition, sizeof(disposition), "attachment; filename=\"%s\"", name);
	r = f->write(&e, &res->body);
	if (r == E_OK)
		r = http_set_header(res, "Content-Disposition", disposition);
	if (r == E_OK) {
		res->status = 200;
		res->content_type = f->type;
	}
	return r;
}

/* For the help desk: how far somebody came. A set-up goes on without it. */
static void note_download(struct portal *p, const struct link *l, const char *name)
{
	struct store *s = store_pool_get(p->pool);
	const char *hash = l->ticket.challenge;
	struct errmsg em = {0};

	if (s == NULL)
		return;
	if (store_enrol_note_of(s, hash, hash, "download", "none", name, &em) != E_OK)
		log_warn("a download is not in the story of its enrolment: %s", em.text);
	store_pool_put(p->pool, s);
}

static int send_eap_config(struct portal *p, const struct http_request *req, const struct link *l,
			   const char *token, struct http_response *res, struct errmsg *em)
{
	char password[ENROL_PASSWORD_SIZE] = "", base[48], name[sizeof(base) + 16];
	struct keyed_order o = {.kind = KEYED_EAP_CONFIG,
				.profile = l->profile,
				.ticket = l->ticket.challenge,
				.req = req,
				.password = password,
				.name = name};
	struct enrolment e;
	int r = enrol_password(token, p->challenge_key, password);

	file_name(p, base);
	(void)snprintf(name, sizeof(name), "%s.eap-config", base);
	fill_enrolment(p, l, &e);
	o.enrolment = &e;
	if (r == E_OK)
		r = keyed_send(p, &o, res, em);
	text_wipe(password, sizeof(password));
	return r;
}

int setup_app_file(struct portal *p, const struct http_request *req, const char *token,
		   bool eap_config, struct http_response *res, struct errmsg *em)
{
	struct store *s = store_pool_get(p->pool);
	struct link l = {0};
	int r = s != NULL ? read_link(p, s, token, &l, em)
			  : err_set(em, E_UNAVAIL, "all connections to Redis are in use");

	if (s != NULL)
		store_pool_put(p->pool, s); /* the CA may take its time */
	if (r == E_OK && l.profile == NULL)
		r = E_NOTFOUND;
	if (r == E_OK)
		r = eap_config ? send_eap_config(p, req, &l, token, res, em)
			       : send_apple(p, &l, res, em);
	if (r == E_OK)
		note_download(p, &l, eap_config ? "eap-config" : "wifi.mobileconfig");
	else
		buf_reset(&res->body);
	text_wipe(&l, sizeof(l));
	return r;
}

static void refuse_file(struct portal *p, struct http_response *res, int r, const struct errmsg *em)
{
	static const struct page_message busy = {
		.title_key = "keyed_busy_title", .text_key = "keyed_busy", .detail = ""};

	if (r == E_NOTFOUND)
		reply_not_found(p, res);
	else if (r == E_DENIED) /* the CA knows this code as used */
		reply_message(p, res, 410, &gone);
	else if (r == E_STATE)
		reply_message(p, res, 503, &busy);
	else
		reply_failure(p, res, r, em);
}

void setup_file_get(void *ctx, const struct http_request *req, struct http_response *res)
{
	const char *name = req->params[1];
	const struct file *f;
	struct errmsg em = {0};
	struct portal *p = ctx;
	struct link l = {0};
	int r = E_OK;

	if (!open_link(p, req, res, &l))
		return;
	f = find_file(p, l.device.platform, name);
	if (f != NULL)
		r = send_file(p, &l, f, name, res);
	else if (strcmp(l.device.platform, "apple") == 0 && strcmp(name, "wifi.mobileconfig") == 0)
		r = send_apple(p, &l, res, &em);
	else
		r = send_keyed(p, req, &l, name, res, &em);
	if (r != E_OK) {
		buf_reset(&res->body);
		refuse_file(p, res, r, &em);
	} else if (res->status == 200) {
		note_download(p, &l, name);
	}
	text_wipe(&l, sizeof(l));
}
