/* Where and when a group counts: from the configuration into the texts that core/authz reads. */
#ifndef SCEPCTL_POLICY_RULES_H
#define SCEPCTL_POLICY_RULES_H

#include "core/base/conf.h"
#include "core/model/group.h"

/* Fills ssids, nas, hours, zone and user_name of g. Reads the system's time zones. E_CONFIG with the
 * group, the key and what is wrong; g is in no particular state then. */
int policy_rules(const struct conf *conf, const char *name, struct group *g,
		 struct errmsg *em) MUST_CHECK;

/* The TZ text of a zone's name such as Europe/Berlin, or of itself. E_NOTFOUND, E_FORMAT. */
int policy_zone(const char *zone, char ret[GROUP_ZONE_SIZE]) MUST_CHECK;

#endif
