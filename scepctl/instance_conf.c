#include "scepctl/instance.h"

#include "core/base/conf.h"
#include "scepctl/escape.h"

enum { CONF_TEXT_LIMIT = 65536, VALUE_SIZE = FS_PATH_MAX };

static const struct {
	const char *section, *about;
} headings[] = {
	{"redis", "Where Redis is. Every program has a Redis user of its own."},
	{"scep", "The SCEP server: scep_ca."},
	{"profile",
	 "One profile per kind of certificate: its issuing CA and SCEP transport (RA) key.\n"
	 "# Devices reach it as <scep.url>/scep/<name>."},
	{"portal", "Where people get their devices on the network: onboard_portal."},
	{"theme", "Logo, colours and words of the portal's pages: docs/PORTAL.md."},
	{"console", "The help desk's console of the portal. First: scepctl helpdesk add console."},
	{"mail", "Reminders by mail, sent by onboard_portal --remind, once a day by a timer."},
	{"vouchers", "Vouchers for guests, made at the portal by people who vouch for them."},
	{"captive", "The open network on which people begin: what their devices are told there."},
	{"wifi", "What devices are told about the network."},
	{"group", "Groups of people. Run `scepctl policy load` after a change."},
	{"ldap", "A directory of people: for auto_revoke, and for logins at the portal."},
	{"header", "Logins at the portal by a web server in front of it (SAML): docs/PORTAL.md."},
	{"oidc", "Logins at the portal by OpenID Connect (portal.login): docs/PORTAL.md."},
	{"leavers", "Who has left: auto_revoke."},
	{"disconnect", "Ending live sessions: auto_revoke --disconnect."},
	{"nas",
	 "Access points that it may ask to end a session (RFC 5176), one section for each kind."},
	{"scim", "Identity providers that push people and groups: auto_revoke --scim, "
		 "leavers.format scim."},
};

struct writer {
	const struct init_plan *plan;
	const struct init_plan_group *group; /* of a titled section */
	size_t index;                        /* of the group */
	struct buf *out;
};

/* What init decided for a key, as plain text; NULL: the default is good. */
static const char *chosen(const struct writer *w, const char *section, const char *key,
			  char tmp[VALUE_SIZE])
{
	const struct init_plan *p = w->plan;
	const struct {
		const char *section, *key, *value;
	} fixed[] = {
		{"", "organization", p->organization},
		{"", "run-as", *p->run_as ? p->run_as : NULL},
		{"redis", "host", *p->redis_socket ? NULL : p->redis_host},
		{"scep", "listen", p->scep_listen},
		{"scep", "url", p->scep_url},
		{"scep", "token-module", *p->token_module ? p->token_module : NULL},
		{"scep", "token-pin", *p->token_pin ? p->token_pin : NULL},
		{"scep", "token-files", *p->token_files ? p->token_files : NULL},
		{"portal", "listen", p->portal_listen},
		{"portal", "url", p->portal_url},
		{"wifi", "ssid", p->ssid},
		{"wifi", "onboarding-ssid", *p->onboarding_ssid ? p->onboarding_ssid : NULL},
		{"wifi", "server-name", p->host},
		{"group", "vlan", w->group && *w->group->vlan ? w->group->vlan : NULL},
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcmp(fixed[i].section, section) == 0 && strcmp(fixed[i].key, key) == 0)
			return fixed[i].value;
	tmp[0] = '\0';
	if (strcmp(section, "redis") == 0 && strcmp(key, "socket") == 0) {
		char usual[FS_PATH_MAX + 16];

		snprintf(usual, sizeof(usual), "%s/run/redis.sock", p->dir);
		return strcmp(p->redis_socket, usual) == 0 ? NULL : p->redis_socket;
	}
	if (strcmp(section, "redis") == 0 && strcmp(key, "port") == 0 && !*p->redis_socket)
		snprintf(tmp, VALUE_SIZE, "%ld", p->redis_port);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "issuer-cert") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/issuing.pem", w->group->name);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "issuer-key") == 0 &&
		 w->group->ca_key)
		snprintf(tmp, VALUE_SIZE, "%s", w->group->ca_key);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "issuer-key") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/issuing.key", w->group->name);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "ra-cert") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/ra.pem", w->group->name);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "ra-key") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/ra.key", w->group->name);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "ocsp-cert") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/ocsp.pem", w->group->name);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "ocsp-key") == 0)
		snprintf(tmp, VALUE_SIZE, "ca/%s/ocsp.key", w->group->name);
	else if (p->cdp && strcmp(section, "profile") == 0 && strcmp(key, "crl-url") == 0)
		snprintf(tmp, VALUE_SIZE, "%s/crl/{issuer}.crl", p->scep_url);
	else if (p->cdp && strcmp(section, "profile") == 0 && strcmp(key, "ocsp-url") == 0)
		snprintf(tmp, VALUE_SIZE, "%s/ocsp", p->scep_url);
	else if (strcmp(section, "profile") == 0 && strcmp(key, "lifetime") == 0)
		snprintf(tmp, VALUE_SIZE, "%ld", p->lifetime);
	else if (strcmp(section, "group") == 0 && strcmp(key, "priority") == 0)
		snprintf(tmp, VALUE_SIZE, "%zu", 10 * (p->n_groups - w->index));
	else if (strcmp(section, "group") == 0 && strcmp(key, "profiles") == 0)
		snprintf(tmp, VALUE_SIZE, "%s", w->group->name);
	return *tmp ? tmp : NULL;
}

static void put_value(struct buf *out, const struct conf_key *k, const char *value, bool is_default)
{
	switch (k->type) {
	case CONF_INT:
	case CONF_BOOL:
		buf_adds(out, value);
		return;
	case CONF_LIST:
		if (is_default) {
			buf_adds(out, value);
			return;
		}
		buf_addc(out, '{');
		escape_confuse(out, value);
		buf_addc(out, '}');
		return;
	case CONF_STR:
	case CONF_PATH:
	case CONF_KEY:
		escape_confuse(out, value);
		return;
	}
}

static int put_key(const struct writer *w, const struct conf_key *k, bool commented,
		   struct errmsg *em)
{
	const char *indent = *k->section ? "\t" : "";
	char tmp[VALUE_SIZE];
	const char *value = chosen(w, k->section, k->key, tmp);

	if (!value && !k->def)
		return err_set(em, E_INTERNAL, "%s.%s: no value was chosen", k->section, k->key);
	if (commented)
		buf_addf(w->out, "%s# %s\n", indent, k->help);
	else if (!value)
		return E_OK; /* told once, in the first section of this kind */
	buf_addf(w->out, "%s%s%s = ", indent, value ? "" : "# ", k->key);
	put_value(w->out, k, value ? value : k->def, !value);
	buf_addc(w->out, '\n');
	return E_OK;
}

/* All keys of the section that begins at k; returns behind it in ret. */
static int put_section(const struct writer *w, const struct conf_key *k, bool commented,
		       const struct conf_key **ret, struct errmsg *em)
{
	const char *section = k->section;
	int rc = E_OK;

	if (*section && k->titled)
		buf_addf(w->out, "%s \"%s\" {\n", section, w->group->name);
	else if (*section)
		buf_addf(w->out, "%s {\n", section);
	for (; rc == E_OK && k->key && strcmp(k->section, section) == 0; k++)
		rc = put_key(w, k, commented, em);
	if (*section)
		buf_adds(w->out, "}\n");
	*ret = k;
	return rc;
}

static void put_heading(struct buf *out, const char *section)
{
	buf_addc(out, '\n');
	for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
		if (strcmp(headings[i].section, section) == 0)
			buf_addf(out, "# %s\n", headings[i].about);
}

/* init knows none of them: an example, all of it behind #. */
static const struct conf_key *put_nas(struct buf *out, const struct conf_key *k)
{
	buf_adds(out, "# nas \"NAME\" {\n");
	for (; k->key && strcmp(k->section, "nas") == 0; k++) {
		buf_addf(out, "#\t# %s\n#\t%s = ", k->help, k->key);
		put_value(out, k, k->def ? k->def : "secrets/nas-NAME", true);
		buf_addc(out, '\n');
	}
	buf_adds(out, "# }\n");
	return k;
}

int instance_conf_text(const struct init_plan *p, struct buf *out, struct errmsg *em)
{
	struct writer w = {.plan = p, .out = out};
	const struct conf_key *k = conf_schema, *next = NULL;
	int rc = E_OK;

	buf_adds(out, "# The configuration of this instance, read by all programs; see "
		      "scepauth.conf(5).\n"
		      "# Lines with '#' before a key show its default. Relative paths start at "
		      "this file's folder.\n\n");
	if (p->n_groups == 0)
		return err_set(em, E_FORMAT, "an instance needs a group");
	while (rc == E_OK && k && k->key) {
		if (*k->section)
			put_heading(out, k->section);
		if (strcmp(k->section, "nas") == 0) {
			next = put_nas(out, k);
		} else if (!k->titled) {
			rc = put_section(&w, k, true, &next, em);
		} else {
			for (size_t i = 0; rc == E_OK && i < p->n_groups; i++) {
				w.group = &p->groups[i];
				w.index = i;
				rc = put_section(&w, k, i == 0, &next, em);
			}
			w.group = NULL;
		}
		k = next;
	}
	if (rc == E_OK && buf_error(out) != E_OK)
		rc = err_set(em, buf_error(out), "%s", err_text(buf_error(out)));
	return rc;
}

int instance_make_conf(const struct instance *in, struct errmsg *em)
{
	static const char accounts[] =
		"# login:password hash:groups:name:email, written by scepctl user\n";
	static const char people[] = "login,groups,name,email,status,leave_at\n";
	struct buf text = {0};
	int rc;

	buf_init(&text, CONF_TEXT_LIMIT);
	rc = instance_conf_text(in->plan, &text, em);
	if (rc == E_OK)
		rc = fs_create(in->stage, "scepauth.conf", 0640, buf_bytes(&text), em);
	if (rc == E_OK)
		rc = fs_create(in->stage, "portal/accounts", 0600, bytes_str(accounts), em);
	if (rc == E_OK)
		rc = fs_create(in->stage, "leavers/directory.csv", 0600, bytes_str(people), em);
	buf_free(&text);
	return rc;
}
