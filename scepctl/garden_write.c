#include "scepctl/garden.h"

#include "core/base/json.h"

/* Names come from garden.c and hold letters, digits, dots, dashes and underscores only; addresses and
 * networks were parsed. So nothing here needs quoting. */

static bool is_ipv6(const char *net)
{
	return strchr(net, ':') != NULL;
}

static void heading(const struct garden *g, struct buf *out, const char *what)
{
	buf_addf(out, "# %s for the open network, written by scepctl walled-garden\n", what);
	for (size_t i = 0; i < g->n_hosts; i++)
		buf_addf(out, "# %s%s: %s\n", g->hosts[i].kind == GARDEN_BELOW ? "*." : "",
			 g->hosts[i].host, g->hosts[i].why);
}

/* True for the first of the entries that are the same but for their port. */
static bool is_first(const struct garden *g, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (g->hosts[i].kind == g->hosts[at].kind &&
		    strcmp(g->hosts[i].host, g->hosts[at].host) == 0)
			return false;
	}
	return true;
}

static bool is_named(const struct garden_host *h)
{
	return h->kind == GARDEN_NAME || h->kind == GARDEN_BELOW;
}

static int write_hosts(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	for (size_t i = 0; i < g->n_hosts; i++)
		buf_addf(out, "%s%s\t%u\t%s\n", g->hosts[i].kind == GARDEN_BELOW ? "*." : "",
			 g->hosts[i].host, g->hosts[i].port, g->hosts[i].why);
	return buf_error(out);
}

static int write_dnsmasq(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	heading(g, out, "dnsmasq (2.87 or later)");
	buf_addf(out,
		 "\n# RFC 8910, by DHCPv4 and DHCPv6\ndhcp-option=114,%s\n"
		 "dhcp-option=option6:103,%s\n\n"
		 "# addresses go into the sets of the format nftables\n",
		 g->api, g->api);
	for (size_t i = 0; i < g->n_hosts; i++) {
		if (is_named(&g->hosts[i]) && is_first(g, i))
			buf_addf(out, "nftset=/%s/4#inet#%s#garden4,6#inet#%s#garden6\n",
				 g->hosts[i].host, g->name, g->name);
	}
	return buf_error(out);
}

static void nft_set(const struct garden *g, struct buf *out, const char *name, bool v6, bool garden)
{
	const char *comma = "";
	bool any = false;

	buf_addf(out, "\tset %s%d {\n\t\ttype %s\n", name, v6 ? 6 : 4,
		 v6 ? "ipv6_addr" : "ipv4_addr");
	if (!garden)
		buf_adds(out, "\t\tflags interval\n\t\tauto-merge\n"); /* one may lie in another */
	for (size_t i = 0; i < (garden ? g->n_hosts : g->n_nets); i++) {
		const char *s = garden ? g->hosts[i].host : g->nets[i];
		bool fits = garden ? g->hosts[i].kind == (v6 ? GARDEN_IPV6 : GARDEN_IPV4) &&
					     is_first(g, i)
				   : is_ipv6(s) == v6;

		if (!fits)
			continue;
		buf_addf(out, "%s%s", any ? comma : "\t\telements = { ", s);
		comma = ", ";
		any = true;
	}
	buf_adds(out, any ? " }\n\t}\n" : "\t}\n");
}

static void nft_ports(const struct garden *g, struct buf *out)
{
	buf_adds(out, "{ 80, 443");
	for (size_t i = 0; i < g->n_hosts; i++) {
		unsigned port = g->hosts[i].port;
		bool known = port == 80 || port == 443;

		for (size_t k = 0; k < i; k++)
			known |= g->hosts[k].port == port;
		if (!known)
			buf_addf(out, ", %u", port);
	}
	buf_adds(out, " }");
}

static void nft_lead(const struct garden *g, struct buf *out, bool v6)
{
	const char *ip = v6 ? "ip6" : "ip";
	int n = v6 ? 6 : 4;

	if (*g->probe_host != '\0' && is_ipv6(g->probe_host) != v6)
		return;
	buf_addf(out, "\t\t%s saddr @onboarding%d %s daddr != @garden%d tcp dport 80 ", ip, n, ip,
		 n);
	if (*g->probe_host == '\0')
		buf_addf(out, "redirect to :%u\n", g->probe_port);
	else
		buf_addf(out, v6 ? "dnat ip6 to [%s]:%u\n" : "dnat ip to %s:%u\n", g->probe_host,
			 g->probe_port);
}

/* Only where web requests were led to: other rules may lead to machines that are nobody's business here. */
static void nft_led(const struct garden *g, struct buf *out)
{
	bool v6 = is_ipv6(g->probe_host);

	if (*g->probe_host != '\0')
		buf_addf(out,
			 "\t\t%s saddr @onboarding%d %s daddr %s tcp dport %u ct status dnat "
			 "accept\n",
			 v6 ? "ip6" : "ip", v6 ? 6 : 4, v6 ? "ip6" : "ip", g->probe_host,
			 g->probe_port);
}

static bool has_ipv6(const struct garden *g)
{
	for (size_t i = 0; i < g->n_nets; i++) {
		if (is_ipv6(g->nets[i]))
			return true;
	}
	return false;
}

static void nft_guard(const struct garden *g, struct buf *out, bool v6)
{
	const char *ip = v6 ? "ip6" : "ip";
	int n = v6 ? 6 : 4;

	buf_addf(out, "\t\t%s saddr @onboarding%d %s daddr @garden%d tcp dport ", ip, n, ip, n);
	nft_ports(g, out);
	buf_addf(out, " accept\n\t\t%s saddr @onboarding%d drop\n", ip, n);
}

static int need_nets(const struct garden *g, struct errmsg *em)
{
	return g->n_nets > 0
		       ? E_OK
		       : err_set(em, E_CONFIG,
				 "captive.networks is empty: it says which addresses the open "
				 "network has");
}

static int need_probe(const struct garden *g, struct errmsg *em)
{
	return g->probe_port > 0
		       ? E_OK
		       : err_set(em, E_CONFIG,
				 "captive.listen is empty: it says where web requests of the open "
				 "network are answered");
}

static int write_nftables(const struct garden *g, struct buf *out, struct errmsg *em)
{
	int r = need_nets(g, em);

	if (r == E_OK)
		r = need_probe(g, em);
	if (r != E_OK)
		return r;
	heading(g, out, "nftables");
	buf_addf(out,
		 "# The gateway is taken to serve DNS and DHCP itself; names fill the sets "
		 "garden4 and garden6\n# by what resolves them (format dnsmasq). Other source "
		 "addresses pass: the gateway must drop\n# those that are not of the network they "
		 "come from (rp_filter).\n%s\n"
		 "table inet %s {\n",
		 has_ipv6(g) ? ""
			     : "# captive.networks names no IPv6 network: whatever IPv6 the open "
			       "network has is not held back.\n",
		 g->name);
	nft_set(g, out, "onboarding", false, false);
	nft_set(g, out, "onboarding", true, false);
	nft_set(g, out, "garden", false, true);
	nft_set(g, out, "garden", true, true);
	buf_adds(out, "\tchain lead {\n\t\ttype nat hook prerouting priority dstnat; policy "
		      "accept;\n");
	nft_lead(g, out, false);
	nft_lead(g, out, true);
	buf_adds(out, "\t}\n\tchain guard {\n\t\ttype filter hook forward priority filter; policy "
		      "accept;\n");
	nft_led(g, out);
	nft_guard(g, out, false);
	nft_guard(g, out, true);
	buf_adds(out, "\t}\n}\n");
	return buf_error(out);
}

/* A view in which all other names are the address that answers probes. */
static int write_unbound(const struct garden *g, struct buf *out, struct errmsg *em)
{
	int r = need_nets(g, em);

	if (r == E_OK)
		r = need_probe(g, em);
	if (r == E_OK && *g->probe_host == '\0')
		r = err_set(em, E_CONFIG,
			    "captive.listen: an address of its own is needed, to which names can "
			    "lead");
	if (r != E_OK)
		return r;
	heading(g, out, "unbound");
	buf_adds(out, "# Names only: what keeps devices from other addresses is the firewall.\n\n"
		      "server:\n");
	for (size_t i = 0; i < g->n_nets; i++)
		buf_addf(out, "\taccess-control: %s allow\n\taccess-control-view: %s %s\n",
			 g->nets[i], g->nets[i], g->name);
	buf_addf(out, "view:\n\tname: \"%s\"\n\tlocal-zone: \".\" redirect\n", g->name);
	buf_addf(out, "\tlocal-data: \". 60 IN %s %s\"\n", is_ipv6(g->probe_host) ? "AAAA" : "A",
		 g->probe_host);
	for (size_t i = 0; i < g->n_hosts; i++) {
		if (is_named(&g->hosts[i]) && is_first(g, i))
			buf_addf(out, "\tlocal-zone: \"%s.\" always_transparent\n",
				 g->hosts[i].host);
	}
	return buf_error(out);
}

static int write_isc_dhcp(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	buf_addf(out,
		 "# RFC 8910. dhcpd knows option 114 by an older name.\n"
		 "# dhcpd.conf:\noption default-url \"%s\";\n\n"
		 "# dhcpd6.conf:\n# option dhcp6.captive-portal code 103 = text;\n"
		 "# option dhcp6.captive-portal \"%s\";\n",
		 g->api, g->api);
	return buf_error(out);
}

static struct json *kea_option(const char *name, const char *data)
{
	struct json *o = json_object(), *list = json_array(), *all = json_object();

	json_set_str(o, "name", name);
	json_set_str(o, "data", data);
	json_push(list, o);
	json_set(all, "option-data", list);
	return all;
}

/* As they stand below Dhcp4 and Dhcp6, or in a subnet. */
static int write_kea(const struct garden *g, struct buf *out, struct errmsg *em)
{
	struct json *all = json_object();
	int r;

	(void)em;
	json_set(all, "Dhcp4", kea_option("v4-captive-portal", g->api));
	json_set(all, "Dhcp6", kea_option("v6-captive-portal", g->api));
	r = json_dump(all, out);
	json_free(all);
	buf_addc(out, '\n');
	return r == E_OK ? buf_error(out) : r;
}

static int write_radvd(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	buf_addf(out,
		 "# radvd 2.19 or later, RFC 8910: inside the interface { } of the open network\n"
		 "AdvCaptivePortalAPI \"%s\";\n",
		 g->api);
	return buf_error(out);
}

static int write_list(const struct garden *g, struct buf *out, const char *each)
{
	for (size_t i = 0; i < g->n_hosts; i++) {
		if (is_named(&g->hosts[i]) && is_first(g, i))
			buf_addf(out, "%s%s%s\n", each,
				 g->hosts[i].kind == GARDEN_BELOW ? "*." : "", g->hosts[i].host);
	}
	for (size_t i = 0; i < g->n_hosts; i++) {
		if (!is_named(&g->hosts[i]) && is_first(g, i))
			buf_addf(out, "! an address, to be permitted apart: %s\n",
				 g->hosts[i].host);
	}
	return buf_error(out);
}

static int write_cisco(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	buf_addf(out,
		 "! Catalyst 9800: names that may be reached before authentication\n"
		 "urlfilter list %s\n action permit\n",
		 g->name);
	return write_list(g, out, " url ");
}

static int write_aruba(const struct garden *g, struct buf *out, struct errmsg *em)
{
	(void)em;
	buf_addf(out,
		 "! ArubaOS: for the white-list of a captive portal profile\n"
		 "netdestination %s\n",
		 g->name);
	return write_list(g, out, " name ");
}

const struct garden_format garden_formats[] = {
	{"hosts", "name, port and the key it comes from, one a line", write_hosts},
	{"dnsmasq", "DHCP options, and names into sets of nftables", write_dnsmasq},
	{"nftables", "sets, what may be reached, web requests led to the portal", write_nftables},
	{"unbound", "a view in which all other names lead to the portal", write_unbound},
	{"isc-dhcp", "DHCP options", write_isc_dhcp},
	{"kea", "DHCP options", write_kea},
	{"radvd", "router advertisements", write_radvd},
	{"cisco", "Catalyst 9800: list of names (never tried on one)", write_cisco},
	{"aruba", "ArubaOS: list of names (never tried on one)", write_aruba},
	{NULL, NULL, NULL},
};

const struct garden_format *garden_find(const char *format)
{
	for (const struct garden_format *f = garden_formats; f->name != NULL; f++) {
		if (strcmp(f->name, format) == 0)
			return f;
	}
	return NULL;
}

int garden_write(const struct garden *g, const char *format, struct buf *out, struct errmsg *em)
{
	const struct garden_format *f = garden_find(format);

	return f != NULL ? f->write(g, out, em)
			 : err_set(em, E_NOTFOUND, "there is no format \"%.40s\"", format);
}
