/*
 * Linux: a shell script that enrols with openssl and curl alone, the same by hand with strongSwan's
 * pki, and what to tell NetworkManager and wpa_supplicant. None of it holds the challenge: it is
 * asked for and handed on in a private file, so that it shows neither in the process list nor in
 * the shell's history. Pure. All return E_FORMAT for texts with control characters, which no
 * quoting can save.
 */
#ifndef ONBOARD_PORTAL_PROFILE_LINUX_H
#define ONBOARD_PORTAL_PROFILE_LINUX_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

/* The script, POSIX sh. Idempotent: run again with the same code it uses the same key. */
int linux_script(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* By hand: what comes before the code is typed (ends with the line that reads it), and after. */
int linux_commands(const struct enrolment *e, struct buf *before, struct buf *after) MUST_CHECK;

/* One nmcli command that uses what the script has made. */
int linux_nmcli(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* One command that adds the block written by the script to wpa_supplicant's file. */
int linux_wpa_command(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* The same for iwd: puts the file to where iwd looks for it. */
int linux_iwd_command(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* For certmonger: what has it fetch the first certificate, and one with a new code. */
int linux_certmonger(const struct enrolment *e, struct buf *first, struct buf *again) MUST_CHECK;

#endif
