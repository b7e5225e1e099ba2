/*
 * Windows 10 and 11: the WLAN profile, and a PowerShell script that has the system itself enrol by
 * SCEP (CertEnroll, the key in the TPM where there is one) and then loads the profile. Pure. Neither
 * holds the challenge. E_FORMAT for texts with control characters.
 */
#ifndef ONBOARD_PORTAL_PROFILE_WINDOWS_H
#define ONBOARD_PORTAL_PROFILE_WINDOWS_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

/* Server name and the SHA-1 of its anchor are pinned; the certificate is chosen by its issuer. */
int windows_wlan(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* Begins with a byte order mark: without it Windows PowerShell reads the file as ANSI. */
int windows_script(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* 's' for PowerShell, which takes four more characters for a single quote. */
void windows_quote(struct buf *out, const char *s);

#endif
