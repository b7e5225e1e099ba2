#include "auto_revoke/front/scim_cert.h"

#include "core/audit/audit.h"
#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/pki/cert_expiry.h"

#define DAY 86400

static int look(const struct conf *c, int64_t now, struct cert_expiry *ret, struct errmsg *em)
{
	return cert_expiry_read(conf_path(c, "scim", NULL, "tls-cert"), now,
				conf_int(c, "", NULL, "expiry-warning"), ret, em);
}

void scim_cert_reload(const struct conf *c, struct httpd *h)
{
	struct cert_expiry e = {.serial = "unknown", .not_after = "unknown"};
	struct errmsg em = {0}, unread = {0};

	if (httpd_reload(h, &em) != E_OK) {
		log_error("SIGHUP: %s; the web certificate of before stays in use", em.text);
		return;
	}
	if (look(c, clock_now(), &e, &unread) != E_OK)
		log_warn("%s", unread.text);
	log_info("SIGHUP: new connections get the web certificate with serial number %s, valid "
		 "until %s",
		 e.serial, e.not_after);
}

static void tell(const struct cert_expiry *e)
{
	const struct audit_field fields[] = {
		{"certificate", "SCIM"},
		{"serial", e->serial},
		{"state", cert_life_text(e->life)},
		{"not_after", e->not_after},
		{"days", e->days},
	};

	if (e->life == CERT_LIFE_SOON)
		log_warn("the web certificate ends at %s (in %s days): scepctl check", e->not_after,
			 e->days);
	else
		log_error("the web certificate: %s (%s): scepctl check", cert_life_text(e->life),
			  e->not_after);
	if (audit_event("cert_expiring", "", fields, sizeof(fields) / sizeof(fields[0])) != E_OK)
		log_error("audit line was lost");
}

void scim_cert_tell(const struct conf *c, int64_t now, int64_t *last)
{
	struct cert_expiry e;
	struct errmsg em = {0};

	if (*last != 0 && now >= *last && now < *last + DAY)
		return;
	*last = now;
	if (look(c, now, &e, &em) != E_OK)
		log_warn("%s", em.text);
	else if (e.life != CERT_LIFE_GOOD)
		tell(&e);
}
