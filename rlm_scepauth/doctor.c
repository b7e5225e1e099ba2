#include "rlm_scepauth/rlm_scepauth.h"

#define CA_FILE_MAX 64 /* CAs; a campus has a few, the systems' collections have over a hundred */

static bool is_yes(char const *value)
{
	return value && (strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ||
			 strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0);
}

/* --- eap ------------------------------------------------------------------------------------------- */

/* A resumed session skips the checks of chain and dates, and in TLS 1.3 hides the certificate. */
static void look_at_cache(CONF_SECTION *tls)
{
	CONF_SECTION *cache = cf_section_sub_find(tls, "cache");

	if (cache && is_yes(cf_section_value_find(cache, "enable")))
		radlog(L_WARN,
		       "scepauth: %s:%d: the TLS session cache is on. Resumed TLS 1.3 sessions "
		       "carry no certificate and are rejected (no_serial): set enable = no",
		       cf_section_filename(cache), cf_section_lineno(cache));
}

static unsigned count_certificates(char const *path)
{
	FILE *f = fopen(path, "re");
	char line[256];
	unsigned n = 0;

	/* EAP says it better when the file is not there. */
	while (f && fgets(line, sizeof(line), f))
		n += strncmp(line, "-----BEGIN CERTIFICATE-----", 27) == 0;
	if (f)
		fclose(f);
	return n;
}

/* The ledger turns away what others have issued, but only after TLS has spent time on it. */
static void look_at_trust(CONF_SECTION *tls)
{
	char const *folder = cf_section_value_find(tls, "ca_path");
	char const *file = cf_section_value_find(tls, "ca_file");
	unsigned n;

	if (folder && *folder)
		radlog(L_WARN,
		       "scepauth: %s:%d: ca_path trusts whatever CA is in %s: leave it out, and "
		       "name the CAs that issue to devices by ca_file",
		       cf_section_filename(tls), cf_section_lineno(tls), folder);
	if (!file)
		return;
	n = count_certificates(file);
	if (n > CA_FILE_MAX)
		radlog(L_WARN,
		       "scepauth: %s:%d: ca_file %s holds %u CAs, more than issue to the devices "
		       "of "
		       "a campus: name those only",
		       cf_section_filename(tls), cf_section_lineno(tls), file, n);
}

static void look_at_eap(CONF_SECTION *eap)
{
	CONF_SECTION *tls = NULL;

	while ((tls = cf_subsection_find_next(eap, tls, "tls-config"))) {
		look_at_cache(tls);
		look_at_trust(tls);
	}
}

/* --- servers --------------------------------------------------------------------------------------- */

/* Where something of this name stands below cs, or NULL. */
static CONF_ITEM *find_mention(CONF_SECTION *cs, char const *name)
{
	CONF_ITEM *ci = NULL;

	while ((ci = cf_item_find_next(cs, ci))) {
		CONF_ITEM *found = NULL;

		if (cf_item_is_pair(ci)) {
			char const *attr = cf_pair_attr(cf_item_to_pair(ci));

			if (attr && strcmp(attr, name) == 0)
				found = ci;
		} else if (cf_item_is_section(ci)) {
			CONF_SECTION *sub = cf_item_to_section(ci);

			found = strcmp(cf_section_name1(sub), name) == 0 ? ci
									 : find_mention(sub, name);
		}
		if (found)
			return found;
	}
	return NULL;
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

/* Is it the server that an eap module runs when TLS is done? */
static bool is_asked_by_eap(CONF_SECTION *modules, char const *server)
{
	CONF_SECTION *eap = NULL;

	while (modules && server && (eap = cf_subsection_find_next(modules, eap, "eap"))) {
		CONF_SECTION *tls = cf_section_sub_find(eap, "tls");
		char const *named = tls ? cf_section_value_find(tls, "virtual_server") : NULL;

		if (named && strcmp(named, server) == 0)
			return true;
	}
	return false;
}

/* Returns whether it stands where it decides: with a preset Accept there, every answer but reject lets the
 * device in, that of a module that failed to run at all included. */
static bool look_at_authorize(CONF_SECTION *authorize, char const *name, bool asked)
{
	CONF_PAIR *preset;

	if (!find_mention(authorize, name))
		return false;
	if (!asked) {
		radlog(L_WARN,
		       "scepauth: %s:%d: %s stands in the authorize section of a server that no "
		       "eap "
		       "module names as virtual_server: it rejects everybody there (not_eap_tls)",
		       cf_section_filename(authorize), cf_section_lineno(authorize), name);
		return false;
	}
	preset = find_preset(authorize);
	if (preset)
		radlog(L_WARN,
		       "scepauth: %s:%d: Auth-Type is preset to Accept. Remove it: the module "
		       "sets Auth-Type itself when the ledger says yes",
		       cf_pair_filename(preset), cf_pair_lineno(preset));
	return true;
}

static bool look_at_server(CONF_SECTION *server, char const *name, bool asked)
{
	static char const *const wrong[] = {"authenticate", "post-auth", "preacct",
					    "session",      "pre-proxy", "post-proxy"};
	CONF_SECTION *authorize = cf_section_sub_find(server, "authorize");

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		CONF_SECTION *cs = cf_section_sub_find(server, wrong[i]);

		if (cs && find_mention(cs, name))
			radlog(L_WARN,
			       "scepauth: %s:%d: %s does nothing in %s: it belongs in authorize of "
			       "the server that the eap module names as virtual_server",
			       cf_section_filename(cs), cf_section_lineno(cs), name, wrong[i]);
	}
	return authorize && look_at_authorize(authorize, name, asked);
}

/* --- clients --------------------------------------------------------------------------------------- */

/* CVE-2024-3596: without it somebody on the way can turn the reject of another method into an accept. EAP
 * itself always has it. */
static void look_at_client(CONF_SECTION *client)
{
	char const *value = cf_section_value_find(client, "require_message_authenticator");
	char const *name = cf_section_name2(client);

	if (!is_yes(value))
		radlog(L_WARN,
		       "scepauth: %s:%d: client %s: set require_message_authenticator = yes",
		       cf_section_filename(client), cf_section_lineno(client), name ? name : "-");
}

void doctor_warn(CONF_SECTION *conf, char const *name)
{
	CONF_SECTION *root = cf_top_section(conf);
	CONF_SECTION *modules = cf_section_sub_find(root, "modules");
	CONF_SECTION *cs = NULL;
	bool decides = false;

	while (modules && (cs = cf_subsection_find_next(modules, cs, "eap")))
		look_at_eap(cs);
	cs = NULL;
	while ((cs = cf_subsection_find_next(root, cs, "server")))
		decides |= look_at_server(cs, name, is_asked_by_eap(modules, cf_section_name2(cs)));
	if (!decides)
		radlog(L_WARN,
		       "scepauth: %s is in no authorize section of a server that an eap module "
		       "names "
		       "as virtual_server: nobody asks the ledger, unless a policy does",
		       name);
	cs = NULL;
	while ((cs = cf_subsection_find_next(root, cs, "client")))
		look_at_client(cs);
}
