#include "onboard_portal/daemon/portal.h"

#include "core/base/digest.h"
#include "core/base/rnd.h"
#include "core/base/text.h"
#include "core/store/store_conf.h"
#include "onboard_portal/daemon/console.h"
#include "onboard_portal/daemon/keyed.h"
#include "onboard_portal/daemon/login.h"
#include "onboard_portal/daemon/voucher.h"
#include "onboard_portal/daemon/remind.h"
#include "onboard_portal/profile/pem.h"

#include <errno.h>
#include <unistd.h>

#define THREADS_MIN 16
#define PEM_MAX 65536
#define CERT_MAX 16384
#define THREADS_PER_CORE 4 /* a thread may wait for a password hash or for Redis */
#define DAY 86400

/* A wrong password costs an account 1 s after the third miss, up to 5 min; an address gets more
 * room, as a whole lecture hall may sit behind one. */
static const struct tries_rule account_rule = {
	.free_tries = 3, .first_delay = 1, .max_delay = 300, .forget = 3600};
static const struct tries_rule address_rule = {
	.free_tries = 20, .first_delay = 2, .max_delay = 300, .forget = 900};

static int read_key(const char *path, uint8_t key[PORTAL_KEY_SIZE], struct errmsg *em)
{
	uint8_t *data = NULL;
	size_t n = 0;
	int r = conf_secret(path, PORTAL_KEY_SIZE, &data, &n, em);

	if (r != E_OK)
		return r;
	if (n == PORTAL_KEY_SIZE)
		memcpy(key, data, PORTAL_KEY_SIZE);
	else
		r = err_set(em, E_CONFIG, "%s: a key has %d bytes, this file has %zu", path,
			    PORTAL_KEY_SIZE, n);
	text_wipe(data, n);
	free(data);
	return r;
}

static int read_text(const char *path, struct buf *out, struct errmsg *em)
{
	char part[4096];
	FILE *f = fopen(path, "re");
	size_t n;

	if (f == NULL)
		return err_set(em, E_CONFIG, "%s: %s", path, strerror(errno));
	buf_init(out, PEM_MAX);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	fclose(f);
	if (buf_error(out) != E_OK || strlen(buf_str(out)) != out->n)
		return err_set(em, E_CONFIG, "%s: not a PEM file", path);
	return E_OK;
}

static void colon_hex(char dst[PORTAL_FINGERPRINT_SIZE], const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text_hex_upper(dst + 3 * i, p + i, 1);
		dst[3 * i + 2] = i + 1 < n ? ':' : '\0';
	}
}

static int fingerprints(struct portal_cert *c)
{
	uint8_t sha1[20], sha256[32];
	int r = digest_sha1(buf_bytes(&c->der), sha1);

	if (r == E_OK)
		r = digest_sha256(buf_bytes(&c->der), sha256);
	if (r != E_OK)
		return r;
	colon_hex(c->sha1, sha1, sizeof(sha1));
	colon_hex(c->sha256, sha256, sizeof(sha256));
	return E_OK;
}

/* Reads the certificates of a PEM file; at least one, at most max. */
static int read_certs(const char *path, struct portal_cert *certs, size_t max, size_t *ret_n,
		      struct errmsg *em)
{
	struct buf text = {0};
	size_t pos = 0, n = 0;
	int r = read_text(path, &text, em);

	while (r == E_OK && n < max) {
		buf_init(&certs[n].der, CERT_MAX);
		r = pem_next(buf_str(&text), &pos, &certs[n].der);
		if (r == E_NOTFOUND && n > 0) {
			r = E_OK;
			break;
		}
		if (r == E_OK)
			r = fingerprints(&certs[n]);
		if (r == E_OK)
			n++;
		else
			r = err_set(em, E_CONFIG, "%s: no readable certificate in it", path);
	}
	buf_free(&text);
	if (r == E_OK)
		*ret_n = n;
	return r;
}

/* What scep_ca's front sends for this profile, and where chains in it end. */
static int choose_top(const struct portal *p, struct portal_profile *f, struct errmsg *em)
{
	const char *shape = conf_str(p->conf, "profile", f->name, "ca-shape");

	if (strcmp(shape, "chain") != 0 && strcmp(shape, "ra") != 0)
		return err_set(em, E_CONFIG, "profile \"%s\": ca-shape: must be ra or chain",
			       f->name);
	f->sends_root = strcmp(shape, "chain") == 0 && f->n_chain > 0;
	f->top = f->sends_root ? &f->chain[f->n_chain - 1] : &f->issuer;
	return E_OK;
}

static int open_profile(struct portal *p, const char *name, struct portal_profile *ret,
			struct errmsg *em)
{
	struct portal_cert certs[1 + PORTAL_CHAIN_MAX] = {0};
	size_t n = 0, n_ra = 0;
	int r;

	ret->name = name;
	ret->lifetime = conf_int(p->conf, "profile", name, "lifetime") * (int64_t)DAY;
	if (asprintf(&ret->scep_url, "%s/scep/%s", conf_str(p->conf, "scep", NULL, "url"), name) <
	    0) {
		ret->scep_url = NULL;
		return E_NOMEM;
	}
	r = read_certs(conf_path(p->conf, "profile", name, "issuer-cert"), certs,
		       1 + PORTAL_CHAIN_MAX, &n, em);
	ret->issuer = certs[0];
	for (size_t i = 0; i < PORTAL_CHAIN_MAX; i++)
		ret->chain[i] = certs[1 + i];
	if (r != E_OK)
		return r;
	ret->n_chain = n - 1;
	for (size_t i = 0; i < ret->n_chain; i++)
		ret->chain_der[i] = buf_bytes(&ret->chain[i].der);
	r = choose_top(p, ret, em);
	if (r != E_OK)
		return r;
	return read_certs(conf_path(p->conf, "profile", name, "ra-cert"), &ret->ra, 1, &n_ra, em);
}

static int open_profiles(struct portal *p, struct errmsg *em)
{
	size_t n_anchor;
	int r;

	p->n_profiles = conf_titles(p->conf, "profile", &p->profile_names);
	if (p->n_profiles == 0)
		return err_set(em, E_CONFIG, "no profile section: nobody could get a certificate");
	p->profiles = calloc(p->n_profiles, sizeof(*p->profiles));
	if (p->profiles == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < p->n_profiles; i++) {
		r = open_profile(p, p->profile_names[i], &p->profiles[i], em);
		if (r != E_OK)
			return r;
	}
	return read_certs(conf_path(p->conf, "wifi", NULL, "server-ca"), &p->anchor, 1, &n_anchor,
			  em);
}

static int open_groups(struct portal *p)
{
	const char *const *names;

	p->n_groups = conf_titles(p->conf, "group", &names);
	p->groups = calloc(p->n_groups + 1, sizeof(*p->groups));
	if (p->groups == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < p->n_groups; i++) {
		struct choice_group *g = &p->groups[i];

		g->name = names[i];
		g->priority = conf_int(p->conf, "group", names[i], "priority");
		g->device_limit = conf_int(p->conf, "group", names[i], "device-limit");
		g->n_profiles = conf_list(p->conf, "group", names[i], "profiles", &g->profiles);
	}
	return E_OK;
}

static unsigned count_threads(const struct conf *c)
{
	long threads = conf_int(c, "portal", NULL, "threads"),
	     cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (threads == 0)
		threads = (cores > 0 ? cores : 1) * THREADS_PER_CORE;
	return threads > THREADS_MIN || conf_int(c, "portal", NULL, "threads") > 0
		       ? (unsigned)threads
		       : THREADS_MIN;
}

/* A request holds at most one connection, so with one for each thread none ever waits. */
static int open_store(struct portal *p, struct errmsg *em)
{
	return store_conf_open_pool(p->conf, "portal", p->threads, &p->pool, em);
}

static int check_texts(struct portal *p, struct errmsg *em)
{
	const char *onboarding = conf_str(p->conf, "wifi", NULL, "onboarding-ssid");

	if (strncmp(p->url, "https://", 8) != 0)
		return err_set(em, E_CONFIG, "portal: url: must begin with https://");
	if (!text_is_plain(p->ssid, 32) || (*onboarding != '\0' && !text_is_plain(onboarding, 32)))
		return err_set(em, E_CONFIG,
			       "wifi: ssid: 1 to 32 bytes without control characters");
	if (!text_is_plain(p->organization, 64))
		return err_set(em, E_CONFIG,
			       "organization: 1 to 64 bytes without control characters");
	if (!text_is_name(conf_str(p->conf, "portal", NULL, "profile-id"), 200))
		return err_set(em, E_CONFIG,
			       "portal: profile-id: letters, digits, dots and dashes only");
	return E_OK;
}

static int open_memory(struct portal *p)
{
	unsigned threads = p->threads;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint8_t key[TRIES_KEY_SIZE];
	int r = rnd_bytes(key, sizeof(key));

	/* A hash takes a core, a directory only time; and some threads stay free for who is logged in. */
	p->hashes.max = cores > 1 ? (unsigned)cores : 1;
	p->binds.max = (threads + 1) / 2;
	p->waiting_max = threads / 4 > 1 ? threads / 4 : 1;
	if (r == E_OK)
		r = tries_new(&account_rule, 8192, key, &p->by_account);
	if (r == E_OK)
		r = tries_new(&address_rule, 8192, key, &p->by_address);
	if (r == E_OK) {
		p->logouts = logouts_new(1024);
		r = p->logouts != NULL ? E_OK : E_NOMEM;
	}
	text_wipe(key, sizeof(key));
	return r;
}

static int open_all(struct portal *p, struct errmsg *em)
{
	struct conf *c = p->conf;
	int r = check_texts(p, em);

	if (r == E_OK)
		r = read_key(conf_path(c, "portal", NULL, "session-key"), p->session_key, em);
	if (r == E_OK)
		r = read_key(conf_path(c, "portal", NULL, "challenge-key"), p->challenge_key, em);
	if (r == E_OK)
		r = read_key(conf_path(c, "portal", NULL, "ticket-mac-key"), p->ticket_mac_key, em);
	if (r == E_OK)
		r = language_open(p, em);
	if (r == E_OK)
		r = open_profiles(p, em);
	if (r == E_OK)
		r = open_groups(p);
	if (r == E_OK)
		r = keyed_open(p, em);
	if (r == E_OK)
		r = open_memory(p);
	if (r == E_OK)
		r = captive_open(c, &p->captive, em);
	if (r == E_OK)
		r = open_store(p, em);
	if (r == E_OK)
		r = console_open(p, em);
	if (r == E_OK)
		r = voucher_open(p, em);
	if (r == E_OK)
		r = remind_check(c, em);
	if (r == E_OK)
		r = portal_open_login(p, em);
	return r;
}

int portal_open(struct conf *conf, struct portal **ret, struct errmsg *em)
{
	struct portal *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return E_NOMEM;
	p->conf = conf;
	p->threads = count_threads(conf);
	p->organization = conf_str(conf, "", NULL, "organization");
	p->support = conf_str(conf, "portal", NULL, "support");
	p->url = conf_str(conf, "portal", NULL, "url");
	p->ssid = conf_str(conf, "wifi", NULL, "ssid");
	p->session_lifetime = conf_int(conf, "portal", NULL, "session-lifetime") * 60;
	p->session_idle = conf_int(conf, "portal", NULL, "session-idle") * 60;
	p->ticket_lifetime = conf_int(conf, "portal", NULL, "ticket-lifetime") * 60;
	if (pthread_mutex_init(&p->lock, NULL) != 0 || pthread_cond_init(&p->checked, NULL) != 0) {
		free(p);
		return E_NOMEM;
	}
	r = open_all(p, em);
	if (r != E_OK) {
		portal_close(p);
		return r;
	}
	*ret = p;
	return E_OK;
}

static void close_profile(struct portal_profile *f)
{
	free(f->scep_url);
	buf_free(&f->issuer.der);
	buf_free(&f->ra.der);
	for (size_t i = 0; i < PORTAL_CHAIN_MAX; i++)
		buf_free(&f->chain[i].der);
}

void portal_close(struct portal *p)
{
	if (p == NULL)
		return;
	portal_close_login(p);
	store_pool_close(p->pool);
	console_close(p);
	voucher_close(p);
	for (size_t i = 0; p->profiles != NULL && i < p->n_profiles; i++)
		close_profile(&p->profiles[i]);
	free(p->profiles);
	free(p->groups);
	buf_free(&p->anchor.der);
	language_close(p);
	keyed_close(p);
	tries_free(p->by_account);
	tries_free(p->by_address);
	logouts_free(p->logouts);
	captive_close(&p->captive);
	pthread_cond_destroy(&p->checked);
	pthread_mutex_destroy(&p->lock);
	text_wipe(p, sizeof(*p));
	free(p);
}

const struct portal_profile *portal_find_profile(const struct portal *p, const char *name)
{
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (strcmp(p->profiles[i].name, name) == 0)
			return &p->profiles[i];
	}
	return NULL;
}
