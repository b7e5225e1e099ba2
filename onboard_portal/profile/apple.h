/* Apple configuration profile (.mobileconfig): anchor, SCEP and Wi-Fi payloads. Pure. */
#ifndef ONBOARD_PORTAL_PROFILE_APPLE_H
#define ONBOARD_PORTAL_PROFILE_APPLE_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

#define APPLE_CONTENT_TYPE "application/x-apple-aspen-config"

/*
 * Appends the XML property list, not signed. The same enrolment gives the same bytes. It holds the
 * challenge: the caller wipes it. E_FORMAT when a text is empty, not UTF-8 or has control
 * characters (XML 1.0 cannot carry them).
 */
int apple_profile(const struct enrolment *e, struct buf *out) MUST_CHECK;

#endif
