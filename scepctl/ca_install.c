/* scepctl ca install-cert: a certificate that a root elsewhere has signed comes to its key. */
#include "scepctl/ca.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"
#include "scepctl/ca_next.h"

#include <unistd.h>

struct install {
	struct conf *conf;
	const char *file;
	X509 *cert, *root;
	int64_t now;
};

/* Is this the key of the certificate? */
static bool fits(const struct install *in, const char *dir, const char *key_name)
{
	char path[FS_PATH_MAX];
	EVP_PKEY *key = NULL;
	bool ok = fs_join(path, dir, key_name, NULL) == E_OK && fs_exists(path) &&
		  key_load(path, NULL, &key, NULL) == E_OK && cert_check_key(in->cert, key);

	key_release(key);
	return ok;
}

static int chain(const struct install *in, enum cert_use use, struct errmsg *em)
{
	struct errmsg why;

	if (cert_check_chain(in->cert, NULL, 0, in->root, use, in->now, &why) != E_OK)
		return err_set(em, E_DENIED, "%s: is not signed by the root of this instance: %s",
			       in->file, why.text);
	return E_OK;
}

static int put(const struct install *in, const char *dir, const char *name, bool with_root,
	       struct errmsg *em)
{
	struct buf text = {0};
	int rc;

	buf_init(&text, 65536);
	rc = cert_to_pem(in->cert, &text);
	if (rc == E_OK && with_root)
		rc = cert_to_pem(in->root, &text);
	if (rc == E_OK)
		rc = generation_replace(dir, name, 0644, buf_bytes(&text), em);
	buf_free(&text);
	return rc;
}

static int install_ca(const struct install *in, struct ca_profile *p, struct errmsg *em)
{
	bool first = access(p->paths[0], F_OK) != 0;
	int rc = chain(in, CERT_USE_ANY, em);

	if (rc == E_OK && (!cert_check_ca(in->cert) || !cert_check_last_ca(in->cert)))
		rc = err_set(em, E_DENIED,
			     "%s: is not an issuing CA (CA:TRUE, pathlen:0, keyCertSign, cRLSign)",
			     in->file);
	if (rc == E_OK)
		rc = put(in, p->next, p->issuing, true, em);
	if (rc == E_OK)
		rc = ca_next_complete(p, p->next, in->now, em);
	if (rc == E_OK)
		rc = generation_give(p->next, p->g.base, em);
	if (rc == E_OK && first)
		rc = ca_next_activate(p, in->now, 1, em);
	if (rc != E_OK)
		return rc;
	printf("installed: issuing CA of %s, with a new RA%s\n", p->name,
	       *p->paths[4] ? " and responder" : "");
	if (!first)
		printf("next: restart freeradius (radius/client-ca.pem has the new CA), on all its "
		       "machines;\nthen: scepctl ca rollover %s --activate\n",
		       p->name);
	return E_OK;
}

static int install_server(const struct install *in, const char *cert, const char *key,
			  bool with_root, struct errmsg *em)
{
	const char *const paths[] = {cert, key};
	char next[FS_PATH_MAX], from[FS_PATH_MAX], to[FS_PATH_MAX];
	struct generation g = {.n = 0};
	int rc = chain(in, CERT_USE_TLS_SERVER, em);

	if (rc == E_OK)
		rc = generation_of(paths, 2, &g, em);
	if (rc == E_OK)
		rc = fs_join(next, g.base, "next", em);
	if (rc == E_OK)
		rc = generation_begin(&g, em);
	if (rc == E_OK)
		rc = fs_join(from, next, generation_name(key), em);
	if (rc == E_OK)
		rc = fs_join(to, g.stage, generation_name(key), em);
	if (rc == E_OK)
		rc = fs_remove_tree(to, em);
	if (rc == E_OK)
		rc = generation_copy_file(from, to, em);
	if (rc == E_OK)
		rc = put(in, g.stage, generation_name(cert), with_root, em);
	if (rc == E_OK)
		rc = generation_switch(&g, em);
	if (rc == E_OK)
		rc = fs_remove_tree(next, em);
	generation_drop(&g);
	if (rc == E_OK)
		printf("installed: %s\n", cert);
	return rc;
}

static int try_servers(const struct install *in, bool *found, struct errmsg *em)
{
	const char *tls = conf_path(in->conf, "portal", NULL, "tls-cert");
	const char *tls_key = conf_path(in->conf, "portal", NULL, "tls-key");
	char cert[FS_PATH_MAX], key[FS_PATH_MAX], dir[FS_PATH_MAX];
	int rc = fs_join(cert, conf_dir(in->conf), "radius/server.pem", em);

	if (rc == E_OK)
		rc = fs_join(key, conf_dir(in->conf), "radius/server.key", em);
	if (rc == E_OK)
		rc = fs_join(dir, conf_dir(in->conf), "radius/next", em);
	if (rc == E_OK && fits(in, dir, "server.key")) {
		*found = true;
		return install_server(in, cert, key, false, em);
	}
	if (rc == E_OK && snprintf(dir, sizeof(dir), "%.*s/next",
				   (int)(generation_name(tls) - tls - 1), tls) >= FS_PATH_MAX)
		rc = err_set(em, E_TOOBIG, "portal.tls-cert: path is too long");
	if (rc != E_OK || !fits(in, dir, generation_name(tls_key)))
		return rc;
	*found = true;
	return install_server(in, tls, tls_key, true, em);
}

static int install(struct install *in, struct errmsg *em)
{
	char root[FS_PATH_MAX];
	const char *const *names;
	size_t n = conf_titles(in->conf, "profile", &names);
	bool found = false;
	int rc = fs_join(root, conf_dir(in->conf), "ca/root/root.pem", em);

	if (rc == E_OK)
		rc = cert_load(root, &in->root, em);
	if (rc == E_OK)
		rc = cert_load(in->file, &in->cert, em);
	for (size_t i = 0; rc == E_OK && !found && i < n; i++) {
		struct errmsg token;
		struct ca_profile p;

		if (ca_profile_of(in->conf, names[i], &p, &token) != E_OK ||
		    !fits(in, p.next, p.issuing_key))
			continue;
		found = true;
		rc = install_ca(in, &p, em);
	}
	if (rc == E_OK && !found)
		rc = try_servers(in, &found, em);
	if (rc == E_OK && !found)
		rc = err_set(em, E_NOTFOUND,
			     "%s: no key of this instance waits for this certificate", in->file);
	return rc;
}

int ca_install_cert(const struct ctl_command *self, int argc, char **argv)
{
	struct install in = {.now = clock_now()};
	struct ctl_common common;
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, &in.file, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1)
		return ctl_usage(self, "install-cert FILE");
	rc = conf_load(common.conf_file, &in.conf, &em);
	if (rc == E_OK)
		rc = install(&in, &em);
	cert_free(in.cert);
	cert_free(in.root);
	conf_free(in.conf);
	return rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
}
