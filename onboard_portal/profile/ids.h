/*
 * Stable identifiers of payloads: UUID version 5 (RFC 4122 section 4.3) from the organization's
 * prefix, the network and the device, so that a profile loaded twice is the same profile. The only
 * file that uses libuuid. Pure.
 */
#ifndef ONBOARD_PORTAL_PROFILE_IDS_H
#define ONBOARD_PORTAL_PROFILE_IDS_H

#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

enum { PROFILE_UUID_SIZE = 37 };

/* kind tells the payloads of one profile apart, such as "wifi". Upper case as Apple writes it. */
int profile_uuid(const struct enrolment *e, const char *kind,
		 char dst[PROFILE_UUID_SIZE]) MUST_CHECK;

#endif
