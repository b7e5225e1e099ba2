#include "scepctl/check.h"

#include "core/base/clock.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"
#include "core/pki/ocsp.h"
#include "core/store/redis_tls.h"
#include "core/store/store_conf.h"
#include "scepctl/fs.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct chain {
	X509 *certs[CERT_CHAIN_MAX];
	size_t n;
};

static void chain_free(struct chain *c)
{
	while (c->n > 0)
		cert_free(c->certs[--c->n]);
}

static bool load_chain(struct check *c, const char *path, struct chain *ret)
{
	struct errmsg em;

	if (cert_load_all(path, ret->certs, CERT_CHAIN_MAX, &ret->n, &em) == E_OK)
		return true;
	check_add(c, false, check_name(c, path),
		  "put the certificate back from a backup, or issue it anew", "%s", em.text);
	return false;
}

static void check_validity(struct check *c, const char *path, X509 *cert)
{
	int64_t from, to;
	char when[24];
	long warn;

	if (cert_validity(cert, &from, &to) != E_OK) {
		check_add(c, false, check_name(c, path), "issue the certificate anew",
			  "its validity cannot be read");
		return;
	}
	clock_iso(when, sizeof(when), to);
	warn = conf_int(c->conf, "", NULL, "expiry-warning");
	switch (cert_life(from, to, c->now, warn)) {
	case CERT_LIFE_OVER:
		check_add(c, false, check_name(c, path), "issue the certificate anew",
			  "expired at %s", when);
		break;
	case CERT_LIFE_URGENT:
		warn = CERT_LIFE_URGENT_DAYS;
		/* fall through */
	case CERT_LIFE_SOON:
		check_add(c, true, check_name(c, path), "issue it anew before that",
			  "ends within %ld days, at %s", warn, when);
		break;
	case CERT_LIFE_EARLY:
	case CERT_LIFE_GOOD:
		break;
	}
	clock_iso(when, sizeof(when), from);
	if (from > c->now)
		check_add(c, false, check_name(c, path), "set the clock of this machine",
			  "not valid before %s", when);
}

static void check_pair(struct check *c, const char *cert_path, X509 *cert, const char *key_path)
{
	EVP_PKEY *key = NULL;
	struct errmsg em;

	if (key_open(c->conf, key_path, &key, &em) != E_OK)
		check_add(c, false, check_name(c, key_path),
			  conf_is_token(key_path)
				  ? "see to the token, its PIN and its module (scepauth.conf(5))"
				  : "give it mode 0600, or put the key back from a backup",
			  "%s", em.text);
	else if (!cert_check_key(cert, key))
		check_add(c, false, check_name(c, key_path),
			  "put the key back that belongs to the certificate",
			  "does not belong to %s", check_name(c, cert_path));
	key_release(key);
}

/* The root's own key may be elsewhere; where it is here it must be encrypted. */
static void check_root(struct check *c, const char *path, X509 *root)
{
	char key_path[FS_PATH_MAX];
	EVP_PKEY *key = NULL;
	struct errmsg em;
	int rc;

	if (cert_check_chain(root, NULL, 0, root, CERT_USE_ANY, c->now, &em) != E_OK)
		check_add(c, false, check_name(c, path),
			  "put the root certificate back from a backup", "%s", em.text);
	if (!cert_check_ca(root))
		check_add(c, false, check_name(c, path),
			  "put the root certificate back from a backup", "is not a CA certificate");
	if (fs_join(key_path, c->dir, "ca/root/root.key", NULL) != E_OK || !fs_exists(key_path))
		return;
	rc = key_load(key_path, NULL, &key, &em);
	if (rc == E_OK)
		check_add(c, false, "ca/root/root.key",
			  "encrypt it: openssl pkcs8 -topk8 -v2 aes-256-cbc, then mode 0600",
			  "the root key is not encrypted");
	else if (rc != E_CRYPTO)
		check_add(c, false, "ca/root/root.key",
			  "give it mode 0600, or put it back from a backup", "%s", em.text);
	key_release(key);
}

/* issuing: chain of the issuing CA, or NULL while that is broken itself. */
static void check_ra(struct check *c, const char *profile, const struct chain *issuing, X509 *root)
{
	const char *cert_path = conf_path(c->conf, "profile", profile, "ra-cert");
	struct chain ra = {0};
	struct errmsg em;

	if (!load_chain(c, cert_path, &ra))
		return;
	check_validity(c, cert_path, ra.certs[0]);
	if (!cert_check_rsa(ra.certs[0]))
		check_add(c, false, check_name(c, cert_path),
			  "issue an RSA certificate: SCEP envelopes need key transport",
			  "the transport key is not RSA");
	if (issuing && root &&
	    cert_check_chain(ra.certs[0], issuing->certs, issuing->n, root, CERT_USE_ANY, c->now,
			     &em) != E_OK)
		check_add(c, false, check_name(c, cert_path),
			  "issue it under the issuing CA of this profile",
			  "does not chain to the root: %s", em.text);
	check_pair(c, cert_path, ra.certs[0], conf_path(c->conf, "profile", profile, "ra-key"));
	chain_free(&ra);
}

/* Optional. issuing: the CA that it speaks for. */
static void check_ocsp(struct check *c, const char *profile, X509 *issuing)
{
	const char *cert_path = conf_path(c->conf, "profile", profile, "ocsp-cert");
	const char *key_path = conf_path(c->conf, "profile", profile, "ocsp-key");
	struct chain ocsp = {0};

	if (!*cert_path && !*key_path)
		return;
	if (!*cert_path || !*key_path) {
		check_add(c, false, "scepauth.conf", "give both, or neither for no OCSP",
			  "profile \"%s\" has only one of ocsp-cert and ocsp-key", profile);
		return;
	}
	if (!load_chain(c, cert_path, &ocsp))
		return;
	check_validity(c, cert_path, ocsp.certs[0]);
	if (!ocsp_is_responder(ocsp.certs[0], issuing))
		check_add(c, false, check_name(c, cert_path),
			  "issue it under the issuing CA of this profile",
			  "is no OCSP responder of the issuing CA");
	check_pair(c, cert_path, ocsp.certs[0], key_path);
	chain_free(&ocsp);
}

static void check_profile(struct check *c, const char *profile, X509 *root)
{
	const char *cert_path = conf_path(c->conf, "profile", profile, "issuer-cert");
	struct chain issuing = {0};
	int64_t from, to;
	struct errmsg em;

	if (!load_chain(c, cert_path, &issuing)) {
		check_ra(c, profile, NULL, NULL);
		return;
	}
	if (!root) /* kept elsewhere: the file ends with it */
		root = issuing.certs[issuing.n - 1];
	check_validity(c, cert_path, issuing.certs[0]);
	if (!cert_check_ca(issuing.certs[0]))
		check_add(c, false, check_name(c, cert_path),
			  "the issuing CA comes first in this file", "is not a CA certificate");
	if (cert_check_chain(issuing.certs[0], issuing.certs + 1, issuing.n - 1, root, CERT_USE_ANY,
			     c->now, &em) != E_OK)
		check_add(c, false, check_name(c, cert_path),
			  "put certificates of one chain together",
			  "does not chain to the root: %s", em.text);
	if (cert_validity(issuing.certs[0], &from, &to) == E_OK &&
	    to < c->now + 86400 * (int64_t)conf_int(c->conf, "profile", profile, "lifetime"))
		check_add(c, true, check_name(c, cert_path),
			  "make a new issuing CA, or shorten profile.lifetime",
			  "ends before a certificate issued today would");
	check_pair(c, cert_path, issuing.certs[0],
		   conf_path(c->conf, "profile", profile, "issuer-key"));
	check_ra(c, profile, &issuing, root);
	check_ocsp(c, profile, issuing.certs[0]);
	chain_free(&issuing);
}

static void check_portal(struct check *c)
{
	const char *path = conf_path(c->conf, "portal", NULL, "tls-cert");
	struct chain web = {0};

	/* No chain check: this one may come from a public CA that we know nothing of. */
	if (!load_chain(c, path, &web))
		return;
	check_validity(c, path, web.certs[0]);
	check_pair(c, path, web.certs[0], conf_path(c->conf, "portal", NULL, "tls-key"));
	chain_free(&web);
}

static void check_scim_cert(struct check *c)
{
	const char *path = conf_path(c->conf, "scim", NULL, "tls-cert");
	struct chain web = {0};

	if (*conf_str(c->conf, "scim", NULL, "listen") == '\0' ||
	    strcmp(path, conf_path(c->conf, "portal", NULL, "tls-cert")) == 0 ||
	    !load_chain(c, path, &web))
		return;
	check_validity(c, path, web.certs[0]);
	check_pair(c, path, web.certs[0], conf_path(c->conf, "scim", NULL, "tls-key"));
	chain_free(&web);
}

/* Whether it can be read at all redis_tls_open says; a bundle of very many is none of ours. */
static void check_dates(struct check *c, const char *path)
{
	struct chain list = {0};

	if (!*path || cert_load_all(path, list.certs, CERT_CHAIN_MAX, &list.n, NULL) != E_OK)
		return;
	for (size_t i = 0; i < list.n; i++)
		check_validity(c, path, list.certs[i]);
	chain_free(&list);
}

static void check_redis_tls(struct check *c)
{
	const char *cert = conf_path(c->conf, "redis", NULL, "cert-file");
	const char *key = conf_path(c->conf, "redis", NULL, "key-file");
	struct redis_tls *tls = NULL;
	struct errmsg em;
	struct stat st;

	if (!conf_bool(c->conf, "redis", NULL, "tls"))
		return;
	if (*conf_path(c->conf, "redis", NULL, "socket"))
		check_add(c, true, "scepauth.conf", "write socket = \"\" in section redis",
			  "redis.tls has no effect: redis.socket is used");
	if (store_conf_tls(c->conf, &tls, &em) != E_OK)
		check_add(c, false, "scepauth.conf",
			  "correct redis.ca-file, redis.cert-file or redis.key-file, or the file",
			  "%s", em.text);
	redis_tls_close(tls);
	check_dates(c, conf_path(c->conf, "redis", NULL, "ca-file"));
	check_dates(c, cert);
	if (!*key)
		key = cert;
	if (*key && stat(key, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
		check_add(c, false, check_name(c, key), "chmod o= on it",
			  "mode %04o gives others the key", (unsigned)(st.st_mode & 07777));
}

static void check_radius(struct check *c, X509 *root)
{
	const char *name = conf_str(c->conf, "wifi", NULL, "server-name");
	char path[FS_PATH_MAX], key[FS_PATH_MAX];
	struct chain server = {0};
	struct errmsg em;

	if (fs_join(path, c->dir, "radius/server.pem", NULL) != E_OK ||
	    fs_join(key, c->dir, "radius/server.key", NULL) != E_OK ||
	    !load_chain(c, path, &server))
		return;
	check_validity(c, path, server.certs[0]);
	if (root && cert_check_chain(server.certs[0], server.certs + 1, server.n - 1, root,
				     CERT_USE_TLS_SERVER, c->now, &em) != E_OK)
		check_add(c, false, "radius/server.pem",
			  "issue it under the root that wifi.server-ca names",
			  "devices will not trust it: %s", em.text);
	if (!cert_check_host(server.certs[0], name))
		check_add(c, false, "radius/server.pem",
			  "correct wifi.server-name, or issue it for that name",
			  "does not cover wifi.server-name \"%.80s\"", name);
	check_pair(c, path, server.certs[0], key);
	chain_free(&server);
}

/* Is this CA the one in the file, or one above it? */
static bool stands_above(const struct check *c, const struct chain *accepted, X509 *ca,
			 const char *path)
{
	struct errmsg em = {""};
	X509 *issuing = NULL;
	bool found;

	if (cert_load(path, &issuing, &em) != E_OK)
		return false;
	found = cert_check_same(ca, issuing) ||
		cert_check_chain(issuing, accepted->certs, accepted->n, ca, CERT_USE_ANY, c->now,
				 &em) == E_OK;
	cert_free(issuing);
	return found;
}

/* Of the CA that a profile issues from, the one prepared and those before. */
static bool serves_profile(const struct check *c, const struct chain *accepted, X509 *ca,
			   const char *issuer)
{
	const char *name = strrchr(issuer, '/');
	char path[CA_DIR_PATH_SIZE], part[NAME_MAX + 64];
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE];
	struct errmsg em = {""};
	size_t n = 0;

	if (stands_above(c, accepted, ca, issuer))
		return true;
	snprintf(part, sizeof(part), "next/%.255s", name ? name + 1 : issuer);
	if (ca_dir_path(issuer, part, path, &em) == E_OK && stands_above(c, accepted, ca, path))
		return true;
	if (ca_dir_retired(issuer, ids, &n, &em) != E_OK)
		return false;
	for (size_t i = 0; i < n; i++) {
		snprintf(part, sizeof(part), "now/retired/%.32s/issuing.pem", ids[i]);
		if (ca_dir_path(issuer, part, path, &em) == E_OK &&
		    stands_above(c, accepted, ca, path))
			return true;
	}
	return false;
}

/* The ledger turns away what others have issued, but TLS is one wall the more. */
static void check_no_others(struct check *c, const struct chain *accepted)
{
	char root[FS_PATH_MAX] = "";
	const char *const *profiles;
	size_t n = conf_titles(c->conf, "profile", &profiles);

	if (fs_join(root, c->dir, "ca/root/root.pem", NULL) != E_OK)
		return;
	for (size_t k = 0; k < accepted->n; k++) {
		bool ours = stands_above(c, accepted, accepted->certs[k], root);
		struct buf name;

		for (size_t i = 0; i < n && !ours; i++)
			ours = serves_profile(
				c, accepted, accepted->certs[k],
				conf_path(c->conf, "profile", profiles[i], "issuer-cert"));
		if (ours)
			continue;
		buf_init(&name, 4096);
		check_add(c, true, "radius/client-ca.pem",
			  "take it out, and restart the RADIUS servers",
			  "no profile issues from the CA \"%.200s\" that it accepts",
			  cert_subject(accepted->certs[k], &name) == E_OK ? buf_str(&name) : "?");
		buf_free(&name);
	}
}

static void check_client_ca(struct check *c)
{
	char path[FS_PATH_MAX];
	struct chain accepted = {0};
	const char *const *profiles;
	size_t n = conf_titles(c->conf, "profile", &profiles);

	if (fs_join(path, c->dir, "radius/client-ca.pem", NULL) != E_OK ||
	    !load_chain(c, path, &accepted))
		return;
	for (size_t i = 0; i < n; i++) {
		X509 *issuer = NULL;
		bool found = false;

		if (cert_load(conf_path(c->conf, "profile", profiles[i], "issuer-cert"), &issuer,
			      NULL) != E_OK)
			continue; /* told already */
		for (size_t k = 0; k < accepted.n; k++)
			found = found || cert_check_same(accepted.certs[k], issuer);
		if (!found)
			check_add(c, false, "radius/client-ca.pem",
				  "append the profile's issuer-cert to it",
				  "the issuing CA of profile \"%.40s\" is missing", profiles[i]);
		cert_free(issuer);
	}
	check_no_others(c, &accepted);
	chain_free(&accepted);
}

void check_pki(struct check *c)
{
	const char *anchor_path = conf_path(c->conf, "wifi", NULL, "server-ca");
	char root_path[FS_PATH_MAX];
	const char *const *profiles;
	size_t n = conf_titles(c->conf, "profile", &profiles);
	struct chain root = {0}, anchor = {0};

	if (fs_join(root_path, c->dir, "ca/root/root.pem", NULL) == E_OK &&
	    load_chain(c, root_path, &root)) {
		check_validity(c, root_path, root.certs[0]);
		check_root(c, root_path, root.certs[0]);
	}
	if (n == 0)
		check_add(c, false, "scepauth.conf", "add at least one section profile",
			  "there is no profile to issue from");
	for (size_t i = 0; i < n; i++)
		check_profile(c, profiles[i], root.n ? root.certs[0] : NULL);
	check_portal(c);
	check_scim_cert(c);
	check_redis_tls(c);
	if (strcmp(anchor_path, root_path) == 0)
		check_radius(c, root.n ? root.certs[0] : NULL);
	else if (load_chain(c, anchor_path, &anchor))
		check_radius(c, anchor.certs[0]);
	check_client_ca(c);
	chain_free(&anchor);
	chain_free(&root);
}
