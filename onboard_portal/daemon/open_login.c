#include "onboard_portal/daemon/login.h"

#include "core/http/fetch.h"
#include "onboard_portal/auth/ldap.h"
#include "onboard_portal/auth/local.h"

static int open_oidc(struct portal *p, struct errmsg *em)
{
	unsigned threads = p->threads;
	int r = fetch_start();

	/* Half of the threads may wait for the provider: the others serve who is logged in already. */
	p->asking_max = threads > 1 ? threads / 2 : 1;
	p->oidc_again = conf_int(p->conf, "oidc", NULL, "again") * 60;
	p->oidc_name = conf_str(p->conf, "oidc", NULL, "name");
	if (*p->oidc_name == '\0')
		p->oidc_name = p->organization;
	return r == E_OK ? oidc_open(p->conf, p->url, p->session_key, &p->oidc, em) : r;
}

static int open_kind(struct portal *p, const char *kind, struct errmsg *em)
{
	bool local = strcmp(kind, "local") == 0;
	struct auth a = {.source = NULL};
	int r;

	if (strcmp(kind, "oidc") == 0 && p->oidc == NULL)
		return open_oidc(p, em);
	if (strcmp(kind, "header") == 0 && p->header == NULL) {
		p->sso_name = conf_str(p->conf, "header", NULL, "button");
		if (*p->sso_name == '\0')
			p->sso_name = p->organization;
		return header_login_open(p->conf, &p->header, em);
	}
	if (!local && strcmp(kind, "ldap") != 0)
		return err_set(
			em, E_CONFIG,
			"portal: login: \"%.60s\" is none of local, ldap, oidc and header, or "
			"is there twice",
			kind);
	for (size_t i = 0; i < p->n_auths; i++)
		if (strcmp(p->auths[i].source, kind) == 0)
			return err_set(em, E_CONFIG, "portal: login: %s is there twice", kind);
	r = local ? local_open(conf_path(p->conf, "portal", NULL, "accounts"), &a, em)
		  : ldap_login_open(p->conf, &a, em);
	if (r == E_OK)
		p->auths[p->n_auths++] = a;
	return r;
}

int portal_open_login(struct portal *p, struct errmsg *em)
{
	const char *const *kinds;
	size_t n = conf_list(p->conf, "portal", NULL, "login", &kinds);
	int r = n > 0 ? E_OK : err_set(em, E_CONFIG, "portal: login: there is no way to log in");

	for (size_t i = 0; r == E_OK && i < n; i++)
		r = open_kind(p, kinds[i], em);
	return r;
}

void portal_close_login(struct portal *p)
{
	for (size_t i = 0; i < p->n_auths; i++)
		p->auths[i].close(p->auths[i].self);
	oidc_close(p->oidc);
	header_login_close(p->header);
}
