#include "scep_ca/signer/keys.h"

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"
#include "core/pki/ocsp.h"
#include "core/pki/token.h"

#include <unistd.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#define DAY 86400

static int load_secret(const char *path, uint8_t dst[KEYS_SECRET_SIZE], struct errmsg *em)
{
	uint8_t *p = NULL;
	size_t n = 0;
	int r = conf_secret(path, 4096, &p, &n, em);

	if (r != E_OK)
		return r;
	if (n == KEYS_SECRET_SIZE)
		memcpy(dst, p, n);
	else
		r = err_set(em, E_CONFIG, "%s: must hold exactly %d bytes", path, KEYS_SECRET_SIZE);
	text_wipe(p, n);
	free(p);
	return r;
}

/* RFC 8894 section 2.1.2 and what Apple's client looks for: a leaf that signs and enciphers. */
static int check_ra(const struct keys_profile *p, const char *path, struct errmsg *em)
{
	const uint32_t need = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT;

	if (!cert_check_rsa(p->ra_cert))
		return err_set(em, E_CONFIG,
			       "%s: the RA key must be RSA, SCEP clients know no other", path);
	if ((X509_get_key_usage(p->ra_cert) & need) != need)
		return err_set(em, E_CONFIG,
			       "%s: lacks key usage digitalSignature or keyEncipherment", path);
	if (X509_verify(p->ra_cert, X509_get0_pubkey(p->issuer)) != 1)
		return err_set(em, E_CONFIG, "%s: is not signed by the issuing CA of profile '%s'",
			       path, p->name);
	return E_OK;
}

static int check_issuer(struct keys_profile *p, const char *path, struct errmsg *em)
{
	if (!cert_check_ca(p->issuer))
		return err_set(em, E_CONFIG, "%s: is not a CA certificate", path);
	if (!cert_check_rsa(p->issuer))
		return err_set(em, E_CONFIG,
			       "%s: Apple and Windows refuse SCEP from an issuer that is not RSA",
			       path);
	if (cert_ski(p->issuer, p->issuer_id) != E_OK)
		return err_set(em, E_CONFIG, "%s: has no subject key identifier", path);
	if (ca_dir_id(p->issuer, p->id) != E_OK)
		return err_set(em, E_CONFIG, "%s: its key identifier is too short", path);
	if (cert_validity(p->issuer, &p->issuer_from, &p->issuer_to) != E_OK)
		return err_set(em, E_CONFIG, "%s: its dates are malformed", path);
	return E_OK;
}

/* key_path: NULL when the key is for the other role. */
static int load_pair(const struct conf *c, const char *cert_path, const char *key_path,
		     X509 **ret_cert, EVP_PKEY **ret_key, struct errmsg *em)
{
	int r = cert_load(cert_path, ret_cert, em);

	if (r != E_OK || !key_path)
		return r;
	r = key_open(c, key_path, ret_key, em);
	if (r == E_OK && !cert_check_key(*ret_cert, *ret_key))
		r = err_set(em, E_CONFIG, "%s: is not the key of %s", key_path, cert_path);
	return r;
}

/* Requests that devices have made for the RA before this one are still on their way. */
static int load_old_ra(const struct conf *c, const char *name, struct keys_profile *p,
		       struct errmsg *em)
{
	const char *beside = conf_path(c, "profile", name, "ra-cert");
	char cert[CA_DIR_PATH_SIZE], key[CA_DIR_PATH_SIZE];
	struct errmsg none;
	int r = ca_dir_previous(beside, &p->old_ra_until, &none);

	if (r == E_NOTFOUND || (r == E_OK && p->old_ra_until <= clock_now()))
		return E_OK;
	if (r != E_OK)
		return err_set(em, r, "%s", none.text);
	r = ca_dir_path(beside, "now/previous/ra.pem", cert, em);
	if (r == E_OK)
		r = ca_dir_path(beside, "now/previous/ra.key", key, em);
	return r == E_OK ? load_pair(c, cert, key, &p->old_ra_cert, &p->old_ra_key, em) : r;
}

static int load_ocsp_pair(const struct conf *c, const char *cert, const char *key,
			  struct keys_profile *p, struct errmsg *em)
{
	int r = load_pair(c, cert, key, &p->ocsp_cert, &p->ocsp_key, em);

	if (r != E_OK)
		return r;
	if (!ocsp_is_responder(p->ocsp_cert, p->issuer))
		return err_set(
			em, E_CONFIG,
			"%s: is no OCSP responder (OCSPSigning) of the issuing CA of profile "
			"'%s'",
			cert, p->name);
	if (cert_validity(p->ocsp_cert, &p->ocsp_from, &p->ocsp_to) != E_OK)
		return err_set(em, E_CONFIG, "%s: its dates are malformed", cert);
	return E_OK;
}

/* Optional: an instance without these has no OCSP. */
static int load_ocsp(const struct conf *c, const char *name, struct keys_profile *p,
		     struct errmsg *em)
{
	const char *cert = conf_path(c, "profile", name, "ocsp-cert");
	const char *key = conf_path(c, "profile", name, "ocsp-key");

	if (!*cert && !*key)
		return E_OK;
	if (!*cert || !*key)
		return err_set(em, E_CONFIG, "profile \"%s\": ocsp-cert and ocsp-key go together",
			       name);
	return load_ocsp_pair(c, cert, key, p, em);
}

/* "{issuer}" in a URL stands for the CA, whose list is not that of the CA before it. */
static bool expand_url(char dst[KEYS_URL_SIZE], const char *url, const char *id)
{
	static const char mark[] = "{issuer}";
	const char *at = strstr(url, mark);
	int n = at ? snprintf(dst, KEYS_URL_SIZE, "%.*s%s%s", (int)(at - url), url, id,
			      at + sizeof(mark) - 1)
		   : snprintf(dst, KEYS_URL_SIZE, "%s", url);

	return n >= 0 && n < KEYS_URL_SIZE && (!*dst || cert_is_url(dst));
}

static int load_url(const struct conf *c, const char *name, const char *key, const char *id,
		    char dst[KEYS_URL_SIZE], struct errmsg *em)
{
	const char *url = conf_str(c, "profile", name, key);

	if (!expand_url(dst, url, id))
		return err_set(em, E_CONFIG,
			       "profile \"%s\": %s: must be an http:// URL without blanks, of at "
			       "most 255 bytes",
			       name, key);
	return E_OK;
}

static int load_profile(const struct conf *c, enum keys_of role, const char *name,
			struct keys_profile *p, struct errmsg *em)
{
	const char *issuer = conf_path(c, "profile", name, "issuer-cert");
	const char *ra = conf_path(c, "profile", name, "ra-cert");
	int r;

	if (!text_is_name(name, NAME_SIZE - 1) || text_copy(p->name, sizeof(p->name), name) != E_OK)
		return err_set(em, E_CONFIG,
			       "profile \"%s\": letters, digits and . _ @ - only, at most %d", name,
			       NAME_SIZE - 1);
	r = load_pair(c, issuer,
		      role == KEYS_CA ? conf_path(c, "profile", name, "issuer-key") : NULL,
		      &p->issuer, &p->issuer_key, em);
	if (r == E_OK)
		r = check_issuer(p, issuer, em);
	if (r == E_OK)
		r = load_pair(c, ra,
			      role == KEYS_RA ? conf_path(c, "profile", name, "ra-key") : NULL,
			      &p->ra_cert, &p->ra_key, em);
	if (r == E_OK)
		r = check_ra(p, ra, em);
	if (r == E_OK && role == KEYS_RA)
		r = load_old_ra(c, name, p, em);
	if (r == E_OK && role == KEYS_CA)
		r = load_ocsp(c, name, p, em);
	if (r == E_OK)
		r = load_url(c, name, "crl-url", p->id, p->crl_url, em);
	if (r == E_OK)
		r = load_url(c, name, "ocsp-url", p->id, p->ocsp_url, em);
	if (r != E_OK)
		return r;
	p->lifetime_max = (int64_t)conf_int(c, "profile", name, "lifetime") * DAY;
	p->allow_3des = conf_bool(c, "profile", name, "allow-3des");
	p->allow_des = conf_bool(c, "profile", name, "allow-des");
	p->allow_sha1 = conf_bool(c, "profile", name, "allow-sha1");
	if (role == KEYS_CA)
		r = rate_new(conf_int(c, "profile", name, "rate"), &p->rate);
	return r == E_OK ? E_OK : err_set(em, r, "%s", err_text(r));
}

/* A CA that this profile had before: what it has issued is still revoked and asked for. */
static int load_retired(const struct conf *c, const char *beside, const char *id,
			struct keys_profile *p, struct errmsg *em)
{
	static const char *const files[] = {"issuing.pem", "issuing.key", "ocsp.pem", "ocsp.key"};
	char paths[4][CA_DIR_PATH_SIZE], part[80];
	int r = text_copy(p->name, sizeof(p->name), id);

	p->retired = true;
	for (size_t i = 0; r == E_OK && i < 4; i++) {
		snprintf(part, sizeof(part), "now/retired/%.32s/%s", id, files[i]);
		r = ca_dir_path(beside, part, paths[i], em);
	}
	if (r == E_OK)
		r = load_pair(c, paths[0], paths[1], &p->issuer, &p->issuer_key, em);
	if (r == E_OK)
		r = check_issuer(p, paths[0], em);
	if (r == E_OK && strcmp(p->id, id) != 0)
		r = err_set(em, E_CONFIG, "%s: is another CA than its folder says", paths[0]);
	if (r != E_OK || access(paths[2], F_OK) != 0)
		return r;
	return load_ocsp_pair(c, paths[2], paths[3], p, em);
}

static int load_all_retired(const struct conf *c, const char *name, struct keys *k,
			    struct errmsg *em)
{
	const char *beside = conf_path(c, "profile", name, "issuer-cert");
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE];
	size_t n = 0;
	int r = ca_dir_retired(beside, ids, &n, em);

	for (size_t i = 0; r == E_OK && i < n; i++)
		r = load_retired(c, beside, ids[i], &k->profiles[k->n++], em);
	return r;
}

/* A library context of its own, so that the legacy ciphers are in reach of nothing else. */
static int load_legacy(struct keys *k, struct errmsg *em)
{
	bool wanted = false;

	for (size_t i = 0; i < k->n; i++)
		wanted = wanted || k->profiles[i].allow_des;
	if (!wanted)
		return E_OK;
	k->legacy = OSSL_LIB_CTX_new();
	if (!k->legacy)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	k->providers[0] = OSSL_PROVIDER_load(k->legacy, "default");
	k->providers[1] = OSSL_PROVIDER_load(k->legacy, "legacy");
	ERR_clear_error();
	if (!k->providers[0] || !k->providers[1])
		return err_set(em, E_CONFIG,
			       "allow-des: OpenSSL's legacy provider is not installed "
			       "(Debian 13: package openssl-provider-legacy)");
	return E_OK;
}

int keys_load(const struct conf *c, enum keys_of role, struct keys **ret, struct errmsg *em)
{
	const char *blocked = conf_path(c, "scep", NULL, "blocked-keys");
	struct keys *k = calloc(1, sizeof(*k));
	const char *const *names = NULL;
	size_t n = conf_titles(c, "profile", &names);
	int r;

	if (!k || (n > 0 &&
		   !(k->profiles = calloc(n * (1 + CA_DIR_RETIRED_MAX), sizeof(*k->profiles))))) {
		r = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		goto out;
	}
	if (n == 0) {
		r = err_set(em, E_CONFIG, "the configuration has no profile: nothing to enrol for");
		goto out;
	}
	r = role == KEYS_CA
		    ? load_secret(conf_path(c, "scep", NULL, "ticket-mac-key"), k->ticket_mac, em)
		    : E_OK;
	if (r == E_OK)
		r = load_secret(conf_path(c, "scep", NULL, "seal-key"), k->seal, em);
	if (r == E_OK && role == KEYS_CA && *blocked)
		r = key_block_load(blocked, &k->blocked, em);
	while (r == E_OK && k->n < n) {
		k->n++;
		r = load_profile(c, role, names[k->n - 1], &k->profiles[k->n - 1], em);
	}
	for (size_t i = 0; r == E_OK && role == KEYS_CA && i < n; i++)
		r = load_all_retired(c, names[i], k, em);
	if (r == E_OK && role == KEYS_RA)
		r = load_legacy(k, em);
out:
	if (r != E_OK) {
		keys_free(k);
		return r;
	}
	*ret = k;
	return E_OK;
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->n; i++) {
		X509_free(k->profiles[i].ra_cert);
		EVP_PKEY_free(k->profiles[i].ra_key);
		X509_free(k->profiles[i].old_ra_cert);
		EVP_PKEY_free(k->profiles[i].old_ra_key);
		X509_free(k->profiles[i].issuer);
		EVP_PKEY_free(k->profiles[i].issuer_key);
		X509_free(k->profiles[i].ocsp_cert);
		EVP_PKEY_free(k->profiles[i].ocsp_key);
		rate_free(k->profiles[i].rate);
	}
	free(k->profiles);
	key_block_free(k->blocked);
	for (int i = 0; i < 2; i++) {
		if (k->providers[i])
			OSSL_PROVIDER_unload(k->providers[i]);
	}
	OSSL_LIB_CTX_free(k->legacy);
	text_wipe(k, sizeof(*k));
	free(k);
}

int keys_probe(const struct keys *k, struct errmsg *em)
{
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < k->n; i++) {
		EVP_PKEY *const keys[] = {k->profiles[i].issuer_key, k->profiles[i].ocsp_key};

		for (int n = 0; r == E_OK && n < 2; n++)
			r = keys[n] ? token_probe(keys[n], em) : E_OK;
	}
	return r;
}

const struct keys_profile *keys_find(const struct keys *k, const char *profile)
{
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->profiles[i].name, profile) == 0 ||
		    strcmp(k->profiles[i].id, profile) == 0)
			return &k->profiles[i];
	}
	return NULL;
}
