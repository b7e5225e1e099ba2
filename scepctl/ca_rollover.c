/* scepctl ca rollover: another issuing CA for a profile, beside the one in use until that is no longer needed. */
#include "scepctl/ca.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert_check.h"
#include "core/pki/csr_file.h"
#include "core/pki/key.h"
#include "scepctl/ca_next.h"
#include "scepctl/policy.h"

#include <time.h>

enum { OVERLAP_HOURS = 48 };

struct rollover {
	struct ctl_common common;
	struct conf *conf;
	const char *word;
	bool prepare, activate, abort, status, force;
	const char *forget, *csr, *root, *root_key, *passphrase_file;
	long bits, days, overlap;
	int64_t now;
	struct ca_profile p;
};

/* "students CA 2026-11-23": a name of its own, so that people can tell the two apart. */
static void name_of(const struct rollover *r, char dst[CA_MAKE_CN_SIZE])
{
	char what[CA_MAKE_CN_SIZE], when[24];

	clock_iso(when, sizeof(when), r->now);
	snprintf(what, sizeof(what), "%.32s CA %.10s", r->word, when);
	ca_make_name(dst, conf_str(r->conf, "", NULL, "organization"), what);
}

/* --- prepare ------------------------------------------------------------------------------------------- */

static int make_request(struct rollover *r, const char *dir, const char *cn, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	EVP_PKEY *key = NULL;
	int rc = key_generate_rsa((unsigned)r->bits, &key);

	if (rc != E_OK)
		return err_set(em, rc, "the key could not be made: %s", err_text(rc));
	rc = fs_join(path, dir, r->p.issuing_key, em);
	if (rc == E_OK)
		rc = key_save(path, key, NULL, em);
	if (rc == E_OK)
		rc = csr_file_write(r->csr, cn, conf_str(r->conf, "", NULL, "organization"), NULL,
				    0, key, em);
	key_release(key);
	return rc;
}

static int make_ca(struct rollover *r, const struct ca_signer *root, const char *dir,
		   const char *cn, struct errmsg *em)
{
	struct ca_want w = {.kind = CERT_KIND_ISSUING,
			    .cn = cn,
			    .org = conf_str(r->conf, "", NULL, "organization"),
			    .now = r->now,
			    .days = r->days,
			    .bits = r->bits,
			    .by = root,
			    .with_chain = true,
			    .dir = dir,
			    .cert_name = r->p.issuing,
			    .key_name = r->p.issuing_key};
	int rc = ca_make(&w, em);

	return rc == E_OK ? ca_next_complete(&r->p, dir, r->now, em) : rc;
}

static int prepare(struct rollover *r, struct errmsg *em)
{
	struct ca_signer root = {.n_above = 0};
	char part[FS_PATH_MAX], cn[CA_MAKE_CN_SIZE];
	int rc = fs_join(part, r->p.g.base, ".next", em);

	if (rc == E_OK && fs_exists(r->p.next))
		rc = err_set(em, E_EXISTS, "a CA is prepared already: --activate it, or --abort");
	if (rc == E_OK && !r->csr)
		rc = ca_root_load(r->conf, r->root, r->root_key, r->passphrase_file, r->now, &root,
				  em);
	if (rc == E_OK)
		rc = fs_remove_tree(part, em);
	if (rc == E_OK)
		rc = fs_mkdir(part, 0700, em);
	if (rc != E_OK)
		goto out;
	name_of(r, cn);
	rc = r->csr ? make_request(r, part, cn, em) : make_ca(r, &root, part, cn, em);
	if (rc == E_OK)
		rc = generation_give(part, r->p.g.base, em);
	if (rc == E_OK && rename(part, r->p.next) != 0)
		rc = err_set(em, E_IO, "%s: cannot be moved", part);
	if (rc == E_OK)
		rc = fs_sync_dir(r->p.g.base, em);
	if (rc != E_OK && fs_remove_tree(part, NULL) != E_OK)
		fprintf(stderr, "scepctl: %s is left behind\n", part);
out:
	ca_signer_free(&root);
	if (rc != E_OK)
		return rc;
	printf("prepared: %s\n", cn);
	if (r->csr)
		printf("next, where the root key is: scepctl ca sign-intermediate %s\n"
		       "then here: scepctl ca install-cert FILE\n",
		       r->csr);
	else
		printf("next: restart freeradius (radius/client-ca.pem has the new CA), on all its "
		       "machines;\nthen: scepctl ca rollover %s --activate\n",
		       r->word);
	return E_OK;
}

/* --- activate ------------------------------------------------------------------------------------------ */

/* Certificates of the CA in use go on naming the list where they look for it. */
static int check_url(const struct rollover *r, struct errmsg *em)
{
	const char *url = conf_str(r->conf, "profile", r->word, "crl-url");

	if (!*url || strstr(url, "{issuer}"))
		return E_OK;
	return err_set(em, E_CONFIG,
		       "profile \"%s\": crl-url names one list, but each CA has its own: make it "
		       "end in /crl/{issuer}.crl first",
		       r->word);
}

/* Groups must know the new CA before the first certificate comes from it. */
static int load_policy(const struct rollover *r, struct errmsg *em)
{
	struct policy_changes done = {0};
	struct conf *conf = NULL;
	struct store *s = NULL;
	int rc = ctl_open(&r->common, "installer", &conf, &s, em);

	if (rc == E_OK)
		rc = policy_load(s, conf, &done, em);
	store_close(s);
	conf_free(conf);
	return rc;
}

static int activate(struct rollover *r, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	int rc = fs_join(path, r->p.next, r->p.issuing, em);

	if (rc == E_OK && !fs_exists(r->p.next))
		rc = err_set(em, E_STATE, "nothing is prepared: --prepare comes first");
	if (rc == E_OK && !fs_exists(path))
		rc = err_set(em, E_STATE,
			     "the prepared CA still waits for its certificate: scepctl "
			     "ca install-cert");
	if (rc == E_OK)
		rc = check_url(r, em);
	if (rc == E_OK)
		rc = load_policy(r, em);
	if (rc == E_OK)
		rc = ca_next_activate(&r->p, r->now, r->overlap, em);
	if (rc == E_OK)
		printf("active: new certificates of %s come from the new CA\n"
		       "next: let scep_ca read it, by SIGHUP to its first process; restart "
		       "onboard_portal\n",
		       r->word);
	return rc;
}

static int give_up(struct rollover *r, struct errmsg *em)
{
	int rc = fs_exists(r->p.next) ? fs_remove_tree(r->p.next, em)
				      : err_set(em, E_STATE, "nothing is prepared");

	if (rc == E_OK)
		printf("the prepared CA and its key are gone\n");
	return rc;
}

/* --- what was before ----------------------------------------------------------------------------------- */

static int retired_until(const struct rollover *r, const char *id, int64_t *ret, struct errmsg *em)
{
	char path[CA_DIR_PATH_SIZE], part[80];
	int rc;

	snprintf(part, sizeof(part), "now/retired/%.32s/until", id);
	rc = ca_dir_path(r->p.paths[0], part, path, em);
	return rc == E_OK ? ca_dir_until(path, ret, em) : rc;
}

static int forget(struct rollover *r, struct errmsg *em)
{
	char dir[FS_PATH_MAX], part[80], when[24];
	int64_t until = 0;
	int rc = strlen(r->forget) == CA_DIR_ID_SIZE - 1 &&
				 strspn(r->forget, "0123456789abcdef") == CA_DIR_ID_SIZE - 1
			 ? retired_until(r, r->forget, &until, em)
			 : err_set(em, E_FORMAT, "--forget: an id as --status shows it is needed");

	if (rc == E_OK && until > r->now && !r->force) {
		clock_iso(when, sizeof(when), until);
		rc = err_set(em, E_DENIED,
			     "its certificates may be valid until %s; --force ends them now", when);
	}
	if (rc == E_OK)
		rc = generation_begin(&r->p.g, em);
	snprintf(part, sizeof(part), "retired/%.32s", r->forget);
	if (rc == E_OK)
		rc = fs_join(dir, r->p.g.stage, part, em);
	if (rc == E_OK)
		rc = fs_remove_tree(dir, em);
	if (rc == E_OK)
		rc = generation_switch(&r->p.g, em);
	generation_drop(&r->p.g);
	if (rc == E_OK)
		rc = load_policy(r, em);
	if (rc == E_OK)
		printf("forgotten: neither its certificates nor its CRL are served from the next "
		       "reload on\n");
	return rc;
}

static void show_one(struct json *list, bool json, const char *state, const char *path,
		     int64_t until)
{
	char id[CA_DIR_ID_SIZE] = "", to[24] = "", needed[24] = "";
	int64_t from = 0, end = 0;
	X509 *cert = NULL;
	struct json *j = json_object();

	if (cert_load(path, &cert, NULL) == E_OK && ca_dir_id(cert, id) == E_OK &&
	    cert_validity(cert, &from, &end) == E_OK)
		clock_iso(to, sizeof(to), end);
	if (until)
		clock_iso(needed, sizeof(needed), until);
	json_set_str(j, "state", state);
	json_set_str(j, "id", id);
	json_set_str(j, "not_after", to);
	json_set_str(j, "needed_until", needed);
	json_push(list, j);
	if (!json)
		printf("%-9s %s%s%s%s%s\n", state, *id ? id : "waits for its certificate",
		       *to ? ", valid until " : "", to, *needed ? ", needed until " : "", needed);
	cert_free(cert);
}

static int show(const struct rollover *r, struct errmsg *em)
{
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], path[FS_PATH_MAX], part[80];
	struct json *list = json_array(), *j = json_object();
	size_t n = 0;
	int rc;

	show_one(list, r->common.json, "active", r->p.paths[0], 0);
	rc = fs_join(path, r->p.next, r->p.issuing, em);
	if (rc == E_OK && fs_exists(r->p.next))
		show_one(list, r->common.json, "prepared", path, 0);
	if (rc == E_OK)
		rc = ca_dir_retired(r->p.paths[0], ids, &n, em);
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		int64_t until = 0;

		snprintf(part, sizeof(part), "now/retired/%.32s/issuing.pem", ids[i]);
		rc = ca_dir_path(r->p.paths[0], part, path, em);
		if (rc == E_OK)
			rc = retired_until(r, ids[i], &until, em);
		if (rc == E_OK)
			show_one(list, r->common.json, "retired", path, until);
	}
	json_set_str(j, "profile", r->word);
	json_set(j, "cas", list);
	if (rc == E_OK && r->common.json)
		(void)ctl_print_json(j);
	else
		json_free(j);
	return rc;
}

static int run(struct rollover *r, struct errmsg *em)
{
	int rc = conf_load(r->common.conf_file, &r->conf, em);

	if (rc == E_OK)
		rc = ca_profile_of(r->conf, r->word, &r->p, em);
	if (rc != E_OK)
		return rc;
	return r->prepare    ? prepare(r, em)
	       : r->activate ? activate(r, em)
	       : r->abort    ? give_up(r, em)
	       : r->forget   ? forget(r, em)
			     : show(r, em);
}

int ca_rollover(const struct ctl_command *self, int argc, char **argv)
{
	struct rollover r = {.bits = CA_MAKE_ISSUER_BITS,
			     .days = CA_MAKE_ISSUING_DAYS,
			     .overlap = OVERLAP_HOURS,
			     .now = clock_now()};
	const struct opts_spec specs[] = {
		{"--prepare", NULL, OPT_FLAG, &r.prepare, 0, 0},
		{"--activate", NULL, OPT_FLAG, &r.activate, 0, 0},
		{"--abort", NULL, OPT_FLAG, &r.abort, 0, 0},
		{"--status", NULL, OPT_FLAG, &r.status, 0, 0},
		{"--forget", NULL, OPT_TEXT, &r.forget, 0, 0},
		{"--force", NULL, OPT_FLAG, &r.force, 0, 0},
		{"--csr", NULL, OPT_TEXT, &r.csr, 0, 0},
		{"--root", NULL, OPT_TEXT, &r.root, 0, 0},
		{"--root-key", NULL, OPT_TEXT, &r.root_key, 0, 0},
		{"--root-passphrase-file", NULL, OPT_TEXT, &r.passphrase_file, 0, 0},
		{"--bits", NULL, OPT_NUMBER, &r.bits, 2048, 4096},
		{"--days", NULL, OPT_NUMBER, &r.days, 1, 7300},
		{"--overlap", NULL, OPT_NUMBER, &r.overlap, 1, 720},
		{0},
	};
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, specs, &r.common, &r.word, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1 || r.prepare + r.activate + r.abort + r.status + (r.forget != NULL) != 1)
		return ctl_usage(self,
				 "rollover PROFILE, and one of --prepare, --activate, --abort, "
				 "--forget, --status");
	rc = run(&r, &em);
	conf_free(r.conf);
	return rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
}
