/*
 * View models: what each page shows, decided from plain facts, and rendered. Pure: time comes in
 * as an argument. Every function appends a whole HTML page to out; E_FORMAT is a bug in a template.
 */
#ifndef ONBOARD_PORTAL_FLOW_PAGE_H
#define ONBOARD_PORTAL_FLOW_PAGE_H

#include "core/model/certrec.h"
#include "core/model/device.h"
#include "onboard_portal/flow/page_base.h"

#include <stdbool.h>

struct page_login {
	const char *login;       /* what was typed */
	const char *notice_key;  /* sentence of the catalogue, or NULL */
	const char *error_key;   /* or NULL */
	const char *error_field; /* id of the field to go to */
	int64_t wait;            /* seconds until the next try, 0: none */
	bool form;               /* asks for login and password */
	const char *oidc;        /* name of the provider that a button leads to, or "" */
	const char *sso;         /* the same for the way by the web server's own login, or "" */
	bool oidc_logout;        /* where to end the session there too */
};
int page_login(const struct page_base *b, const struct page_login *p, struct buf *out) MUST_CHECK;

/* What is known of a device; borrowed. */
struct page_device {
	const struct device *device;
	const struct certrec *cert; /* state CERT_NONE when there is none */
	bool ticket_open;
	int64_t ticket_expires;
	int64_t accept; /* when it was let in last; 0: never */
};

/* What a device is to its owner. */
enum device_state {
	DEVICE_WAITING,    /* a code is open */
	DEVICE_UNFINISHED, /* the code ran out */
	DEVICE_PENDING,    /* its certificate is being issued */
	DEVICE_ACTIVE,
	DEVICE_EXPIRING, /* active for less than 30 days more */
	DEVICE_EXPIRED,
	DEVICE_REMOVED,
};
enum device_state page_device_state(const struct page_device *d, int64_t now);
/* True for states that take one of the person's places. */
bool page_device_live(enum device_state s);

struct page_devices {
	const struct page_device *rows;
	size_t n;
	long limit;             /* 0: the person's groups allow no device */
	const char *notice_key; /* or NULL */
	int64_t now;
};
int page_devices(const struct page_base *b, const struct page_devices *p,
		 struct buf *out) MUST_CHECK;

struct page_new {
	const char *name;     /* what was typed */
	const char *platform; /* what was chosen, or is offered; "" nothing */
	const char *detected; /* platform_guess of who is asking */
	bool server_keys;     /* the portal makes keys for those that cannot */
	const char *name_key; /* error sentences, or NULL */
	const char *platform_key;
	const char *other_key;
};
int page_new(const struct page_base *b, const struct page_new *p, struct buf *out) MUST_CHECK;

struct page_setup {
	const struct device *device;
	const char *challenge;
	int64_t minutes;
	const char *scep_url;
	const char *profile;
	const char *top_sha256, *top_sha1; /* the highest CA that GetCACert sends */
	const char *issuer_sha256;         /* NULL when it is the same */
	const char *anchor_sha256, *anchor_sha1;
	const char *server_name;
	const char *identity;
	const char *base; /* path of the page, without a final slash */
	const char *file; /* names of files below base, without their endings */
	const char *before, *after, *nmcli, *wpa, *iwd; /* command lines for Linux; before is
							    "" when there are none by hand */
	const char *certmonger, *certmonger_again;
	bool renews;          /* it has a certificate */
	bool server_keys;     /* the portal makes this device's key */
	const char *password; /* of its PKCS#12 */
	int64_t days;         /* its certificate is valid for */
	bool passpoint;
};
int page_setup(const struct page_base *b, const struct page_setup *p, struct buf *out) MUST_CHECK;

int page_remove(const struct page_base *b, const struct device *d, struct buf *out) MUST_CHECK;

/* A title, a sentence and at most one way on: errors and other short news. */
struct page_message {
	const char *title_key;
	const char *text_key;
	const char *detail; /* appended to the sentence, "" none */
	const char *action; /* path of the way on, NULL none */
	const char *action_key;
};
int page_message(const struct page_base *b, const struct page_message *p,
		 struct buf *out) MUST_CHECK;

#endif
