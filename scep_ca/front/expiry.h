/* Says in time that the CA's own certificates end: at the start, then every day. */
#ifndef SCEP_CA_FRONT_EXPIRY_H
#define SCEP_CA_FRONT_EXPIRY_H

#include "core/base/conf.h"

#include <stdint.h>

#define EXPIRY_PERIOD 86400 /* seconds */

struct expiry;

/* Reads the certificates, for good: later the sandbox lets nothing be opened. */
int expiry_new(const struct conf *c, struct expiry **ret, struct errmsg *em) MUST_CHECK;
void expiry_free(struct expiry *e);

/* A log line and an event cert_expiring for each that ends soon, or is over; the number of them. */
size_t expiry_tell(const struct expiry *e, int64_t now);

#endif
