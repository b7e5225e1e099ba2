#include "auto_revoke/disconnect/nas_table.h"

#include "core/base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { SECRET_MIN = 8 };

/* IPv4 stands as ::ffff:a.b.c.d, so that there is one kind of prefix. */
struct prefix {
	uint8_t address[16];
	unsigned bits;
	size_t entry;
};

struct nas_table {
	struct nas_entry *entries;
	size_t n;
	struct prefix *prefixes;
	size_t n_prefixes;
};

static int address_parse(const char *s, uint8_t ret[16], bool *ret_v4)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint8_t a[16];

	if (inet_pton(AF_INET, s, a + 12) == 1) {
		memcpy(a, mapped, sizeof(mapped));
		*ret_v4 = true;
	} else if (inet_pton(AF_INET6, s, a) == 1) {
		*ret_v4 = memcmp(a, mapped, sizeof(mapped)) == 0;
	} else {
		return E_FORMAT;
	}
	memcpy(ret, a, sizeof(a));
	return E_OK;
}

static bool covers(const struct prefix *p, const uint8_t address[16])
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;

	if (memcmp(p->address, address, whole) != 0)
		return false;
	return rest == 0 || ((p->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

static int prefix_parse(const char *s, struct prefix *ret)
{
	const char *slash = strchr(s, '/');
	char address[64];
	int64_t bits;
	bool v4;
	int n = snprintf(address, sizeof(address), "%.*s", slash ? (int)(slash - s) : 63, s);

	if (n <= 0 || (size_t)n >= sizeof(address) || address_parse(address, ret->address, &v4))
		return E_FORMAT;
	bits = v4 ? 32 : 128;
	if (slash != NULL &&
	    (text_int64(slash + 1, &bits) != E_OK || bits < 1 || bits > (v4 ? 32 : 128)))
		return E_FORMAT;
	ret->bits = (unsigned)bits + (v4 ? 96 : 0);
	return E_OK;
}

static int prefixes_read(struct nas_table *t, const struct conf *c, const char *name,
			 struct errmsg *em)
{
	const char *const *list;
	size_t n = conf_list(c, "nas", name, "address", &list);
	struct prefix *all = reallocarray(t->prefixes, t->n_prefixes + n + 1, sizeof(*all));

	if (all == NULL)
		return E_NOMEM;
	t->prefixes = all;
	if (n == 0)
		return err_set(em, E_CONFIG, "nas.%s.address: no address is given", name);
	for (size_t i = 0; i < n; i++) {
		struct prefix p = {.entry = t->n};

		if (prefix_parse(list[i], &p) != E_OK)
			return err_set(
				em, E_CONFIG,
				"nas.%s.address: \"%.60s\" is no address and no prefix such as "
				"192.0.2.0/24",
				name, list[i]);
		t->prefixes[t->n_prefixes++] = p;
	}
	return E_OK;
}

static int entry_read(struct nas_table *t, const struct conf *c, const char *name,
		      struct errmsg *em)
{
	struct nas_entry *e = &t->entries[t->n];
	const char *vendor = conf_str(c, "nas", name, "vendor");
	const char *change = conf_str(c, "nas", name, "vlan-change");
	const char *to = conf_str(c, "nas", name, "send-to");
	uint8_t address[16];
	bool v4;
	int rc = prefixes_read(t, c, name, em);

	if (rc != E_OK)
		return rc;
	e->name = name;
	e->vendor = dyn_vendor_find(vendor);
	if (e->vendor == NULL)
		return err_set(
			em, E_CONFIG,
			"nas.%s.vendor: \"%.40s\" is none that is known here; generic suits most",
			name, vendor);
	e->moves = strcmp(change, "coa") == 0 || (strcmp(change, "auto") == 0 && e->vendor->moves);
	if (!e->moves && strcmp(change, "auto") != 0 && strcmp(change, "disconnect") != 0)
		return err_set(em, E_CONFIG, "nas.%s.vlan-change: must be auto, coa or disconnect",
			       name);
	if (to[0] != '\0' && (address_parse(to, address, &v4) != E_OK ||
			      text_copy(e->send_to, sizeof(e->send_to), to)))
		return err_set(em, E_CONFIG, "nas.%s.send-to: \"%.60s\" is no address", name, to);
	e->port = (uint16_t)conf_int(c, "nas", name, "port");
	e->at_once = (uint8_t)conf_int(c, "nas", name, "at-once");
	rc = conf_secret_line(conf_path(c, "nas", name, "secret"), e->secret, sizeof(e->secret),
			      em);
	if (rc == E_OK && strlen(e->secret) < SECRET_MIN)
		rc = err_set(
			em, E_CONFIG,
			"nas.%s.secret: a secret of less than %d characters is found by trying",
			name, SECRET_MIN);
	t->n++; /* counted in any case: to be wiped */
	return rc;
}

int nas_table_read(const struct conf *c, struct nas_table **ret, struct errmsg *em)
{
	const char *const *titles;
	size_t n = conf_titles(c, "nas", &titles);
	struct nas_table *t = calloc(1, sizeof(*t));
	int rc = E_OK;

	if (t == NULL || (t->entries = calloc(n + 1, sizeof(*t->entries))) == NULL)
		rc = E_NOMEM;
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = entry_read(t, c, titles[i], em);
	if (rc != E_OK) {
		nas_table_free(t);
		return rc;
	}
	*ret = t;
	return E_OK;
}

void nas_table_free(struct nas_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		text_wipe(t->entries[i].secret, sizeof(t->entries[i].secret));
	free(t->entries);
	free(t->prefixes);
	free(t);
}

size_t nas_table_count(const struct nas_table *t)
{
	return t->n;
}

const struct nas_entry *nas_table_find(const struct nas_table *t, const char *address)
{
	const struct prefix *best = NULL;
	uint8_t a[16];
	bool v4;

	if (address_parse(address, a, &v4) != E_OK)
		return NULL;
	for (size_t i = 0; i < t->n_prefixes; i++)
		if (covers(&t->prefixes[i], a) &&
		    (best == NULL || t->prefixes[i].bits > best->bits))
			best = &t->prefixes[i];
	return best != NULL ? &t->entries[best->entry] : NULL;
}

int nas_table_route(const struct nas_table *t, const char *address, bool coa,
		    const struct nas_entry **ret_entry, struct sockaddr_storage *ret_to,
		    socklen_t *ret_size)
{
	const struct nas_entry *e = nas_table_find(t, address);
	struct sockaddr_storage to = {.ss_family = AF_UNSPEC};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&to;
	uint16_t port;

	if (e == NULL)
		return E_NOTFOUND;
	if (e->send_to[0] != '\0')
		address = e->send_to;
	port = htons(e->port != 0 ? e->port : coa ? e->vendor->coa_port : e->vendor->port);
	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		*ret_size = sizeof(*v4);
	} else if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		*ret_size = sizeof(*v6);
	} else {
		return E_NOTFOUND;
	}
	*ret_entry = e;
	*ret_to = to;
	return E_OK;
}
