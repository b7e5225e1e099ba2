/* What a group of people may do on the network (group:<name>). Plain data, no I/O. */
#ifndef CORE_MODEL_GROUP_H
#define CORE_MODEL_GROUP_H

#include "core/base/err.h"
#include "core/model/limits.h"

#include <stddef.h>
#include <stdint.h>

#define KNOWN_GOOD_MAX 604800 /* seconds */
#define GROUP_NAME_MATCH "match"
#define GROUP_MAC_BIND "bind"
#define GROUP_TWO_MACS_REFUSE "refuse"
#define GROUP_TWO_MACS_QUARANTINE "quarantine"

struct group {
	char name[NAME_SIZE];
	long priority; /* the highest wins */
	char issuers[GROUP_ISSUERS_MAX][AKI_SIZE];
	size_t n_issuers;
	char vlan[33];        /* id or name, Tunnel-Private-Group-Id (RFC 2868); "" none */
	char filter_id[65];   /* Filter-Id (RFC 2865 section 5.11); "" none */
	long session_timeout; /* seconds */
	long device_limit;    /* live certificates a person may hold through this group */
	/* Where and when it counts, as text; "" anywhere, always. core/authz reads it. */
	char ssids[GROUP_LIST_SIZE]; /* names, separated by commas */
	char nas[GROUP_LIST_SIZE]; /* NAS-Identifiers or addresses, with '*' at the end any that begin so */
	char hours[GROUP_LIST_SIZE]; /* core/authz/week.h */
	char zone[GROUP_ZONE_SIZE];
	char user_name
		[8]; /* GROUP_NAME_MATCH: what the device calls itself must fit its login; "": need not */
	char mac[8];       /* GROUP_MAC_BIND: with the address of the first use only; "": any */
	char two_macs[16]; /* another address on with it: one of the above; "": only told */
	char quarantine_vlan[33]; /* for GROUP_TWO_MACS_QUARANTINE */
	long known_good; /* seconds that an answer counts while nobody answers; 0: not at all */
};

#endif
