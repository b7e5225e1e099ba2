#include "scepctl/instance.h"

#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"
#include "core/pki/token.h"

enum {
	DAY = 86400,
	ROOT_DAYS = 7300,
	ISSUING_DAYS = 3650,
	RA_DAYS = 800,
	OCSP_DAYS = 400,   /* nobody can revoke it (ocsp-nocheck), so not for long */
	SERVER_DAYS = 820, /* Apple systems refuse server certificates of more than 825 days */
	SERVER_BITS = 2048,
	OCSP_BITS = 2048,
	SLACK = 300, /* clocks of devices run behind; a CA starts earlier than what it signs */
	CN_SIZE = 65,
};

struct made {
	X509 *cert;
	EVP_PKEY *key;
};

static void made_free(struct made *m)
{
	cert_free(m->cert);
	key_release(m->key);
	m->cert = NULL;
	m->key = NULL;
}

/* "<organization> <what>", or just <what> where that is too long for a common name. */
static void common_name(char dst[CN_SIZE], const char *organization, const char *what)
{
	int n = snprintf(dst, CN_SIZE, "%s %s", organization, what);

	if (n < 0 || n >= CN_SIZE)
		snprintf(dst, CN_SIZE, "%s", what);
}

static int make_key(const struct instance *in, const char *what, long bits, EVP_PKEY **ret,
		    struct errmsg *em)
{
	char line[200];
	int rc;

	snprintf(line, sizeof(line), "%s: RSA key of %ld bits", what, bits);
	in->progress(line);
	rc = key_generate_rsa((unsigned)bits, ret);
	return rc == E_OK ? E_OK : err_set(em, rc, "%s: the key could not be made", what);
}

static int save_key(const char *dir, const char *name, EVP_PKEY *key, const char *passphrase,
		    struct errmsg *em)
{
	char path[FS_PATH_MAX];
	int rc = fs_join(path, dir, name, em);

	return rc == E_OK ? key_save(path, key, passphrase, em) : rc;
}

static int save_certs(const char *dir, const char *name, X509 *first, X509 *second,
		      struct errmsg *em)
{
	X509 *certs[2] = {first, second};
	char path[FS_PATH_MAX];
	int rc = fs_join(path, dir, name, em);

	return rc == E_OK ? cert_save(path, certs, second ? 2 : 1, em) : rc;
}

static int make_root(const struct instance *in, struct made *root, struct errmsg *em)
{
	bool apart = *in->plan->root_dir != '\0';
	char cn[CN_SIZE];
	struct cert_spec spec = {.kind = CERT_KIND_ROOT, .cn = cn, .org = in->plan->organization};
	int rc;

	common_name(cn, in->plan->organization, "Root CA");
	rc = make_key(in, "root CA", in->plan->root_bits, &root->key, em);
	if (rc != E_OK)
		return rc;
	spec.key = root->key;
	spec.not_before = in->now - 3 * SLACK;
	spec.not_after = in->now + (int64_t)ROOT_DAYS * DAY;
	rc = cert_build(&spec, NULL, root->key, &root->cert, em);
	if (rc == E_OK)
		rc = save_certs(in->stage, "ca/root/root.pem", root->cert, NULL, em);
	if (rc == E_OK && apart)
		rc = save_certs(in->plan->root_dir, "root.pem", root->cert, NULL, em);
	if (rc == E_OK)
		rc = save_key(apart ? in->plan->root_dir : in->stage,
			      apart ? "root.key" : "ca/root/root.key", root->key, in->passphrase,
			      em);
	return rc;
}

/* One key and certificate, as wanted, below `issuer`, saved as <base>.key and <base>.pem (then its chain).
 * A wanted key is not ours to save. */
static int make_one(const struct instance *in, const struct cert_spec *wanted, const char *cn_tail,
		    long bits, int64_t days, const struct made *issuer, X509 *chain,
		    const char *base, struct made *ret, struct errmsg *em)
{
	char cn[CN_SIZE], path[FS_PATH_MAX];
	struct cert_spec spec = *wanted;
	int rc = E_OK;

	if (!spec.cn) {
		common_name(cn, in->plan->organization, cn_tail);
		spec.cn = cn;
	}
	spec.org = in->plan->organization;
	spec.not_after = in->now + days * DAY;
	if (!spec.key) {
		rc = make_key(in, cn_tail, bits, &ret->key, em);
		spec.key = ret->key;
	}
	if (rc == E_OK)
		rc = cert_build(&spec, issuer->cert, issuer->key, &ret->cert, em);
	if (rc == E_OK) {
		snprintf(path, sizeof(path), "%s.pem", base);
		rc = save_certs(in->stage, path, ret->cert, chain, em);
	}
	if (rc == E_OK && !wanted->key) {
		snprintf(path, sizeof(path), "%s.key", base);
		rc = save_key(in->stage, path, ret->key, NULL, em);
	}
	return rc;
}

/* The issuing key of this group that lies in a token already. */
static int take_key(const struct instance *in, const char *uri, EVP_PKEY **ret, struct errmsg *em)
{
	const struct token t = {.module = in->plan->token_module, .pin_file = in->plan->token_pin};
	int rc = token_load_key(&t, uri, ret, em);

	if (rc == E_OK && !EVP_PKEY_is_a(*ret, "RSA"))
		rc = err_set(em, E_CONFIG,
			     "%.200s: Apple and Windows refuse SCEP from an issuer that is not RSA",
			     uri);
	return rc;
}

static int make_group(const struct instance *in, const struct init_plan_group *g,
		      const struct made *root, struct made *issuing, struct errmsg *em)
{
	struct cert_spec ca = {.kind = CERT_KIND_ISSUING, .not_before = in->now - 2 * SLACK};
	struct cert_spec ra = {.kind = CERT_KIND_SCEP_RA, .not_before = in->now - SLACK};
	struct cert_spec ocsp = {.kind = CERT_KIND_OCSP, .not_before = in->now - SLACK};
	char what[NAME_SIZE + 16], base[NAME_SIZE + 16];
	struct made transport = {0}, responder = {0};
	int rc;

	snprintf(what, sizeof(what), "%s CA", g->name);
	snprintf(base, sizeof(base), "ca/%s/issuing", g->name);
	if (g->ca_key) {
		rc = take_key(in, g->ca_key, &issuing->key, em);
		if (rc != E_OK)
			return rc;
		ca.key = issuing->key;
	}
	rc = make_one(in, &ca, what, in->plan->issuer_bits, ISSUING_DAYS, root, root->cert, base,
		      issuing, em);
	if (rc != E_OK)
		return rc;
	snprintf(what, sizeof(what), "%s SCEP RA", g->name);
	snprintf(base, sizeof(base), "ca/%s/ra", g->name);
	rc = make_one(in, &ra, what, in->plan->ra_bits, RA_DAYS, issuing, NULL, base, &transport,
		      em);
	made_free(&transport);
	if (rc != E_OK)
		return rc;
	snprintf(what, sizeof(what), "%s OCSP", g->name);
	snprintf(base, sizeof(base), "ca/%s/ocsp", g->name);
	rc = make_one(in, &ocsp, what, OCSP_BITS, OCSP_DAYS, issuing, NULL, base, &responder, em);
	made_free(&responder);
	return rc;
}

size_t instance_portal_hosts(const struct init_plan *p, const char *ret[4])
{
	size_t n = 0;

	ret[n++] = p->host;
	if (strncmp(p->portal_listen, "127.", 4) != 0 && strncmp(p->portal_listen, "[::1]", 5) != 0)
		return n;
	/* On a loopback address it is reached by these too. */
	if (strcmp(p->host, "localhost") != 0)
		ret[n++] = "localhost";
	ret[n++] = "127.0.0.1";
	ret[n++] = "::1";
	return n;
}

static int make_servers(const struct instance *in, const struct made *root, struct errmsg *em)
{
	const char *portal_names[4];
	const char *radius_names[] = {in->plan->host};
	struct cert_spec portal = {.kind = CERT_KIND_TLS_SERVER,
				   .cn = in->plan->host,
				   .dns = portal_names,
				   .n_dns = instance_portal_hosts(in->plan, portal_names),
				   .not_before = in->now - SLACK};
	struct cert_spec radius = {.kind = CERT_KIND_TLS_SERVER,
				   .cn = in->plan->host,
				   .dns = radius_names,
				   .n_dns = 1,
				   .not_before = in->now - SLACK};
	struct made m = {0};
	int rc;

	if (strlen(in->plan->host) >= CN_SIZE) /* the name that counts is in the SAN */
		portal.cn = radius.cn = NULL;
	rc = make_one(in, &portal, "portal", SERVER_BITS, SERVER_DAYS, root, root->cert,
		      "tls/portal", &m, em);
	made_free(&m);
	if (rc == E_OK)
		rc = make_one(in, &radius, "RADIUS server", SERVER_BITS, SERVER_DAYS, root, NULL,
			      "radius/server", &m, em);
	made_free(&m);
	return rc;
}

/* What FreeRADIUS accepts client certificates from: every issuing CA, and the root above them. */
static int save_client_ca(const struct instance *in, const struct made *issuing, X509 *root,
			  struct errmsg *em)
{
	X509 *certs[INIT_PLAN_GROUPS_MAX + 1];
	char path[FS_PATH_MAX];
	size_t n = 0;
	int rc = fs_join(path, in->stage, "radius/client-ca.pem", em);

	for (; n < in->plan->n_groups; n++)
		certs[n] = issuing[n].cert;
	certs[n++] = root;
	return rc == E_OK ? cert_save(path, certs, n, em) : rc;
}

int instance_make_pki(const struct instance *in, struct errmsg *em)
{
	struct made root = {0}, issuing[INIT_PLAN_GROUPS_MAX] = {{0}};
	char name[NAME_SIZE + 8], path[FS_PATH_MAX];
	int rc = make_root(in, &root, em);

	for (size_t i = 0; rc == E_OK && i < in->plan->n_groups; i++) {
		snprintf(name, sizeof(name), "ca/%s", in->plan->groups[i].name);
		rc = fs_join(path, in->stage, name, em);
		if (rc == E_OK)
			rc = fs_mkdir(path, 0700, em);
		if (rc == E_OK)
			rc = make_group(in, &in->plan->groups[i], &root, &issuing[i], em);
	}
	if (rc == E_OK)
		rc = make_servers(in, &root, em);
	if (rc == E_OK)
		rc = save_client_ca(in, issuing, root.cert, em);
	for (size_t i = 0; i < in->plan->n_groups; i++)
		made_free(&issuing[i]);
	made_free(&root);
	return rc;
}
