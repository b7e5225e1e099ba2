/*
 * ChromeOS: Open Network Configuration (ONC). It holds the network, its authority, and by which issuer
 * the certificate is found that the device must have: ONC has no way to enrol by SCEP. Pure.
 */
#ifndef ONBOARD_PORTAL_PROFILE_CHROMEOS_H
#define ONBOARD_PORTAL_PROFILE_CHROMEOS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

#define CHROMEOS_CONTENT_TYPE "application/x-onc"

/* Appends JSON. E_FORMAT for texts with control characters. */
int chromeos_onc(const struct enrolment *e, struct buf *out) MUST_CHECK;

#endif
