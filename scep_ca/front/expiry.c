#include "scep_ca/front/expiry.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"

#include <inttypes.h>
#include <unistd.h>

struct known {
	const char *profile; /* of the configuration */
	const char *what;    /* CA, RA, OCSP */
	char serial[SERIAL_SIZE];
	int64_t from, to;
};

struct expiry {
	long warn;
	struct known *all;
	size_t n;
};

static int add(struct expiry *e, const char *profile, const char *what, const char *path,
	       struct errmsg *em)
{
	struct known *k = &e->all[e->n];
	X509 *cert = NULL;
	int r = cert_load(path, &cert, em);

	if (r != E_OK)
		return r;
	k->profile = profile;
	k->what = what;
	if (cert_serial(cert, k->serial) != E_OK)
		k->serial[0] = '\0'; /* made elsewhere */
	r = cert_validity(cert, &k->from, &k->to);
	cert_free(cert);
	e->n++;
	return r == E_OK ? E_OK : err_set(em, E_CONFIG, "%s: its dates are malformed", path);
}

/* The responders of CAs of before go on answering. */
static int add_retired(struct expiry *e, const struct conf *c, const char *profile,
		       struct errmsg *em)
{
	const char *current = conf_path(c, "profile", profile, "issuer-cert");
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], path[CA_DIR_PATH_SIZE], part[80];
	size_t n = 0;
	int r = ca_dir_retired(current, ids, &n, em);

	for (size_t i = 0; r == E_OK && i < n; i++) {
		snprintf(part, sizeof(part), "now/retired/%.32s/ocsp.pem", ids[i]);
		r = ca_dir_path(current, part, path, em);
		if (r == E_OK && access(path, F_OK) == 0)
			r = add(e, profile, "old OCSP", path, em);
	}
	return r;
}

int expiry_new(const struct conf *c, struct expiry **ret, struct errmsg *em)
{
	const char *const *names = NULL;
	size_t n = conf_titles(c, "profile", &names);
	struct expiry *e = calloc(1, sizeof(*e));
	int r = e && (e->all = calloc(n ? (3 + CA_DIR_RETIRED_MAX) * n : 1, sizeof(*e->all)))
			? E_OK
			: E_NOMEM;

	if (r != E_OK)
		(void)err_set(em, r, "%s", err_text(r));
	else
		e->warn = conf_int(c, "", NULL, "expiry-warning");
	for (size_t i = 0; r == E_OK && i < n; i++) {
		const char *ocsp = conf_path(c, "profile", names[i], "ocsp-cert");

		r = add(e, names[i], "CA", conf_path(c, "profile", names[i], "issuer-cert"), em);
		if (r == E_OK)
			r = add(e, names[i], "RA", conf_path(c, "profile", names[i], "ra-cert"),
				em);
		if (r == E_OK && *ocsp)
			r = add(e, names[i], "OCSP", ocsp, em);
		if (r == E_OK)
			r = add_retired(e, c, names[i], em);
	}
	if (r == E_OK)
		*ret = e;
	else
		expiry_free(e);
	return r;
}

void expiry_free(struct expiry *e)
{
	if (e)
		free(e->all);
	free(e);
}

static void tell(const struct known *k, enum cert_life life, int64_t now)
{
	char days[24], when[24];
	const struct audit_field fields[] = {
		{"profile", k->profile},         {"certificate", k->what}, {"serial", k->serial},
		{"state", cert_life_text(life)}, {"not_after", when},      {"days", days},
	};

	snprintf(days, sizeof(days), "%" PRId64, (k->to - now) / EXPIRY_PERIOD);
	clock_iso(when, sizeof(when), k->to);
	if (life == CERT_LIFE_SOON)
		log_warn("the %s certificate of profile %s ends at %s (in %s days): scepctl ca "
			 "status",
			 k->what, k->profile, when, days);
	else
		log_error("the %s certificate of profile %s: %s (%s): scepctl ca status", k->what,
			  k->profile, cert_life_text(life), when);
	if (audit_event("cert_expiring", "", fields, sizeof(fields) / sizeof(fields[0])) != E_OK)
		log_error("audit line was lost");
}

size_t expiry_tell(const struct expiry *e, int64_t now)
{
	size_t told = 0;

	for (size_t i = 0; i < e->n; i++) {
		enum cert_life life = cert_life(e->all[i].from, e->all[i].to, now, e->warn);

		if (life == CERT_LIFE_GOOD)
			continue;
		tell(&e->all[i], life, now);
		told++;
	}
	return told;
}
