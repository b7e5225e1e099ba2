/* The keys of an instance whose root is kept elsewhere: they wait in next/ folders, with requests. */
#include "scepctl/instance.h"

#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "core/pki/csr_file.h"
#include "core/pki/key.h"
#include "scepctl/ca_make.h"

static int save_root(const struct instance *in, struct errmsg *em)
{
	static const char *const to[] = {"ca/root/root.pem", "radius/client-ca.pem"};
	char path[FS_PATH_MAX];
	X509 *root = NULL;
	int rc = cert_load(in->plan->offline_root, &root, em);

	if (rc == E_OK &&
	    (!cert_check_ca(root) ||
	     cert_check_chain(root, NULL, 0, root, CERT_USE_ANY, in->now, em) != E_OK))
		rc = err_set(em, E_DENIED, "%s: is no root certificate that is valid now",
			     in->plan->offline_root);
	for (size_t i = 0; rc == E_OK && i < 2; i++) {
		rc = fs_join(path, in->stage, to[i], em);
		if (rc == E_OK)
			rc = cert_save(path, &root, 1, em);
	}
	cert_free(root);
	return rc;
}

/* A key in <folder>/next, and requests/<request>.csr. */
static int make_pending(const struct instance *in, const char *folder, const char *key_name,
			const char *request, const char *cn, const char *const *hosts,
			size_t n_hosts, long bits, struct errmsg *em)
{
	char dir[FS_PATH_MAX], path[FS_PATH_MAX], part[NAME_SIZE + 32];
	EVP_PKEY *key = NULL;
	int rc;

	snprintf(part, sizeof(part), "%.40s/next", folder);
	in->progress(request);
	rc = fs_join(dir, in->stage, part, em);
	if (rc == E_OK)
		rc = fs_mkdir(dir, 0700, em);
	if (rc == E_OK)
		rc = fs_join(path, dir, key_name, em);
	if (rc == E_OK && key_generate_rsa((unsigned)bits, &key) != E_OK)
		rc = err_set(em, E_CRYPTO, "%s: the key could not be made", request);
	if (rc == E_OK)
		rc = key_save(path, key, NULL, em);
	snprintf(part, sizeof(part), "requests/%.44s.csr", request);
	if (rc == E_OK)
		rc = fs_join(path, in->stage, part, em);
	if (rc == E_OK)
		rc = csr_file_write(path, cn, in->plan->organization, hosts, n_hosts, key, em);
	key_release(key);
	return rc;
}

static int make_group(const struct instance *in, const struct init_plan_group *g, struct errmsg *em)
{
	char dir[NAME_SIZE + 8], path[FS_PATH_MAX], what[NAME_SIZE + 16], cn[CA_MAKE_CN_SIZE];
	int rc;

	snprintf(dir, sizeof(dir), "ca/%s", g->name);
	snprintf(what, sizeof(what), "%s CA", g->name);
	ca_make_name(cn, in->plan->organization, what);
	rc = fs_join(path, in->stage, dir, em);
	if (rc == E_OK)
		rc = fs_mkdir(path, 0700, em);
	snprintf(what, sizeof(what), "issuing-%s", g->name);
	return rc == E_OK ? make_pending(in, dir, "issuing.key", what, cn, NULL, 0,
					 in->plan->issuer_bits, em)
			  : rc;
}

int instance_make_offline_pki(const struct instance *in, struct errmsg *em)
{
	const char *hosts[4];
	const size_t n = instance_portal_hosts(in->plan, hosts);
	const char *cn =
		strlen(in->plan->host) < CA_MAKE_CN_SIZE ? in->plan->host : in->plan->organization;
	char path[FS_PATH_MAX];
	int rc = fs_join(path, in->stage, "requests", em);

	if (rc == E_OK)
		rc = fs_mkdir(path, 0700, em);
	if (rc == E_OK)
		rc = save_root(in, em);
	for (size_t i = 0; rc == E_OK && i < in->plan->n_groups; i++)
		rc = make_group(in, &in->plan->groups[i], em);
	if (rc == E_OK)
		rc = make_pending(in, "tls", "portal.key", "portal", cn, hosts, n, CA_MAKE_BITS,
				  em);
	if (rc == E_OK)
		rc = make_pending(in, "radius", "server.key", "radius", cn, hosts, 1, CA_MAKE_BITS,
				  em);
	return rc;
}
