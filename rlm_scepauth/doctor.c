#include "rlm_scepauth/rlm_scepauth.h"

static bool is_yes(char const *value)
{
	return value && (strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ||
			 strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0);
}

/* A resumed session skips the checks of chain and dates, and in TLS 1.3 hides the certificate. */
static void look_at_eap(CONF_SECTION *eap)
{
	CONF_SECTION *tls = NULL;

	while ((tls = cf_subsection_find_next(eap, tls, "tls-config"))) {
		CONF_SECTION *cache = cf_section_sub_find(tls, "cache");

		if (!cache || !is_yes(cf_section_value_find(cache, "enable")))
			continue;
		radlog(L_WARN,
		       "scepauth: %s:%d: the TLS session cache is on. Resumed TLS 1.3 sessions "
		       "carry no certificate and are rejected (no_serial): set enable = no",
		       cf_section_filename(cache), cf_section_lineno(cache));
	}
}

static bool mentions(CONF_SECTION *cs, char const *name)
{
	CONF_ITEM *ci = NULL;

	while ((ci = cf_item_find_next(cs, ci))) {
		if (cf_item_is_pair(ci)) {
			char const *attr = cf_pair_attr(cf_item_to_pair(ci));

			if (attr && strcmp(attr, name) == 0)
				return true;
		} else if (cf_item_is_section(ci)) {
			CONF_SECTION *sub = cf_item_to_section(ci);

			if (strcmp(cf_section_name1(sub), name) == 0 || mentions(sub, name))
				return true;
		}
	}
	return false;
}

static CONF_PAIR *find_preset(CONF_SECTION *cs)
{
	CONF_ITEM *ci = NULL;

	while ((ci = cf_item_find_next(cs, ci))) {
		CONF_PAIR *found = NULL;

		if (cf_item_is_section(ci)) {
			found = find_preset(cf_item_to_section(ci));
		} else if (cf_item_is_pair(ci)) {
			CONF_PAIR *cp = cf_item_to_pair(ci);
			char const *attr = cf_pair_attr(cp);
			char const *value = cf_pair_value(cp);
			char const *word = attr ? attr + strcspn(attr, ":") : NULL;

			/* Auth-Type, &Auth-Type, control:Auth-Type, &outer.control:Auth-Type */
			if (!attr || !value)
				continue;
			word = *word ? word + 1 : attr + (*attr == '&');
			if (strcasecmp(word, "Auth-Type") == 0 && strcasecmp(value, "Accept") == 0)
				found = cp;
		}
		if (found)
			return found;
	}
	return NULL;
}

/* With a preset Accept, every answer but reject lets the device in, that of a module that failed to
 * run at all included. */
static void look_at_server(CONF_SECTION *server, char const *name)
{
	CONF_SECTION *authorize = cf_section_sub_find(server, "authorize");
	CONF_PAIR *preset;

	if (!authorize || !mentions(authorize, name))
		return;
	preset = find_preset(authorize);
	if (preset)
		radlog(L_WARN,
		       "scepauth: %s:%d: Auth-Type is preset to Accept. Remove it: the module "
		       "sets Auth-Type itself when the ledger says yes",
		       cf_pair_filename(preset), cf_pair_lineno(preset));
}

void doctor_warn(CONF_SECTION *conf, char const *name)
{
	CONF_SECTION *root = cf_top_section(conf);
	CONF_SECTION *modules = cf_section_sub_find(root, "modules");
	CONF_SECTION *cs = NULL;

	while (modules && (cs = cf_subsection_find_next(modules, cs, "eap")))
		look_at_eap(cs);
	cs = NULL;
	while ((cs = cf_subsection_find_next(root, cs, "server")))
		look_at_server(cs, name);
}
