/* scepctl ca renew-ra, renew-ocsp, renew-server: a new certificate in place of the one in use. */
#include "scepctl/ca.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert_check.h"
#include "core/pki/csr_file.h"
#include "core/pki/key.h"
#include "scepctl/ca_make.h"

#include <inttypes.h>

enum { OVERLAP_HOURS = 48, HOSTS_MAX = 16 };

struct renew {
	struct ctl_common common;
	struct conf *conf;
	const char *word; /* profile, or portal, or radius */
	bool keep_key, dry_run;
	long bits, days, overlap;
	const char *root_key, *root, *passphrase_file, *csr;
	int64_t now;
	const char *cert, *key; /* what is renewed */
	struct ca_signer by;
	struct generation g;
	EVP_PKEY *kept;
};

static void release(struct renew *r)
{
	generation_drop(&r->g);
	ca_signer_free(&r->by);
	key_release(r->kept);
	conf_free(r->conf);
}

static int load_kept(struct renew *r, struct errmsg *em)
{
	return r->keep_key ? key_load(r->key, NULL, &r->kept, em) : E_OK;
}

/* The RA in use goes to previous/, with a time. */
static int keep_previous(const struct renew *r, struct errmsg *em)
{
	static const char *const names[] = {"ra.pem", "ra.key"};
	const char *const from[] = {generation_name(r->cert), generation_name(r->key)};
	char dir[FS_PATH_MAX], path[FS_PATH_MAX], to[FS_PATH_MAX], until[32];
	int rc = fs_join(dir, r->g.stage, "previous", em);

	if (rc == E_OK)
		rc = fs_remove_tree(dir, em);
	if (rc == E_OK)
		rc = fs_mkdir(dir, 0700, em);
	for (size_t i = 0; rc == E_OK && i < 2; i++) {
		rc = fs_join(path, r->g.stage, from[i], em);
		if (rc == E_OK)
			rc = fs_join(to, dir, names[i], em);
		if (rc == E_OK)
			rc = generation_copy_file(path, to, em);
	}
	snprintf(until, sizeof(until), "%" PRId64 "\n", r->now + (int64_t)r->overlap * 3600);
	return rc == E_OK ? fs_create(dir, "until", 0600, bytes_str(until), em) : rc;
}

static int prepare(struct renew *r, const char *const *paths, size_t n, struct errmsg *em)
{
	int rc;

	if (conf_is_token(r->key))
		return err_set(em, E_UNSUPPORTED,
			       "its key is in a token: make the new one there, and name it in "
			       "scepauth.conf");
	rc = load_kept(r, em);

	return rc == E_OK ? generation_of(paths, n, &r->g, em) : rc;
}

static void tell(const struct renew *r, const char *what)
{
	printf("%s%s%s: %s, key %s\n", r->dry_run ? "would be renewed: " : "renewed: ", what,
	       r->word, r->cert, r->keep_key ? "as before" : "new");
	if (r->dry_run)
		printf("nothing was written\n");
}

/* --- RA and OCSP ------------------------------------------------------------------------------------ */

static bool is_profile(const struct conf *c, const char *name)
{
	const char *const *names;
	size_t n = conf_titles(c, "profile", &names);

	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* A responder of its own for each CA that is retired but still answers. */
static int renew_retired(const struct renew *r, struct errmsg *em)
{
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], dir[FS_PATH_MAX], cert[FS_PATH_MAX],
		key[FS_PATH_MAX], part[CA_DIR_ID_SIZE + 16];
	struct ca_want w = {.now = r->now, .days = r->days, .bits = r->bits, .dir = dir};
	size_t n = 0;
	int rc = ca_dir_retired(r->cert, ids, &n, em);

	for (size_t i = 0; rc == E_OK && i < n; i++) {
		struct ca_signer by = {.n_above = 0};
		struct errmsg over;

		snprintf(part, sizeof(part), "retired/%.32s", ids[i]);
		rc = fs_join(dir, r->g.stage, part, em);
		if (rc == E_OK)
			rc = fs_join(cert, dir, "issuing.pem", em);
		if (rc == E_OK)
			rc = fs_join(key, dir, "issuing.key", em);
		if (rc != E_OK ||
		    ca_signer_load(r->conf, cert, key, NULL, r->now, &by, &over) != E_OK)
			continue; /* it has expired, and all below it with it */
		w.cert_name = "ocsp.pem";
		w.key_name = "ocsp.key";
		rc = ca_make_service(r->conf, r->word, false, &by, &w, em);
		ca_signer_free(&by);
	}
	return rc;
}

static int make_below(struct renew *r, bool ra, struct errmsg *em)
{
	struct ca_want w = {.now = r->now, .days = r->days, .bits = r->bits, .key = r->kept};
	int rc = generation_begin(&r->g, em);

	if (rc == E_OK && ra)
		rc = keep_previous(r, em);
	w.dir = r->g.stage;
	if (rc == E_OK)
		rc = ca_make_service(r->conf, r->word, ra, &r->by, &w, em);
	if (rc == E_OK && !ra)
		rc = renew_retired(r, em);
	return rc == E_OK ? generation_switch(&r->g, em) : rc;
}

static int renew_below(struct renew *r, bool ra, struct errmsg *em)
{
	static const char *const keys[] = {"issuer-cert", "issuer-key", "ra-cert",
					   "ra-key",      "ocsp-cert",  "ocsp-key"};
	const char *paths[6];
	int rc;

	if (!is_profile(r->conf, r->word))
		return err_set(em, E_NOTFOUND, "there is no profile '%.40s'", r->word);
	for (size_t i = 0; i < 6; i++)
		paths[i] = conf_path(r->conf, "profile", r->word, keys[i]);
	r->cert = paths[ra ? 2 : 4];
	r->key = paths[ra ? 3 : 5];
	if (!*r->cert)
		return err_set(em, E_NOTFOUND, "profile '%.40s' has no OCSP responder", r->word);
	rc = ca_signer_load(r->conf, paths[0], paths[1], NULL, r->now, &r->by, em);
	if (rc == E_OK)
		rc = prepare(r, paths, 6, em);
	if (rc == E_OK && !r->dry_run)
		rc = make_below(r, ra, em);
	if (rc != E_OK)
		return rc;
	tell(r, ra ? "RA of " : "OCSP responder of ");
	if (!r->dry_run && ra)
		printf("requests made for the old one are taken for %ld hours more\n", r->overlap);
	if (!r->dry_run)
		printf("next: let scep_ca read it, by SIGHUP to its first process%s\n",
		       ra ? "; restart onboard_portal, its scripts name the RA" : "");
	return E_OK;
}

/* --- servers ---------------------------------------------------------------------------------------- */

static int server_paths(struct renew *r, char cert[FS_PATH_MAX], char key[FS_PATH_MAX],
			struct errmsg *em)
{
	int rc;

	if (strcmp(r->word, "portal") == 0) {
		r->cert = conf_path(r->conf, "portal", NULL, "tls-cert");
		r->key = conf_path(r->conf, "portal", NULL, "tls-key");
		return E_OK;
	}
	if (strcmp(r->word, "radius") != 0)
		return err_set(em, E_FORMAT, "say portal or radius, not '%.40s'", r->word);
	rc = fs_join(cert, conf_dir(r->conf), "radius/server.pem", em);
	if (rc == E_OK)
		rc = fs_join(key, conf_dir(r->conf), "radius/server.key", em);
	r->cert = cert;
	r->key = key;
	return rc;
}

/* For a root that is elsewhere: the key waits in next/ for what install-cert brings. */
static int request_server(struct renew *r, const struct ca_want *w, struct errmsg *em)
{
	char dir[FS_PATH_MAX], path[FS_PATH_MAX];
	EVP_PKEY *key = NULL;
	int rc = fs_join(dir, r->g.base, "next", em);

	if (rc == E_OK && !w->key && key_generate_rsa((unsigned)w->bits, &key) != E_OK)
		rc = err_set(em, E_CRYPTO, "the key could not be made");
	if (rc == E_OK)
		rc = csr_file_write(r->csr, w->cn, w->org, w->dns, w->n_dns, w->key ? w->key : key,
				    em);
	/* a request made before is given up */
	if (rc == E_OK)
		rc = fs_remove_tree(dir, em);
	if (rc == E_OK)
		rc = fs_mkdir(dir, 0700, em);
	if (rc == E_OK)
		rc = fs_join(path, dir, w->key_name, em);
	if (rc == E_OK)
		rc = key_save(path, w->key ? w->key : key, NULL, em);
	if (rc == E_OK)
		rc = generation_give(dir, r->g.base, em);
	key_release(key);
	return rc;
}

static int make_server(struct renew *r, struct errmsg *em)
{
	char hosts[HOSTS_MAX][CERT_HOST_SIZE];
	const char *dns[HOSTS_MAX];
	X509 *old[CERT_CHAIN_MAX];
	size_t n = 0, n_old = 0;
	struct ca_want w = {.kind = CERT_KIND_TLS_SERVER,
			    .org = conf_str(r->conf, "", NULL, "organization"),
			    .dns = dns,
			    .now = r->now,
			    .days = r->days ? r->days : CA_MAKE_SERVER_DAYS,
			    .bits = r->bits ? r->bits : CA_MAKE_BITS,
			    .key = r->kept,
			    .by = &r->by,
			    .cert_name = generation_name(r->cert),
			    .key_name = generation_name(r->key)};
	int rc = cert_load_all(r->cert, old, CERT_CHAIN_MAX, &n_old, em);

	if (rc != E_OK)
		return rc;
	rc = cert_hosts(old[0], hosts, HOSTS_MAX, &n);
	w.with_chain = n_old > 1;
	while (n_old > 0)
		cert_free(old[--n_old]);
	if (rc != E_OK || n == 0)
		return err_set(em, E_FORMAT, "%s: its names cannot be read", r->cert);
	for (size_t i = 0; i < n; i++)
		dns[i] = hosts[i];
	w.n_dns = n;
	w.cn = strlen(hosts[0]) < CA_MAKE_CN_SIZE ? hosts[0] : w.org;
	if (r->dry_run)
		return E_OK;
	if (r->csr)
		return request_server(r, &w, em);
	rc = generation_begin(&r->g, em);
	w.dir = r->g.stage;
	if (rc == E_OK)
		rc = ca_make(&w, em);
	return rc == E_OK ? generation_switch(&r->g, em) : rc;
}

static int renew_server_at(struct renew *r, char cert[FS_PATH_MAX], char key[FS_PATH_MAX],
			   struct errmsg *em)
{
	int rc = server_paths(r, cert, key, em);

	if (rc == E_OK && !r->csr)
		rc = ca_root_load(r->conf, r->root, r->root_key, r->passphrase_file, r->now, &r->by,
				  em);
	if (rc == E_OK)
		rc = prepare(r, (const char *const[]){r->cert, r->key}, 2, em);
	if (rc == E_OK)
		rc = make_server(r, em);
	if (rc != E_OK)
		return rc;
	if (r->csr && !r->dry_run) {
		printf("next, where the root key is: scepctl ca sign-server %s\n"
		       "then here: scepctl ca install-cert FILE\n",
		       r->csr);
		return E_OK;
	}
	tell(r, "");
	if (!r->dry_run)
		puts(strcmp(r->word, "radius") == 0
			     ? "next: restart freeradius"
			     : "next: let onboard_portal read it, by SIGHUP");
	return E_OK;
}

static int renew_server(struct renew *r, struct errmsg *em)
{
	char cert[FS_PATH_MAX], key[FS_PATH_MAX];
	int rc = renew_server_at(r, cert, key, em);

	r->cert = r->key = NULL;
	return rc;
}

/* --- all -------------------------------------------------------------------------------------------- */

enum what { RA, OCSP, SERVER };

static int renew(const struct ctl_command *self, int argc, char **argv, enum what what)
{
	struct renew r = {.overlap = OVERLAP_HOURS, .now = clock_now()};
	const struct opts_spec specs[] = {
		{"--keep-key", NULL, OPT_FLAG, &r.keep_key, 0, 0},
		{"--dry-run", NULL, OPT_FLAG, &r.dry_run, 0, 0},
		{"--bits", NULL, OPT_NUMBER, &r.bits, 2048, 8192},
		{"--days", NULL, OPT_NUMBER, &r.days, 1, 3650},
		{"--overlap", NULL, OPT_NUMBER, &r.overlap, 1, 720},
		{"--csr", NULL, OPT_TEXT, &r.csr, 0, 0},
		{"--root", NULL, OPT_TEXT, &r.root, 0, 0},
		{"--root-key", NULL, OPT_TEXT, &r.root_key, 0, 0},
		{"--root-passphrase-file", NULL, OPT_TEXT, &r.passphrase_file, 0, 0},
		{0},
	};
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, specs, &r.common, &r.word, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1)
		return ctl_usage(self,
				 what == SERVER ? "say portal or radius" : "say of which profile");
	rc = conf_load(r.common.conf_file, &r.conf, &em);
	if (rc == E_OK)
		rc = what == SERVER ? renew_server(&r, &em) : renew_below(&r, what == RA, &em);
	release(&r);
	return rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
}

int ca_renew_ra(const struct ctl_command *self, int argc, char **argv)
{
	return renew(self, argc, argv, RA);
}

int ca_renew_ocsp(const struct ctl_command *self, int argc, char **argv)
{
	return renew(self, argc, argv, OCSP);
}

int ca_renew_server(const struct ctl_command *self, int argc, char **argv)
{
	return renew(self, argc, argv, SERVER);
}
