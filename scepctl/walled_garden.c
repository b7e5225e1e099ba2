#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/text.h"
#include "core/pki/cert_check.h"
#include "core/pki/cert_urls.h"
#include "scepctl/garden.h"

enum { URLS_MAX = 16, TEXT_MAX = 65536 };

/* A browser may ask there whether the web certificate is still good, before it shows a page. */
static int add_web_cert(struct garden *g, const struct conf *conf, struct errmsg *em)
{
	X509 *certs[CERT_CHAIN_MAX] = {NULL};
	char urls[URLS_MAX][CERT_URL_SIZE];
	size_t n = 0, n_urls = 0;
	int r = cert_load_all(conf_path(conf, "portal", NULL, "tls-cert"), certs, CERT_CHAIN_MAX,
			      &n, em);

	for (size_t i = 0; r == E_OK && i < n; i++) {
		r = cert_urls(certs[i], urls, URLS_MAX, &n_urls);
		for (size_t k = 0; r == E_OK && k < n_urls; k++) {
			if (strncmp(urls[k], "http", 4) == 0)
				r = garden_add_url(g, urls[k], "portal.tls-cert", em);
		}
	}
	for (size_t i = 0; i < n; i++)
		cert_free(certs[i]);
	return r;
}

static int add_profiles(struct garden *g, const struct conf *conf, struct errmsg *em)
{
	const char *const *names;
	size_t n = conf_titles(conf, "profile", &names);
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < n; i++) {
		const char *crl = conf_str(conf, "profile", names[i], "crl-url"),
			   *ocsp = conf_str(conf, "profile", names[i], "ocsp-url");

		if (*crl != '\0')
			r = garden_add_url(g, crl, "profile.crl-url", em);
		if (r == E_OK && *ocsp != '\0')
			r = garden_add_url(g, ocsp, "profile.ocsp-url", em);
	}
	return r;
}

static int add_lists(struct garden *g, const struct conf *conf, struct errmsg *em)
{
	const char *const *list;
	size_t n = conf_list(conf, "captive", NULL, "hosts", &list);
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < n; i++)
		r = garden_add_host(g, list[i], "captive.hosts", em);
	if (r != E_OK)
		return r;
	n = conf_list(conf, "captive", NULL, "networks", &list);
	for (size_t i = 0; r == E_OK && i < n; i++)
		r = garden_add_net(g, list[i], em);
	return r;
}

static int gather(struct garden *g, const struct conf *conf, struct errmsg *em)
{
	const char *url = conf_str(conf, "portal", NULL, "url");
	int r = garden_add_url(g, url, "portal.url", em);

	/* A comma would part it in two for dnsmasq and Kea. */
	if (r == E_OK && (strncmp(url, "https://", 8) != 0 || strpbrk(url, "\"\\ ,") != NULL ||
			  !text_is_plain(url, GARDEN_URL_SIZE - 32)))
		r = err_set(em, E_CONFIG,
			    "portal.url: must begin with https://, without quotes, blanks and "
			    "commas");
	if (r == E_OK)
		snprintf(g->api, sizeof(g->api), "%s/captive-api", url);
	if (r == E_OK)
		r = garden_add_url(g, conf_str(conf, "scep", NULL, "url"), "scep.url", em);
	if (r == E_OK)
		r = add_profiles(g, conf, em);
	if (r == E_OK)
		r = add_web_cert(g, conf, em);
	if (r == E_OK)
		r = add_lists(g, conf, em);
	if (r == E_OK)
		r = garden_set_probe(g, conf_str(conf, "captive", NULL, "listen"), em);
	return r;
}

static int print_json(const struct garden *g)
{
	struct json *j = json_object(), *hosts = json_array(), *nets = json_array();

	json_set_str(j, "api", g->api);
	for (size_t i = 0; i < g->n_hosts; i++) {
		struct json *h = json_object();
		char name[GARDEN_HOST_SIZE + 2];

		snprintf(name, sizeof(name), "%s%s", g->hosts[i].kind == GARDEN_BELOW ? "*." : "",
			 g->hosts[i].host);
		json_set_str(h, "host", name);
		json_set_int(h, "port", g->hosts[i].port);
		json_set_str(h, "from", g->hosts[i].why);
		json_push(hosts, h);
	}
	json_set(j, "hosts", hosts);
	for (size_t i = 0; i < g->n_nets; i++)
		json_push_str(nets, g->nets[i]);
	json_set(j, "networks", nets);
	return ctl_print_json(j);
}

static int print_text(const struct garden *g)
{
	printf("To be reached from the open network before a device is set up:\n");
	for (size_t i = 0; i < g->n_hosts; i++)
		printf("  %s%-40s port %-5u (%s)\n", g->hosts[i].kind == GARDEN_BELOW ? "*." : "",
		       g->hosts[i].host, g->hosts[i].port, g->hosts[i].why);
	printf("\nTo be told to devices (RFC 8910: DHCPv4 option 114, DHCPv6 option 103, router "
	       "advertisement option 37):\n  %s\n\nReady to copy, with --format:\n",
	       g->api);
	for (const struct garden_format *f = garden_formats; f->name != NULL; f++)
		printf("  %-9s %s\n", f->name, f->about);
	return EXIT_DONE;
}

static int print_format(const struct garden *g, const char *format)
{
	struct errmsg em = {""};
	struct buf out;
	int r;

	buf_init(&out, TEXT_MAX);
	r = garden_write(g, format, &out, &em);
	if (r == E_OK)
		fputs(buf_str(&out), stdout);
	buf_free(&out);
	return r == E_OK ? EXIT_DONE : ctl_fail(r, &em);
}

int cmd_walled_garden(const struct ctl_command *self, int argc, char **argv)
{
	const char *format = NULL, *name = "onboarding";
	const struct opts_spec specs[] = {
		{.name = "--format", .kind = OPT_TEXT, .dst = &format},
		{.name = "--name", .kind = OPT_TEXT, .dst = &name},
		{0},
	};
	struct garden g = {.n_hosts = 0};
	struct ctl_common common;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	size_t n;
	int r, code = ctl_parse(self, argc, argv, specs, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	if (!garden_is_label(name))
		return ctl_usage(self, "--name: letters, digits and underscores, a letter first");
	if (format != NULL && garden_find(format) == NULL)
		return ctl_usage(self, "--format: hosts, dnsmasq, nftables, unbound, isc-dhcp, "
				       "kea, radvd, cisco or aruba");
	g.name = name;
	r = conf_load(common.conf_file, &conf, &em);
	if (r == E_OK)
		r = gather(&g, conf, &em);
	if (r != E_OK)
		code = ctl_fail(r, &em);
	else if (format != NULL)
		code = print_format(&g, format);
	else
		code = common.json ? print_json(&g) : print_text(&g);
	conf_free(conf);
	return code;
}
