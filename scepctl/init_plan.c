#include "scepctl/init_plan.h"

#include "core/base/conf.h"
#include "core/base/text.h"
#include "scepctl/escape.h"

#include <arpa/inet.h>

enum { SOCKET_PATH_MAX = 107, ORGANIZATION_MAX = 64 };

bool init_plan_is_group(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n < NAME_SIZE && name[0] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
	       strcmp(name, "root") != 0;
}

bool init_plan_is_vlan(const char *vlan)
{
	static const char digits[] = "0123456789";
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = strlen(vlan);
	int64_t id;

	if (n == 0 || n > 32)
		return false;
	if (strspn(vlan, digits) == n)
		return text_int64(vlan, &id) == E_OK && id >= 1 && id <= 4094 && vlan[0] != '0';
	return strpbrk(vlan, letters) && text_is_plain(vlan, 32) &&
	       strspn(vlan, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       n;
}

static int add_group(struct init_plan *p, const char *word, struct errmsg *em)
{
	struct init_plan_group *g = &p->groups[p->n_groups];
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);

	if (p->n_groups == INIT_PLAN_GROUPS_MAX)
		return err_set(em, E_FORMAT, "--group: more than %d", INIT_PLAN_GROUPS_MAX);
	memset(g, 0, sizeof(*g));
	if (n < sizeof(g->name))
		memcpy(g->name, word, n);
	if (!init_plan_is_group(g->name))
		return err_set(em, E_FORMAT,
			       "--group: '%.40s' is not a group name: 1 to 32 of a-z, 0-9 and '-', "
			       "not \"root\"",
			       word);
	if (colon && (!init_plan_is_vlan(colon + 1) ||
		      text_copy(g->vlan, sizeof(g->vlan), colon + 1) != E_OK))
		return err_set(
			em, E_FORMAT,
			"--group %s: '%.40s' is neither a VLAN id (1 to 4094) nor a VLAN name",
			g->name, colon + 1);
	for (size_t i = 0; i < p->n_groups; i++)
		if (strcmp(p->groups[i].name, g->name) == 0)
			return err_set(em, E_FORMAT, "--group: %s is given twice", g->name);
	p->n_groups++;
	return E_OK;
}

static int set_groups(struct init_plan *p, const struct opts_list *given, struct errmsg *em)
{
	static const struct opts_list usual = {.v = {"staff:20", "students:30"}, .n = 2};
	const struct opts_list *list = given->n ? given : &usual;
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < list->n; i++)
		rc = add_group(p, list->v[i], em);
	return rc;
}

static bool is_host(const char *s)
{
	struct in6_addr addr;

	return *s && strlen(s) <= 200 && *s != '-' && *s != '.' && !strstr(s, "..") &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
		       strlen(s) &&
	       inet_pton(AF_INET, s, &addr) != 1;
}

static bool is_address(const char *s)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, s, &addr) == 1 || inet_pton(AF_INET6, s, &addr) == 1;
}

/* "192.0.2.1:80" or "[2001:db8::1]:80"; ret_port points into s. */
static bool is_listen(const char *s, const char **ret_port)
{
	const char *colon = strrchr(s, ':');
	char addr[64] = "";
	size_t n;
	int64_t port;

	if (!colon || text_int64(colon + 1, &port) != E_OK || port < 1 || port > 65535)
		return false;
	n = (size_t)(colon - s);
	if (n >= 2 && s[0] == '[' && s[n - 1] == ']') {
		s++;
		n -= 2;
	}
	if (n >= sizeof(addr))
		return false;
	memcpy(addr, s, n);
	*ret_port = colon + 1;
	return is_address(addr);
}

static bool is_url(const char *s, const char *scheme)
{
	size_t n = strlen(scheme);

	return strlen(s) < INIT_PLAN_URL_SIZE && strncmp(s, scheme, n) == 0 && s[n] &&
	       s[n] != '/' && s[strlen(s) - 1] != '/' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/"
			 "[]@%+") == strlen(s);
}

static int set_url(char dst[INIT_PLAN_URL_SIZE], const char *given, const char *scheme,
		   const char *other_scheme, const char *default_port, const char *host,
		   const char *port, const char *option, struct errmsg *em)
{
	if (given) {
		if (!is_url(given, scheme) && !(other_scheme && is_url(given, other_scheme)))
			return err_set(em, E_FORMAT,
				       "%s: '%.80s' is not a URL such as %shost:8080 without a "
				       "final slash",
				       option, given, scheme);
		return text_copy(dst, INIT_PLAN_URL_SIZE, given) == E_OK
			       ? E_OK
			       : err_set(em, E_FORMAT, "%s: too long", option);
	}
	if (strcmp(port, default_port) == 0)
		snprintf(dst, INIT_PLAN_URL_SIZE, "%s%s", scheme, host);
	else
		snprintf(dst, INIT_PLAN_URL_SIZE, "%s%s:%s", scheme, host, port);
	return E_OK;
}

static int set_network(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	const char *scep_port, *portal_port;
	int rc;

	p->host = in->host ? in->host : "localhost";
	if (!is_host(p->host))
		return err_set(em, E_FORMAT,
			       "--host: '%.80s' is not a DNS name (devices pin it, so an address "
			       "will not do)",
			       p->host);
	p->scep_listen = in->scep_listen ? in->scep_listen : "127.0.0.1:8080";
	p->portal_listen = in->portal_listen ? in->portal_listen : "127.0.0.1:8443";
	if (!is_listen(p->scep_listen, &scep_port))
		return err_set(em, E_FORMAT, "--scep-listen: '%.80s' is not ADDRESS:PORT",
			       p->scep_listen);
	if (!is_listen(p->portal_listen, &portal_port))
		return err_set(em, E_FORMAT, "--portal-listen: '%.80s' is not ADDRESS:PORT",
			       p->portal_listen);
	rc = set_url(p->scep_url, in->scep_url, "http://", "https://", "80", p->host, scep_port,
		     "--scep-url", em);
	if (rc == E_OK)
		rc = set_url(p->portal_url, in->portal_url, "https://", NULL, "443", p->host,
			     portal_port, "--portal-url", em);
	if (rc != E_OK)
		return rc;
	p->cdp = in->cdp;
	if (p->cdp && strncmp(p->scep_url, "http://", 7) != 0)
		return err_set(
			em, E_FORMAT,
			"--cdp: certificates can name an http:// address only, so --scep-url must "
			"be one");
	p->radius_listen = in->radius_listen ? in->radius_listen : "127.0.0.1";
	if (!is_address(p->radius_listen))
		return err_set(em, E_FORMAT, "--radius-listen: '%.80s' is not an IP address",
			       p->radius_listen);
	p->radius_port = in->radius_port ? in->radius_port : 1812;
	return E_OK;
}

static int set_redis(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	int rc;

	if (in->redis_socket && (in->redis_host || in->redis_port))
		return err_set(em, E_FORMAT,
			       "--redis-socket and --redis-host/--redis-port exclude each other");
	p->redis_host = in->redis_host ? in->redis_host : "127.0.0.1";
	p->redis_port = in->redis_port ? in->redis_port : 6379;
	if (!is_address(p->redis_host) && !is_host(p->redis_host))
		return err_set(em, E_FORMAT,
			       "--redis-host: '%.80s' is neither a host name nor an address",
			       p->redis_host);
	if (in->redis_host || in->redis_port)
		return E_OK;
	if (in->redis_socket) {
		/* Its folder may be made later (run/ of the instance), so it is not resolved here. */
		if (text_copy(p->redis_socket, sizeof(p->redis_socket), in->redis_socket) != E_OK)
			return err_set(em, E_FORMAT, "--redis-socket: too long");
	} else {
		rc = fs_join(p->redis_socket, p->dir, "run/redis.sock", em);
		if (rc != E_OK)
			return rc;
	}
	if (!escape_is_path(p->redis_socket))
		return err_set(
			em, E_FORMAT,
			"--redis-socket: '%.80s' is not an absolute path of plain characters",
			p->redis_socket);
	if (strlen(p->redis_socket) > SOCKET_PATH_MAX)
		return err_set(em, E_FORMAT,
			       "--redis-socket: longer than the %d bytes of a unix socket's path; "
			       "choose a "
			       "shorter folder",
			       SOCKET_PATH_MAX);
	return E_OK;
}

static int set_paths(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	int rc = fs_absolute(p->dir, in->dir, em);

	p->offline_root = in->offline_root ? in->offline_root : "";
	if (rc == E_OK && in->offline_root && (in->root_dir || in->ca_keys.n > 0))
		return err_set(em, E_FORMAT, "--offline-root excludes --root-dir and --ca-key");
	if (rc == E_OK && in->root_dir)
		rc = fs_absolute(p->root_dir, in->root_dir, em);
	if (rc != E_OK)
		return rc;
	if (!escape_is_path(p->dir))
		return err_set(
			em, E_FORMAT,
			"the folder's path may not hold quotes, backslash, '$', '%%' or braces: "
			"FreeRADIUS would read them as its own");
	p->module_dir = in->module_dir ? in->module_dir : "/usr/lib/freeradius";
	if (!escape_is_path(p->module_dir))
		return err_set(em, E_FORMAT,
			       "--module-dir: '%.80s' is not an absolute path of plain characters",
			       p->module_dir);
	p->run_as = in->run_as ? in->run_as : "";
	if (*p->run_as && !text_is_name(p->run_as, 32))
		return err_set(em, E_FORMAT, "--run-as: '%.40s' is not a user name", p->run_as);
	return E_OK;
}

static int set_bits(long *dst, long given, long usual, const char *option, struct errmsg *em)
{
	*dst = given ? given : usual;
	if (*dst < 2048 || *dst > 8192 || *dst % 8 != 0)
		return err_set(em, E_FORMAT, "%s: %ld is not a key size from 2048 to 8192", option,
			       *dst);
	return E_OK;
}

static int set_keys(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	int rc = set_bits(&p->root_bits, in->root_bits, 4096, "--root-bits", em);

	if (rc == E_OK)
		rc = set_bits(&p->issuer_bits, in->issuer_bits, 3072, "--issuer-bits", em);
	if (rc == E_OK)
		rc = set_bits(&p->ra_bits, in->ra_bits, 2048, "--ra-bits", em);
	if (rc != E_OK)
		return rc;
	p->lifetime = in->lifetime ? in->lifetime : 365;
	if (p->lifetime < 1 || p->lifetime > 1825)
		return err_set(em, E_FORMAT,
			       "--lifetime: %ld is not a number of days from 1 to 1825",
			       p->lifetime);
	return E_OK;
}

static int set_ca_key(struct init_plan *p, const char *word, struct errmsg *em)
{
	const char *uri = strchr(word, '=');
	size_t n = uri ? (size_t)(uri - word) : 0;

	if (!uri || !conf_is_token(uri + 1))
		return err_set(em, E_FORMAT, "--ca-key: '%.80s' is not GROUP=pkcs11:...", word);
	for (size_t i = 0; i < p->n_groups; i++) {
		struct init_plan_group *g = &p->groups[i];

		if (strlen(g->name) != n || strncmp(g->name, word, n) != 0)
			continue;
		if (g->ca_key)
			return err_set(em, E_FORMAT, "--ca-key: %s is given twice", g->name);
		g->ca_key = uri + 1;
		return E_OK;
	}
	return err_set(em, E_FORMAT, "--ca-key: there is no group '%.*s'", n > 40 ? 40 : (int)n,
		       word);
}

static int set_token(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	int rc = E_OK;

	p->token_module = in->token_module ? in->token_module : "";
	for (size_t i = 0; rc == E_OK && i < in->ca_keys.n; i++)
		rc = set_ca_key(p, in->ca_keys.v[i], em);
	if (rc != E_OK)
		return rc;
	if (in->ca_keys.n > 0 ? !in->token_module || !in->token_pin
			      : in->token_module || in->token_pin || in->token_files)
		return err_set(em, E_FORMAT,
			       "--ca-key, --token-module and --token-pin go together");
	if (in->token_pin)
		rc = fs_absolute(p->token_pin, in->token_pin, em);
	if (rc == E_OK && in->token_files)
		rc = fs_absolute(p->token_files, in->token_files, em);
	return rc;
}

static int set_names(const struct init_plan_input *in, struct init_plan *p, struct errmsg *em)
{
	p->organization = in->organization ? in->organization : "Example University";
	if (!text_is_plain(p->organization, ORGANIZATION_MAX))
		return err_set(em, E_FORMAT,
			       "--organization: 1 to %d bytes of plain text are needed (it goes "
			       "into certificates)",
			       ORGANIZATION_MAX);
	p->ssid = in->ssid ? in->ssid : "campus";
	if (!text_is_plain(p->ssid, 32)) /* IEEE 802.11: 0 to 32 octets */
		return err_set(em, E_FORMAT, "--ssid: 1 to 32 bytes of plain text are needed");
	p->onboarding_ssid = in->onboarding_ssid ? in->onboarding_ssid : "";
	if (*p->onboarding_ssid && !text_is_plain(p->onboarding_ssid, 32))
		return err_set(em, E_FORMAT,
			       "--onboarding-ssid: 1 to 32 bytes of plain text are needed");
	if (strcmp(p->onboarding_ssid, p->ssid) == 0)
		return err_set(em, E_FORMAT, "--onboarding-ssid: must differ from --ssid");
	return E_OK;
}

int init_plan_make(const struct init_plan_input *in, struct init_plan *ret, struct errmsg *em)
{
	int rc;

	memset(ret, 0, sizeof(*ret));
	rc = set_paths(in, ret, em);
	if (rc == E_OK)
		rc = set_names(in, ret, em);
	if (rc == E_OK)
		rc = set_groups(ret, &in->groups, em);
	if (rc == E_OK)
		rc = set_network(in, ret, em);
	if (rc == E_OK)
		rc = set_redis(in, ret, em);
	if (rc == E_OK)
		rc = set_keys(in, ret, em);
	if (rc == E_OK)
		rc = set_token(in, ret, em);
	return rc;
}
