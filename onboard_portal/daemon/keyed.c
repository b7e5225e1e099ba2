#include "onboard_portal/daemon/keyed.h"

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/http/fetch.h"
#include "core/pki/cert.h"
#include "core/pki/key.h"
#include "core/pki/p12.h"
#include "core/pki/scep_client.h"
#include "onboard_portal/profile/android.h"

#include <stdlib.h>

#define KEY_BITS 2048
#define CA_TIMEOUT 15000 /* ms */
#define FILE_NAME_MAX 64
#define AT_ONCE 2 /* each costs tenths of a second of a processor */

struct making {
	char list[AT_ONCE][HASH_SIZE]; /* tickets, "": free */
};

static const struct kind {
	const char *ending;
	const char *type;
} kinds[] = {
	[KEYED_EAP_CONFIG] = {".eap-config", EAP_CONFIG_CONTENT_TYPE},
	[KEYED_PASSPOINT] = {".wifi-config", PASSPOINT_CONTENT_TYPE},
	[KEYED_P12] = {".p12", "application/x-pkcs12"},
};

static const char *passpoint_name(const struct portal *p)
{
	return conf_str(p->conf, "wifi", NULL, "passpoint");
}

bool keyed_passpoint(const struct portal *p)
{
	return *passpoint_name(p) != '\0';
}

int64_t keyed_lifetime(const struct portal *p, const struct portal_profile *f)
{
	int64_t seconds = conf_int(p->conf, "portal", NULL, "server-key-lifetime") * (int64_t)86400;

	return seconds < f->lifetime ? seconds : f->lifetime;
}

bool keyed_kind(const struct portal *p, const char *base, const char *name, enum keyed_kind *ret)
{
	size_t n = strlen(base);

	if (strncmp(name, base, n) != 0)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(name + n, kinds[i].ending) == 0) {
			*ret = (enum keyed_kind)i;
			return *ret != KEYED_PASSPOINT || keyed_passpoint(p);
		}
	}
	return false;
}

static int scep_url(const struct portal *p, const char *profile, char dst[FETCH_URL_MAX])
{
	const char *base = conf_str(p->conf, "portal", NULL, "scep-url");

	if (*base == '\0')
		base = conf_str(p->conf, "scep", NULL, "url");
	if (strncmp(base, "http://", 7) != 0)
		return E_CONFIG;
	return snprintf(dst, FETCH_URL_MAX, "%s/scep/%s?operation=PKIOperation", base, profile) <
			       FETCH_URL_MAX
		       ? E_OK
		       : E_CONFIG;
}

static int check(const struct portal *p, bool on, struct errmsg *em)
{
	char url[FETCH_URL_MAX];

	if (keyed_passpoint(p) && !text_is_name(passpoint_name(p), 253))
		return err_set(em, E_CONFIG,
			       "wifi: passpoint: a domain name, such as wifi.example.edu");
	if (!android_consortium_ok(conf_str(p->conf, "wifi", NULL, "passpoint-consortia")))
		return err_set(em, E_CONFIG,
			       "wifi: passpoint-consortia: 6 or 10 hex digits each, with commas");
	if (on && scep_url(p, "x", url) != E_OK)
		return err_set(em, E_CONFIG,
			       "portal: server-keys: set scep-url to the http:// address of "
			       "scep_ca's front (SCEP protects its own messages)");
	return E_OK;
}

int keyed_open(struct portal *p, struct errmsg *em)
{
	bool on = conf_bool(p->conf, "portal", NULL, "server-keys");
	int r = check(p, on, em);

	if (r != E_OK || !on)
		return r;
	p->making = calloc(1, sizeof(*p->making));
	return p->making != NULL ? fetch_start() : E_NOMEM;
}

void keyed_close(struct portal *p)
{
	free(p->making);
}

/* --- turns: few at once, and one for a ticket ------------------------------------------------------------ */

static bool take_turn(struct portal *p, const char *ticket)
{
	char *free_place = NULL;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (strcmp(p->making->list[i], ticket) == 0) {
			free_place = NULL;
			break;
		}
		if (p->making->list[i][0] == '\0')
			free_place = p->making->list[i];
	}
	if (free_place != NULL && text_copy(free_place, HASH_SIZE, ticket) != E_OK)
		free_place = NULL;
	pthread_mutex_unlock(&p->lock);
	return free_place != NULL;
}

static void give_turn(struct portal *p, const char *ticket)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < AT_ONCE; i++) {
		if (strcmp(p->making->list[i], ticket) == 0)
			p->making->list[i][0] = '\0';
	}
	pthread_mutex_unlock(&p->lock);
}

/* --- the exchange ------------------------------------------------------------------------------------------ */

static int post(const char *url, struct bytes message, struct buf *answer, struct errmsg *em)
{
	const struct fetch f = {.url = url,
				.content = message,
				.type = SCEP_CLIENT_TYPE,
				.open = true,
				.timeout_ms = CA_TIMEOUT,
				.max = SCEP_CLIENT_MAX};
	unsigned status = 0;
	int r = fetch_run(&f, &status, answer, em);

	if (r == E_OK && status != 200)
		r = err_set(em, E_UNAVAIL, "%s answers %u", url, status);
	return r;
}

static int enrol(const struct portal *p, const struct keyed_order *o, EVP_PKEY *key, X509 **ret,
		 struct errmsg *em)
{
	struct scep_client_run run = {.key = key};
	struct buf message, answer = {0};
	char url[FETCH_URL_MAX];
	int r = scep_url(p, o->profile->name, url);

	buf_init(&message, SCEP_CLIENT_MAX);
	if (r == E_OK)
		r = cert_from_der(buf_bytes(&o->profile->ra.der), &run.ra);
	if (r == E_OK)
		r = cert_from_der(buf_bytes(&o->profile->issuer.der), &run.issuer);
	if (r == E_OK)
		r = scep_client_request(&run, o->enrolment->device_id, o->enrolment->challenge,
					&message);
	if (r == E_OK)
		r = post(url, buf_bytes(&message), &answer, em);
	if (r == E_OK) {
		r = scep_client_answer(&run, buf_bytes(&answer), ret);
		if (r != E_OK && r != E_DENIED)
			(void)err_set(em, r, "%s: no CertRep of this RA and CA for us", url);
	}
	scep_client_end(&run);
	X509_free(run.ra);
	X509_free(run.issuer);
	buf_free(&message);
	buf_free(&answer);
	return r;
}

/* --- the file ---------------------------------------------------------------------------------------------- */

static int write_file(struct portal *p, const struct keyed_order *o, struct keyed *k,
		      struct buf *out)
{
	switch (o->kind) {
	case KEYED_EAP_CONFIG:
		return android_eap_config(o->enrolment, k, out);
	case KEYED_PASSPOINT:
		k->fqdn = passpoint_name(p);
		k->consortium = conf_str(p->conf, "wifi", NULL, "passpoint-consortia");
		return android_passpoint(o->enrolment, k, out);
	case KEYED_P12:
		buf_add_bytes(out, k->p12);
		return buf_error(out);
	}
	return E_INTERNAL;
}

static int wrap(struct portal *p, const struct keyed_order *o, EVP_PKEY *key, X509 *cert,
		struct buf *out)
{
	struct keyed k = {
		.passphrase = o->kind == KEYED_PASSPOINT ? "" : o->password,
		.realm = android_realm(o->enrolment->identity),
		.support = p->support,
		.language = p->languages[0],
	};
	struct buf p12, der;
	int r;

	buf_init(&p12, PROFILE_MAX);
	buf_init(&der, PROFILE_MAX);
	r = cert_validity(cert, &k.issued, &k.expires);
	if (r == E_OK)
		r = cert_to_der(cert, &der);
	if (r == E_OK)
		r = p12_make(key, cert, o->enrolment->ssid, k.passphrase, &p12);
	k.p12 = buf_bytes(&p12);
	k.cert = buf_bytes(&der);
	if (r == E_OK)
		r = write_file(p, o, &k, out);
	buf_free(&p12);
	buf_free(&der);
	return r;
}

/* Android takes a Passpoint file only without Content-Disposition, and as base64. */
static int set_headers(const struct keyed_order *o, struct http_response *res)
{
	char disposition[FILE_NAME_MAX + 32];
	int r;

	if (o->kind == KEYED_PASSPOINT) {
		r = http_set_header(res, "Content-Transfer-Encoding", "base64");
	} else {
		snprintf(disposition, sizeof(disposition), "attachment; filename=\"%.64s\"",
			 o->name);
		r = http_set_header(res, "Content-Disposition", disposition);
	}
	if (r == E_OK) {
		res->status = 200;
		res->content_type = kinds[o->kind].type;
	}
	return r;
}

int keyed_send(struct portal *p, const struct keyed_order *o, struct http_response *res,
	       struct errmsg *em)
{
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int r;

	if (strcmp(o->req->method, "HEAD") == 0) /* asks, and would get nothing of it */
		return set_headers(o, res);
	if (!take_turn(p, o->ticket))
		return E_STATE;
	r = key_generate_rsa(KEY_BITS, &key);
	if (r == E_OK)
		r = enrol(p, o, key, &cert, em);
	if (r == E_OK) {
		note_event("server_key_made", o->req, "", "device", o->enrolment->device_id);
		r = wrap(p, o, key, cert, &res->body);
	}
	if (r == E_OK)
		r = set_headers(o, res);
	EVP_PKEY_free(key);
	X509_free(cert);
	give_turn(p, o->ticket);
	return r;
}
