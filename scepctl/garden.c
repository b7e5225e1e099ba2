#include "scepctl/garden.h"

#include "core/base/text.h"
#include "core/model/netlist.h"

#include <arpa/inet.h>
#include <strings.h>

static enum garden_kind kind_of(const char *host)
{
	uint8_t a[16];

	if (inet_pton(AF_INET, host, a) == 1)
		return GARDEN_IPV4;
	return inet_pton(AF_INET6, host, a) == 1 ? GARDEN_IPV6 : GARDEN_NAME;
}

/* What may stand in anybody's configuration without quotes. */
static bool is_name(const char *s)
{
	size_t n = strlen(s), label = 0;

	if (n == 0 || n >= GARDEN_HOST_SIZE)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		bool letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (c == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
		} else if (letter || c == '_' || (c == '-' && label > 0)) {
			if (++label > 63)
				return false;
		} else {
			return false;
		}
	}
	return label > 0 && s[n - 1] != '-';
}

static int add(struct garden *g, enum garden_kind kind, const char *host, unsigned port,
	       const char *why, struct errmsg *em)
{
	struct garden_host *h = &g->hosts[g->n_hosts];

	for (size_t i = 0; i < g->n_hosts; i++) {
		const struct garden_host *o = &g->hosts[i];

		if (o->kind == kind && o->port == port && strcasecmp(o->host, host) == 0)
			return E_OK;
	}
	if (g->n_hosts == GARDEN_HOSTS_MAX)
		return err_set(em, E_CONFIG, "more than %d names", GARDEN_HOSTS_MAX);
	*h = (struct garden_host){.kind = kind, .port = port, .why = why};
	for (size_t i = 0; host[i] != '\0'; i++)
		h->host[i] =
			(char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] - 'A' + 'a' : host[i]);
	g->n_hosts++;
	return E_OK;
}

static int bad_url(const char *url, const char *why, struct errmsg *em)
{
	return err_set(em, E_CONFIG, "%s: \"%.100s\" has no host that can be read", why, url);
}

/* "host", "host:port", "[v6]" or "[v6]:port", up to n bytes. */
static bool split_authority(const char *s, size_t n, char host[GARDEN_HOST_SIZE], unsigned *port)
{
	const char *end = s + n, *colon = NULL, *from = s, *to;
	int64_t number = 0;
	char digits[8];

	if (n > 0 && *s == '[') {
		to = memchr(s, ']', n);
		if (to == NULL)
			return false;
		from = s + 1;
		if (to + 1 < end && to[1] == ':')
			colon = to + 1;
		else if (to + 1 != end)
			return false;
	} else {
		colon = memchr(s, ':', n);
		to = colon != NULL ? colon : end;
	}
	if (to <= from || (size_t)(to - from) >= GARDEN_HOST_SIZE)
		return false;
	memcpy(host, from, (size_t)(to - from));
	host[to - from] = '\0';
	if (colon == NULL)
		return true;
	if (end - colon - 1 < 1 || end - colon - 1 > 5)
		return false;
	memcpy(digits, colon + 1, (size_t)(end - colon - 1));
	digits[end - colon - 1] = '\0';
	if (text_int64(digits, &number) != E_OK || number < 1 || number > 65535)
		return false;
	*port = (unsigned)number;
	return true;
}

int garden_add_url(struct garden *g, const char *url, const char *why, struct errmsg *em)
{
	bool tls = strncmp(url, "https://", 8) == 0;
	const char *rest = url + (tls ? 8 : 7);
	unsigned port = tls ? 443 : 80;
	char host[GARDEN_HOST_SIZE];
	enum garden_kind kind;

	if (!tls && strncmp(url, "http://", 7) != 0)
		return bad_url(url, why, em);
	if (!split_authority(rest, strcspn(rest, "/?#"), host, &port))
		return bad_url(url, why, em);
	kind = kind_of(host);
	if (kind == GARDEN_NAME && !is_name(host))
		return bad_url(url, why, em);
	return add(g, kind, host, port, why, em);
}

int garden_add_host(struct garden *g, const char *host, const char *why, struct errmsg *em)
{
	enum garden_kind kind = kind_of(host);
	const char *name = host;

	if (strncmp(host, "*.", 2) == 0) {
		kind = GARDEN_BELOW;
		name = host + 2;
	}
	if ((kind == GARDEN_NAME || kind == GARDEN_BELOW) && !is_name(name))
		return err_set(em, E_CONFIG,
			       "%s: \"%.100s\" is no name such as login.example.edu or "
			       "*.example.edu",
			       why, host);
	return add(g, kind, name, 443, why, em);
}

/* Is it an address that only its own machine can reach, in any spelling? *ret_any: it stands for all addresses. */
static bool is_own(const char *host, bool *ret_any)
{
	struct in6_addr a;
	struct in_addr v4;
	uint32_t n;

	if (inet_pton(AF_INET6, host, &a) == 1) {
		*ret_any = IN6_IS_ADDR_UNSPECIFIED(&a);
		if (!IN6_IS_ADDR_V4MAPPED(&a))
			return IN6_IS_ADDR_LOOPBACK(&a);
		memcpy(&v4, a.s6_addr + 12, sizeof(v4));
	} else if (inet_pton(AF_INET, host, &v4) != 1) {
		return false;
	}
	n = ntohl(v4.s_addr);
	*ret_any = *ret_any || n == INADDR_ANY;
	return n >> 24 == IN_LOOPBACKNET;
}

int garden_set_probe(struct garden *g, const char *listen, struct errmsg *em)
{
	char host[GARDEN_HOST_SIZE];
	unsigned port = 0;
	bool any = false;

	if (*listen == '\0')
		return E_OK;
	if (!split_authority(listen, strlen(listen), host, &port) ||
	    (strcmp(host, "*") != 0 && kind_of(host) == GARDEN_NAME))
		return err_set(em, E_CONFIG, "captive.listen: \"%.60s\" is no address and port",
			       listen);
	if (strcmp(host, "*") != 0 && is_own(host, &any))
		return err_set(em, E_CONFIG,
			       "captive.listen: %s is reached from this machine only, not from the "
			       "open network",
			       host);
	g->probe_port = port;
	if (strcmp(host, "*") != 0 && !any)
		memcpy(g->probe_host, host, strlen(host) + 1);
	return E_OK;
}

int garden_add_net(struct garden *g, const char *net, struct errmsg *em)
{
	struct netlist_net parsed;

	if (netlist_parse(net, &parsed) != E_OK)
		return err_set(em, E_CONFIG,
			       "captive.networks: \"%.60s\" is no network such as 10.20.0.0/16",
			       net);
	if (g->n_nets == GARDEN_NETS_MAX)
		return err_set(em, E_CONFIG, "captive.networks: more than %d", GARDEN_NETS_MAX);
	g->nets[g->n_nets++] = net;
	return E_OK;
}

bool garden_is_label(const char *name)
{
	return text_is_name(name, 31) && strpbrk(name, ".@-0123456789") != name &&
	       strpbrk(name, ".@-") == NULL;
}
