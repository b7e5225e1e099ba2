/*
 * Linux: a shell script for strongSwan's pki, the same as commands by hand, and what to tell
 * NetworkManager and wpa_supplicant. None of it holds the challenge: it is asked for and handed to
 * pki in a private options file, so that it shows neither in the process list nor in the shell's
 * history. Pure. All return E_FORMAT for texts with control characters, which no quoting can save.
 */
#ifndef ONBOARD_PORTAL_PROFILE_LINUX_H
#define ONBOARD_PORTAL_PROFILE_LINUX_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

enum { LINUX_SLUG_SIZE = 33 };

/* Name of the network for files: [a-z0-9-] only, never empty. */
void linux_slug(const char *ssid, char dst[LINUX_SLUG_SIZE]);

/* The script, POSIX sh. Idempotent: run again with the same code it uses the same key. */
int linux_script(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* By hand: what comes before the code is typed (ends with the line that reads it), and after. */
int linux_commands(const struct enrolment *e, struct buf *before, struct buf *after) MUST_CHECK;

/* One nmcli command that uses what the script has made. */
int linux_nmcli(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* One command that adds the block written by the script to wpa_supplicant's file. */
int linux_wpa_command(const struct enrolment *e, struct buf *out) MUST_CHECK;

/* The network block of wpa_supplicant.conf; dir is the folder of the files. Texts that its syntax
 * cannot quote are written as hex. */
int linux_wpa_block(const struct enrolment *e, const char *dir, struct buf *out) MUST_CHECK;

/* 's' for sh, whatever s holds. */
void linux_quote(struct buf *out, const char *s);

#endif
