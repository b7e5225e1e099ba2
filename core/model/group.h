/* What a group of people may do on the network (group:<name>). Plain data, no I/O. */
#ifndef CORE_MODEL_GROUP_H
#define CORE_MODEL_GROUP_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>
#include <stdint.h>

struct group {
	char name[NAME_SIZE];
	long priority; /* the highest wins */
	char issuers[GROUP_ISSUERS_MAX][AKI_SIZE];
	size_t n_issuers;
	char vlan[33];        /* id or name, Tunnel-Private-Group-Id (RFC 2868); "" none */
	char filter_id[65];   /* Filter-Id (RFC 2865 section 5.11); "" none */
	long session_timeout; /* seconds */
	long device_limit;    /* live certificates a person may hold through this group */
};

#endif
