/* scepctl ca make-root, sign-intermediate, sign-server: what is run where the root key is kept, without any
 * instance. */
#include "scepctl/ca.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/pki/cert_check.h"
#include "core/pki/csr_file.h"
#include "core/pki/key.h"

#include <unistd.h>

enum { DAY = 86400, ROOT_DAYS = 7300, ROOT_BITS = 4096, PASSPHRASE_MIN = 8, SLACK = 900 };

/* --- make-root ----------------------------------------------------------------------------------------- */

struct make_root {
	struct ctl_common common;
	const char *dir, *organization, *passphrase_file;
	long bits, days;
	char passphrase[CTL_SECRET_SIZE];
};

static int get_passphrase(struct make_root *m, struct errmsg *em)
{
	int rc = m->passphrase_file ? conf_secret_line(m->passphrase_file, m->passphrase,
						       sizeof(m->passphrase), em)
				    : ctl_ask_secret("Passphrase for the root CA key: ", true,
						     m->passphrase, em);

	if (rc == E_STATE)
		return err_set(em, rc,
			       "there is no terminal to ask on: name a file with "
			       "--root-passphrase-file");
	if (rc == E_OK && strlen(m->passphrase) < PASSPHRASE_MIN)
		return err_set(em, E_FORMAT, "the passphrase needs %d characters or more",
			       PASSPHRASE_MIN);
	return rc;
}

static int make_root(struct make_root *m, struct errmsg *em)
{
	char cn[CA_MAKE_CN_SIZE], key_path[FS_PATH_MAX], cert_path[FS_PATH_MAX];
	int64_t now = clock_now();
	struct cert_spec spec = {.kind = CERT_KIND_ROOT,
				 .cn = cn,
				 .org = m->organization,
				 .not_before = now - SLACK,
				 .not_after = now + (int64_t)m->days * DAY};
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int rc = get_passphrase(m, em);

	if (rc == E_OK && !fs_exists(m->dir))
		rc = fs_mkdir(m->dir, 0700, em);
	if (rc == E_OK)
		rc = fs_join(key_path, m->dir, "root.key", em);
	if (rc == E_OK)
		rc = fs_join(cert_path, m->dir, "root.pem", em);
	if (rc == E_OK && (fs_exists(key_path) || fs_exists(cert_path)))
		rc = err_set(em, E_EXISTS, "%s: there is a root already; it stays as it is",
			     m->dir);
	if (rc != E_OK)
		return rc;
	ca_make_name(cn, m->organization, "Root CA");
	if (key_generate_rsa((unsigned)m->bits, &key) != E_OK)
		return err_set(em, E_CRYPTO, "the key could not be made");
	spec.key = key;
	rc = cert_build(&spec, NULL, key, &cert, em);
	if (rc == E_OK)
		rc = key_save(key_path, key, m->passphrase, em);
	if (rc == E_OK)
		rc = cert_save(cert_path, &cert, 1, em);
	cert_free(cert);
	key_release(key);
	return rc;
}

int ca_make_root(const struct ctl_command *self, int argc, char **argv)
{
	struct make_root m = {.bits = ROOT_BITS, .days = ROOT_DAYS};
	const struct opts_spec specs[] = {
		{"--organization", NULL, OPT_TEXT, &m.organization, 0, 0},
		{"--root-passphrase-file", NULL, OPT_TEXT, &m.passphrase_file, 0, 0},
		{"--bits", NULL, OPT_NUMBER, &m.bits, 2048, 8192},
		{"--days", NULL, OPT_NUMBER, &m.days, 1, 14600},
		{0},
	};
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, specs, &m.common, &m.dir, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1 || !m.organization)
		return ctl_usage(self, "make-root DIR --organization TEXT");
	rc = make_root(&m, &em);
	text_wipe(m.passphrase, sizeof(m.passphrase));
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	printf("root.pem, which is public, and root.key, which stays here, are in %s\n"
	       "next, where the instance is to be: scepctl init DIR --offline-root root.pem\n",
	       m.dir);
	return EXIT_DONE;
}

/* --- sign ---------------------------------------------------------------------------------------------- */

struct sign {
	struct ctl_common common;
	const char *csr_path, *root, *root_key, *passphrase_file, *out;
	bool server, yes;
	long days;
	int64_t now, to;
	struct ca_signer by;
	struct csr_file csr;
	char out_path[FS_PATH_MAX];
};

static int set_out(struct sign *s, struct errmsg *em)
{
	size_t n = strlen(s->csr_path);
	bool csr = n > 4 && strcmp(s->csr_path + n - 4, ".csr") == 0;
	int len = s->out ? snprintf(s->out_path, sizeof(s->out_path), "%s", s->out)
			 : snprintf(s->out_path, sizeof(s->out_path), "%.*s.pem",
				    (int)(csr ? n - 4 : n), s->csr_path);

	if (len < 0 || (size_t)len >= sizeof(s->out_path))
		return err_set(em, E_TOOBIG, "--out: path is too long");
	if (fs_exists(s->out_path))
		return err_set(em, E_EXISTS, "%s is there and stays as it is", s->out_path);
	return E_OK;
}

/* What is about to be signed, in full, since nobody can take it back. */
static int show_and_ask(const struct sign *s, struct errmsg *em)
{
	char line[16] = "", hash[HASH_SIZE], to[24];
	int rc = key_spki_hash(s->csr.key, hash);

	if (rc != E_OK)
		return err_set(em, rc, "the key cannot be read");
	clock_iso(to, sizeof(to), s->to);
	printf("request       %s\n"
	       "becomes       %s\n"
	       "subject       %s%s%sCN=%s\n"
	       "key SHA-256   %s\n"
	       "valid until   %s\n",
	       s->csr_path,
	       s->server ? "a TLS server"
			 : "an issuing CA: CA:TRUE, pathlen:0, keyCertSign, cRLSign",
	       *s->csr.org ? "O=" : "", s->csr.org, *s->csr.org ? ", " : "", s->csr.cn, hash, to);
	for (size_t i = 0; s->server && i < s->csr.n_hosts; i++)
		printf("for           %s\n", s->csr.hosts[i]);
	if (s->yes)
		return E_OK;
	fflush(stdout); /* before what is told on standard error */
	if (!isatty(STDIN_FILENO))
		return err_set(em, E_STATE, "nobody to ask whether this is right: --yes says so");
	printf("Sign it? [y/N] ");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin) || (line[0] != 'y' && line[0] != 'Y'))
		return err_set(em, E_DENIED, "not signed");
	return E_OK;
}

static int build(struct sign *s, struct errmsg *em)
{
	const char *dns[CSR_FILE_HOSTS_MAX];
	struct cert_spec spec = {.kind = s->server ? CERT_KIND_TLS_SERVER : CERT_KIND_ISSUING,
				 .cn = s->csr.cn,
				 .org = *s->csr.org ? s->csr.org : NULL,
				 .dns = dns,
				 .n_dns = s->server ? s->csr.n_hosts : 0,
				 .not_after = s->to,
				 .key = s->csr.key};
	X509 *certs[2] = {NULL, s->by.cert};
	int64_t from, to;
	int rc = cert_validity(s->by.cert, &from, &to);

	for (size_t i = 0; i < s->csr.n_hosts; i++)
		dns[i] = s->csr.hosts[i];
	spec.not_before = s->now - SLACK / 2 > from ? s->now - SLACK / 2 : from;
	if (rc == E_OK)
		rc = cert_build(&spec, s->by.cert, s->by.key, &certs[0], em);
	if (rc == E_OK)
		rc = cert_save(s->out_path, certs, 2, em);
	cert_free(certs[0]);
	return rc;
}

static int sign(struct sign *s, struct errmsg *em)
{
	int64_t from, to;
	int rc = set_out(s, em);

	if (rc == E_OK)
		rc = csr_file_read(s->csr_path, &s->csr, em);
	if (rc == E_OK && !s->server && !EVP_PKEY_is_a(s->csr.key, "RSA"))
		rc = err_set(em, E_DENIED, "%s: an issuing CA for SCEP must have an RSA key",
			     s->csr_path);
	if (rc == E_OK && s->server && s->csr.n_hosts == 0)
		rc = err_set(em, E_FORMAT, "%s: names no host", s->csr_path);
	if (rc == E_OK)
		rc = ca_root_load(NULL, s->root, s->root_key, s->passphrase_file, s->now, &s->by,
				  em);
	if (rc == E_OK)
		rc = cert_validity(s->by.cert, &from, &to);
	if (rc != E_OK)
		return rc;
	s->to = s->now + (int64_t)s->days * DAY < to ? s->now + (int64_t)s->days * DAY : to;
	rc = show_and_ask(s, em);
	return rc == E_OK ? build(s, em) : rc;
}

static int run(const struct ctl_command *self, int argc, char **argv, bool server)
{
	struct sign s = {.server = server,
			 .days = server ? CA_MAKE_SERVER_DAYS : CA_MAKE_ISSUING_DAYS,
			 .now = clock_now()};
	const struct opts_spec specs[] = {
		{"--root", NULL, OPT_TEXT, &s.root, 0, 0},
		{"--root-key", NULL, OPT_TEXT, &s.root_key, 0, 0},
		{"--root-passphrase-file", NULL, OPT_TEXT, &s.passphrase_file, 0, 0},
		{"--days", NULL, OPT_NUMBER, &s.days, 1, 7300},
		{"--out", NULL, OPT_TEXT, &s.out, 0, 0},
		{"--yes", NULL, OPT_FLAG, &s.yes, 0, 0},
		{0},
	};
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, specs, &s.common, &s.csr_path, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1 || !s.root || !s.root_key)
		return ctl_usage(self, "%s --root FILE --root-key FILE REQUEST",
				 server ? "sign-server" : "sign-intermediate");
	rc = sign(&s, &em);
	ca_signer_free(&s.by);
	key_release(s.csr.key);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	printf("signed: %s\nnext, where the instance is: scepctl ca install-cert %s\n", s.out_path,
	       generation_name(s.out_path));
	return EXIT_DONE;
}

int ca_sign_intermediate(const struct ctl_command *self, int argc, char **argv)
{
	return run(self, argc, argv, false);
}

int ca_sign_server(const struct ctl_command *self, int argc, char **argv)
{
	return run(self, argc, argv, true);
}
