/*
 * What a person on the open network must reach before the device is set up, taken from the
 * configuration, and written as others read it. Pure.
 */
#ifndef SCEPCTL_GARDEN_H
#define SCEPCTL_GARDEN_H

#include "core/base/buf.h"
#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { GARDEN_HOST_SIZE = 254, GARDEN_HOSTS_MAX = 64, GARDEN_NETS_MAX = 32, GARDEN_URL_SIZE = 512 };

enum garden_kind { GARDEN_NAME, GARDEN_BELOW, GARDEN_IPV4, GARDEN_IPV6 };

struct garden_host {
	enum garden_kind kind;
	char host[GARDEN_HOST_SIZE]; /* GARDEN_BELOW: all names below this one */
	unsigned port;
	const char *why; /* where it comes from, such as "portal.url" */
};

struct garden {
	char api[GARDEN_URL_SIZE]; /* of RFC 8908, for DHCP and router advertisements */
	struct garden_host hosts[GARDEN_HOSTS_MAX];
	size_t n_hosts;
	const char *nets[GARDEN_NETS_MAX]; /* of the open network, borrowed */
	size_t n_nets;
	char probe_host
		[GARDEN_HOST_SIZE]; /* numeric address that answers probes; "": each of its machine */
	unsigned probe_port;        /* 0: none is configured */
	const char *name;           /* of sets and lists */
};

/* Adds the host of a URL; http or https. E_CONFIG when it has none that is well-formed. */
int garden_add_url(struct garden *g, const char *url, const char *why,
		   struct errmsg *em) MUST_CHECK;
/* Adds a name as in captive.hosts: "name", "*.name" or an address. */
int garden_add_host(struct garden *g, const char *host, const char *why,
		    struct errmsg *em) MUST_CHECK;
/* Where probes are answered, as in captive.listen. E_CONFIG when the open network cannot reach it. */
int garden_set_probe(struct garden *g, const char *listen, struct errmsg *em) MUST_CHECK;

/* Adds a network as in captive.networks; borrowed. */
int garden_add_net(struct garden *g, const char *net, struct errmsg *em) MUST_CHECK;
/* May this be the name of sets and lists, in each format? */
bool garden_is_label(const char *name);

/* Appends g in a format; E_NOTFOUND: there is no such format. E_CONFIG says which key is missing. */
int garden_write(const struct garden *g, const char *format, struct buf *out,
		 struct errmsg *em) MUST_CHECK;

/* Names of formats with one line about each; ends with NULL. */
struct garden_format {
	const char *name, *about;
	int (*write)(const struct garden *g, struct buf *out, struct errmsg *em);
};
extern const struct garden_format garden_formats[];
const struct garden_format *garden_find(const char *format); /* NULL: there is none */

#endif
