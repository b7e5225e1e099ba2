/*
 * What a device needs to get onto the network: the input of every profile writer in this folder.
 * Plain data, borrowed pointers. Writers are pure: enrolment -> bytes.
 */
#ifndef ONBOARD_PORTAL_PROFILE_ENROLMENT_H
#define ONBOARD_PORTAL_PROFILE_ENROLMENT_H

#include "core/base/buf.h"
#include "core/base/bytes.h"
#include "core/base/err.h"

#include <stdbool.h>

#define PROFILE_MAX 131072 /* bytes of any file written here */

/* Sentences for people, from the text catalogue. */
struct enrolment_words {
	const char *root; /* names of payloads */
	const char *scep;
	const char *about;   /* what the profile does */
	const char *script;  /* what the scripts do */
	const char *missing; /* a program is */
	const char *ask_code;
	const char *bad_code;
	const char *not_issued;
	const char *done;
	const char *connect;
	const char *p12;   /* where the PKCS#12 file and its password are */
	const char *trust; /* Windows asks about the authority next */
};

struct enrolment {
	const char *organization;
	const char *ssid;
	const char *onboarding_ssid; /* "": none */
	const char *server_name;     /* in the RADIUS server's certificate */
	const char *identity;        /* outer EAP identity */
	const char *profile_id;      /* reverse-DNS prefix */
	const char *scep_url;        /* of the profile, .../scep/<profile> */
	const char *profile;
	const char *device_id;     /* the certificate's CN */
	const char *challenge;     /* secret; only Apple's file holds it */
	struct bytes anchor;       /* DER, issuer of the RADIUS server's certificate */
	struct bytes issuer;       /* DER, CA that issues the device's certificate */
	struct bytes top;          /* DER, the highest CA that GetCACert sends */
	struct bytes ra;           /* DER, SCEP transport certificate */
	const struct bytes *chain; /* DER, what is above the issuing CA; may be empty */
	size_t n_chain;
	bool wpa3;                /* WPA3 only; else WPA2 and WPA3 */
	const char *linux_body;   /* scripts/enrol.sh */
	const char *windows_body; /* scripts/enrol.ps1 */
	struct enrolment_words words;
};

#endif
