/*
 * What the Wi-Fi programs of Linux read: NetworkManager's keyfile, wpa_supplicant's network block,
 * iwd's file. Pure. dir is the folder of network-ca.pem, cert.pem and key.pem; one that begins with
 * '$' is left to the shell and the text is then a piece of script that prints the file, quoted for
 * sh. E_FORMAT for texts with control characters, which none of the formats can carry.
 */
#ifndef ONBOARD_PORTAL_PROFILE_LINUX_CONF_H
#define ONBOARD_PORTAL_PROFILE_LINUX_CONF_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

enum { LINUX_SLUG_SIZE = 33, LINUX_IWD_NAME_SIZE = 80 };

/* Name of the network for files: [a-z0-9-] only, never empty. */
void linux_slug(const char *ssid, char dst[LINUX_SLUG_SIZE]);

/* 's' for sh, whatever s holds. */
void linux_quote(struct buf *out, const char *s);

/* E_FORMAT when a text of the enrolment has no place in files for Linux. */
int linux_check(const struct enrolment *e) MUST_CHECK;

/* The network block of wpa_supplicant.conf(5). Texts that its syntax cannot quote become hex. */
int linux_wpa_block(const struct enrolment *e, const char *dir, struct buf *out) MUST_CHECK;

/* A keyfile as in nm-settings-keyfile(5), for /etc/NetworkManager/system-connections. */
int linux_keyfile(const struct enrolment *e, const char *dir, struct buf *out) MUST_CHECK;

/* A file as in iwd.network(5), and what it must be called in /var/lib/iwd. */
int linux_iwd(const struct enrolment *e, const char *dir, struct buf *out) MUST_CHECK;
void linux_iwd_name(const char *ssid, char dst[LINUX_IWD_NAME_SIZE]);

#endif
