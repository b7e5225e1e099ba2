/* HTTP face of scep_ca (RFC 8894 section 4). */
#ifndef SCEP_CA_FRONT_ROUTES_H
#define SCEP_CA_FRONT_ROUTES_H

#include "core/http/router.h"

/* Handlers take a struct service as their ctx. Ends with method NULL. */
extern const struct http_route routes_table[];

#endif
