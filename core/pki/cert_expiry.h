/* How long a certificate file is good for, in words for a log. */
#ifndef CORE_PKI_CERT_EXPIRY_H
#define CORE_PKI_CERT_EXPIRY_H

#include "core/pki/cert_check.h"

struct cert_expiry {
	char serial[64]; /* hex */
	char not_after[24];
	char days[24]; /* left, rounded down */
	enum cert_life life;
};

/* Of the first certificate in a PEM file; now in unix seconds. The errors of cert_load. */
int cert_expiry_read(const char *path, int64_t now, long warn_days, struct cert_expiry *ret,
		     struct errmsg *em) MUST_CHECK;

#endif
