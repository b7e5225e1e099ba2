#include "core/authz/mac.h"

#include "core/authz/place.h"
#include "core/model/facts.h"
#include "core/model/nas_session.h"

#include <ctype.h>
#include <string.h>

bool mac_read(const char *spelt, char ret[MAC_SIZE])
{
	char mac[MAC_SIZE];
	size_t n = 0;

	for (; *spelt; spelt++) {
		if (isxdigit((unsigned char)*spelt) && n < MAC_SIZE - 1)
			mac[n++] = (char)tolower((unsigned char)*spelt);
		else if (!n || !strchr("-:.", *spelt))
			return false;
	}
	if (n != MAC_SIZE - 1)
		return false;
	mac[n] = '\0';
	/* A group's address or zeros is no device's: by it all devices of such an access point would be one. */
	if (strchr("13579bdf", mac[1]) || strspn(mac, "0") == n)
		return false;
	memcpy(ret, mac, MAC_SIZE);
	return true;
}

bool mac_is_private(const char *mac)
{
	return strchr("2367abef", mac[1]) != NULL;
}

static bool same(const char *a, const char *b)
{
	return strncmp(a, b, MAC_SIZE) == 0;
}

/* Phones show each SSID an address of its own, so a certificate is bound for each SSID apart. */
static bool is_bound_elsewhere(const struct authz_request *req, const struct facts *f,
			       const char *mac, const char *ssid)
{
	for (size_t i = 0; i < f->n_macs; i++) {
		const struct mac_fact *m = &f->macs[i];

		if (m->live || strncmp(m->place, ssid, sizeof(m->place)) != 0 || same(m->mac, mac))
			continue;
		if (!mac_is_private(m->mac) || !mac_is_private(mac) ||
		    req->now - m->at < MAC_GIVEN_UP)
			return true;
	}
	return false;
}

/* A private address counts against its own SSID only: on another it may be the same device, and it is on one. */
static bool is_on_twice(const struct facts *f, const char *mac, const char *ssid)
{
	for (size_t i = 0; i < f->n_macs; i++) {
		const struct mac_fact *m = &f->macs[i];
		const char *other = m->live ? place_ssid(m->place) : NULL;

		if (!m->live || same(m->mac, mac))
			continue;
		if ((!mac_is_private(m->mac) && !mac_is_private(mac)) ||
		    strcmp(other ? other : "", ssid) == 0)
			return true;
	}
	return false;
}

enum authz_reason mac_check(const struct authz_request *req, const struct facts *f,
			    const struct group *g, bool *ret_bind)
{
	bool bind = strncmp(g->mac, GROUP_MAC_BIND, sizeof(g->mac)) == 0;
	bool refuse = strncmp(g->two_macs, GROUP_TWO_MACS_REFUSE, sizeof(g->two_macs)) == 0;
	bool apart = strncmp(g->two_macs, GROUP_TWO_MACS_QUARANTINE, sizeof(g->two_macs)) == 0;
	const char *ssid = place_ssid(req->called);
	char mac[MAC_SIZE];

	if ((g->mac[0] && !bind) || (g->two_macs[0] && !refuse && !apart) ||
	    f->n_macs > FACT_MACS_MAX)
		return AUTHZ_INTERNAL;
	for (size_t i = 0; i < f->n_macs; i++)
		if (!memchr(f->macs[i].place, '\0', sizeof(f->macs[i].place)))
			return AUTHZ_INTERNAL;
	*ret_bind = false;
	if (!bind && !g->two_macs[0])
		return AUTHZ_OK;
	if (!mac_read(req->calling, mac))
		return AUTHZ_MAC_NOT_ALLOWED;
	if (!ssid)
		ssid = "";
	/* It could not be remembered, so each use would be the first. */
	if (bind && strlen(ssid) > BIND_SSID_MAX)
		return AUTHZ_MAC_NOT_ALLOWED;
	if (bind && is_bound_elsewhere(req, f, mac, ssid))
		return AUTHZ_MAC_NOT_ALLOWED;
	*ret_bind = bind;
	if (!g->two_macs[0] || req->again || !is_on_twice(f, mac, ssid))
		return AUTHZ_OK;
	return refuse ? AUTHZ_TWO_MACS : AUTHZ_QUARANTINED;
}
