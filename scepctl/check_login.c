/* The kinds of login that the portal is told to offer: is what each needs there? */
#include "scepctl/check.h"

#include "core/base/conf.h"
#include "core/base/text.h"

#include <string.h>

enum { SECRET_SIZE = 513, PROXY_SECRET_MIN = 32 };

static void check_given(struct check *c, const char *section, const char *key, const char *mend)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s.%s", section, key);
	if (*conf_str(c->conf, section, NULL, key) == '\0')
		check_add(c, false, name, mend, "must be given for portal.login = %s", section);
}

static void check_secret(struct check *c, const char *section, const char *key, size_t min,
			 const char *mend)
{
	const char *path = conf_path(c->conf, section, NULL, key);
	char secret[SECRET_SIZE] = "";
	struct errmsg em;

	if (conf_secret_line(path, secret, sizeof(secret), &em) != E_OK)
		check_add(c, false, check_name(c, path), mend, "%s", em.text);
	else if (strlen(secret) < min)
		check_add(c, false, check_name(c, path), mend, "has less than %zu characters", min);
	text_wipe(secret, sizeof(secret));
}

static void check_oidc(struct check *c)
{
	const char *issuer = conf_str(c->conf, "oidc", NULL, "issuer");

	check_given(c, "oidc", "issuer", "the provider's URL, as in its metadata");
	check_given(c, "oidc", "client-id", "what the provider calls the portal");
	if (strncmp(issuer, "http://", 7) == 0)
		check_add(c, true, "oidc.issuer", "https, other than for a test",
			  "logins at the provider go without TLS");
	if (strcmp(conf_str(c->conf, "oidc", NULL, "client-auth"), "none") != 0)
		check_secret(c, "oidc", "client-secret", 1,
			     "put the client's secret there, mode 0600");
}

static void check_header(struct check *c)
{
	const char *const *proxies;

	if (conf_list(c->conf, "header", NULL, "proxy", &proxies) == 0)
		check_add(c, false, "header.proxy", "proxy = { \"127.0.0.1\" }",
			  "must be given for portal.login = header");
	check_secret(c, "header", "secret", PROXY_SECRET_MIN,
		     "(umask 077; openssl rand -hex 32 >secrets/header-secret), and the same for "
		     "the web server");
}

void check_login(struct check *c)
{
	const char *const *kinds;
	size_t n = conf_list(c->conf, "portal", NULL, "login", &kinds);

	if (n == 0)
		check_add(c, false, "portal.login", "login = { \"local\" }",
			  "there is no way to log in");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(kinds[i], "oidc") == 0)
			check_oidc(c);
		else if (strcmp(kinds[i], "header") == 0)
			check_header(c);
		else if (strcmp(kinds[i], "local") != 0 && strcmp(kinds[i], "ldap") != 0)
			check_add(c, false, "portal.login", "one of local, ldap, oidc and header",
				  "\"%.60s\" is no kind of login", kinds[i]);
	}
}
