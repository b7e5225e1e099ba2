/*
 * Android, which lets no web page have it make a key: files that hold a certificate together with its key as
 * PKCS#12. Pure. Both writers return E_FORMAT for texts with control characters; what they write holds the
 * key, so the caller wipes it. No longer than PROFILE_MAX.
 */
#ifndef ONBOARD_PORTAL_PROFILE_ANDROID_H
#define ONBOARD_PORTAL_PROFILE_ANDROID_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "onboard_portal/profile/enrolment.h"

#define EAP_CONFIG_CONTENT_TYPE "application/eap-config"
#define PASSPOINT_CONTENT_TYPE "application/x-wifi-config"

/* Borrowed. */
struct keyed {
	struct bytes p12;
	const char *passphrase; /* of it; Passpoint's must be "" */
	struct bytes cert;      /* DER, the certificate in it */
	int64_t issued;
	int64_t expires;
	const char *realm;    /* of the outer identity */
	const char *support;  /* an address of https: or mailto:, or "" */
	const char *language; /* of the texts */
	const char *fqdn; /* Passpoint: who runs the network, as its access points announce it */
	const char *consortium; /* Passpoint: roaming consortia, hex, with commas; or "" */
};

/* The XML of eduroam CAT and geteduroam (draft-winter-opsawg-eap-metadata). */
int android_eap_config(const struct enrolment *e, const struct keyed *k,
		       struct buf *out) MUST_CHECK;

/* base64 of a MIME multipart with subscription, CA certificate and PKCS#12, as Android's browser takes it. */
int android_passpoint(const struct enrolment *e, const struct keyed *k, struct buf *out) MUST_CHECK;

/* "a@b" -> "b", a text without '@' -> itself. */
const char *android_realm(const char *identity);

/* Comma-separated hex of 3 or 5 bytes each, or "". */
bool android_consortium_ok(const char *s);

#endif
