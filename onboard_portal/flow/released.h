/*
 * Addresses whose connectivity checks are answered with "yes" for a while, so that the small
 * captive window lets go and the person can go on in a real browser. Opens nothing in the network.
 * Bounded: the entry that ends first gives way. In this process only. Pure, not thread-safe.
 */
#ifndef ONBOARD_PORTAL_FLOW_RELEASED_H
#define ONBOARD_PORTAL_FLOW_RELEASED_H

#include <stddef.h>
#include <stdint.h>

/* One host owns all of an IPv6 /64 and could have itself released as often as there is room. */
#define RELEASED_PER_NETWORK 8

struct released;

struct released *released_new(size_t max); /* NULL without memory */
void released_free(struct released *r);

/* address: numeric text; what is too long to be one is not kept. An address kept longer stays so. */
void released_add(struct released *r, const char *address, int64_t until);
/* Unix seconds until which, 0: not (any more). */
int64_t released_until(const struct released *r, const char *address, int64_t now);

#endif
