/* Networks as written in the configuration, "192.0.2.0/24" or "2001:db8::/64", and who is in them. Pure. */
#ifndef CORE_MODEL_NETLIST_H
#define CORE_MODEL_NETLIST_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlist_net {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;       /* of the 128 */
};

/* One network, or one address. E_FORMAT: none, or bits beyond the prefix are set. */
int netlist_parse(const char *text, struct netlist_net *ret) MUST_CHECK;

/* Is the numeric address in one of them? False for what is no address. */
bool netlist_has(const struct netlist_net *nets, size_t n, const char *address);

#endif
