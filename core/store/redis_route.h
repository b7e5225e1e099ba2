/* Where Redis may be found: a list of servers, in the order in which they are asked. Pure. */
#ifndef CORE_STORE_REDIS_ROUTE_H
#define CORE_STORE_REDIS_ROUTE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { REDIS_WAYS_MAX = 8, REDIS_HOST_SIZE = 108 };

enum redis_way_kind { REDIS_UNIX, REDIS_TCP, REDIS_SENTINEL };

struct redis_way {
	enum redis_way_kind kind;
	char host[REDIS_HOST_SIZE]; /* or the path of a unix socket */
	int port;
};

struct redis_route {
	struct redis_way ways[REDIS_WAYS_MAX];
	size_t n;
};

/* One to REDIS_WAYS_MAX items between commas and blanks: unix:PATH, ADDRESS:PORT, sentinel:ADDRESS:PORT; an IPv6
 * address stands in []. No names: the resolver keeps no deadline. E_CONFIG with a sentence. */
int redis_route_parse(const char *list, struct redis_route *ret, struct errmsg *em) MUST_CHECK;

/* The same for a whole configuration; list may be NULL or "": nothing to check. */
int redis_route_check(const char *list, const char *sentinel_name, struct errmsg *em) MUST_CHECK;

/* An address and port in texts as Sentinel sends them; false when they are something else. */
bool redis_route_address(const char *address, const char *port, struct redis_way *ret);

#endif
