#include "scepctl/ca_make.h"

#include "core/base/clock.h"
#include "core/pki/cert_check.h"
#include "core/pki/key.h"

#include <errno.h>
#include <unistd.h>

enum { DAY = 86400, SLACK = 300 /* clocks of devices run behind */ };

void ca_make_name(char dst[CA_MAKE_CN_SIZE], const char *organization, const char *what)
{
	int n = snprintf(dst, CA_MAKE_CN_SIZE, "%s %s", organization, what);

	if (n < 0 || n >= CA_MAKE_CN_SIZE)
		snprintf(dst, CA_MAKE_CN_SIZE, "%s", what);
}

int ca_signer_load(const struct conf *c, const char *cert, const char *key, const char *passphrase,
		   int64_t now, struct ca_signer *ret, struct errmsg *em)
{
	struct ca_signer s = {.n_above = 0};
	X509 *certs[CERT_CHAIN_MAX];
	int64_t from, to;
	char when[24];
	size_t n = 0;
	int rc = cert_load_all(cert, certs, CERT_CHAIN_MAX, &n, em);

	if (rc != E_OK)
		return rc;
	s.cert = certs[0];
	s.n_above = n - 1;
	memcpy(s.above, certs + 1, s.n_above * sizeof(certs[0]));
	rc = passphrase ? key_load(key, passphrase, &s.key, em) : key_open(c, key, &s.key, em);
	if (rc == E_OK && !cert_check_key(s.cert, s.key))
		rc = err_set(em, E_CONFIG, "%s: is not the key of %s", key, cert);
	if (rc == E_OK && !cert_check_ca(s.cert))
		rc = err_set(em, E_DENIED, "%s: is not a CA certificate", cert);
	if (rc == E_OK && cert_validity(s.cert, &from, &to) != E_OK)
		rc = err_set(em, E_FORMAT, "%s: its dates are malformed", cert);
	if (rc == E_OK && (now < from || now >= to)) {
		clock_iso(when, sizeof(when), now < from ? from : to);
		rc = err_set(em, E_DENIED, "%s: %s %s: it signs nothing", cert,
			     now < from ? "is not valid before" : "has expired at", when);
	}
	if (rc == E_OK)
		*ret = s;
	else
		ca_signer_free(&s);
	return rc;
}

void ca_signer_free(struct ca_signer *s)
{
	cert_free(s->cert);
	key_release(s->key);
	while (s->n_above > 0)
		cert_free(s->above[--s->n_above]);
	s->cert = NULL;
	s->key = NULL;
}

static int fresh_path(char dst[FS_PATH_MAX], const char *dir, const char *name, struct errmsg *em)
{
	int rc = fs_join(dst, dir, name, em);

	if (rc == E_OK && unlink(dst) != 0 && errno != ENOENT)
		rc = err_set(em, E_IO, "%s: %s", dst, strerror(errno));
	return rc;
}

static int save(const struct ca_want *w, X509 *cert, EVP_PKEY *key, struct errmsg *em)
{
	X509 *certs[CERT_CHAIN_MAX] = {cert};
	char path[FS_PATH_MAX];
	size_t n = 1;
	int rc = fresh_path(path, w->dir, w->cert_name, em);

	if (w->with_chain) {
		certs[n++] = w->by->cert;
		for (size_t i = 0; i < w->by->n_above && n < CERT_CHAIN_MAX; i++)
			certs[n++] = w->by->above[i];
	}
	if (rc == E_OK)
		rc = cert_save(path, certs, n, em);
	if (rc == E_OK)
		rc = fresh_path(path, w->dir, w->key_name, em);
	return rc == E_OK ? key_save(path, key, NULL, em) : rc;
}

int ca_make(const struct ca_want *w, struct errmsg *em)
{
	struct cert_spec spec = {
		.kind = w->kind, .cn = w->cn, .org = w->org, .dns = w->dns, .n_dns = w->n_dns};
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int64_t from, to;
	int rc = cert_validity(w->by->cert, &from, &to);

	if (rc == E_OK && !w->key)
		rc = key_generate_rsa((unsigned)w->bits, &key);
	if (rc != E_OK)
		return err_set(em, rc, "the key could not be made: %s", err_text(rc));
	spec.key = w->key ? w->key : key;
	spec.not_before = w->now - SLACK > from ? w->now - SLACK : from;
	spec.not_after =
		w->now + (int64_t)w->days * DAY < to ? w->now + (int64_t)w->days * DAY : to;
	rc = cert_build(&spec, w->by->cert, w->by->key, &cert, em);
	if (rc == E_OK)
		rc = save(w, cert, spec.key, em);
	cert_free(cert);
	key_release(key);
	return rc;
}

int ca_make_service(const struct conf *c, const char *profile, bool ra, const struct ca_signer *s,
		    const struct ca_want *more, struct errmsg *em)
{
	struct ca_want w = *more;
	char what[NAME_SIZE + 16], cn[CA_MAKE_CN_SIZE];

	snprintf(what, sizeof(what), "%s %s", profile, ra ? "SCEP RA" : "OCSP");
	w.org = conf_str(c, "", NULL, "organization");
	ca_make_name(cn, w.org, what);
	w.cn = cn;
	w.kind = ra ? CERT_KIND_SCEP_RA : CERT_KIND_OCSP;
	w.by = s;
	w.cert_name =
		generation_name(conf_path(c, "profile", profile, ra ? "ra-cert" : "ocsp-cert"));
	if (!w.key_name)
		w.key_name = generation_name(
			conf_path(c, "profile", profile, ra ? "ra-key" : "ocsp-key"));
	if (!w.bits)
		w.bits = CA_MAKE_BITS;
	if (!w.days)
		w.days = ra ? CA_MAKE_RA_DAYS : CA_MAKE_OCSP_DAYS;
	return ca_make(&w, em);
}
