#include "scepctl/policy_rules.h"

#include "core/authz/week.h"
#include "core/base/text.h"

#include <stdio.h>
#include <string.h>

#define ZONES "/usr/share/zoneinfo/"
#define SOME_TIME 1700000000 /* any: only the form is looked at */

/* "a,b,c" into dst. */
static int join(const struct conf *conf, const char *name, const char *key, char *dst, size_t size,
		struct errmsg *em)
{
	const char *const *list;
	size_t n = conf_list(conf, "group", name, key, &list), len = 0;

	for (size_t i = 0; i < n; i++) {
		size_t m = strlen(list[i]);

		if (strchr(list[i], ',') || !text_is_plain(list[i], size))
			return err_set(em, E_CONFIG,
				       "group \"%.40s\": %s \"%.40s\" is empty or has a comma or a "
				       "control character",
				       name, key, list[i]);
		if (len + m + 2 > size)
			return err_set(em, E_CONFIG,
				       "group \"%.40s\": %s is longer than %zu bytes in all", name,
				       key, size - 1);
		if (len > 0)
			dst[len++] = ',';
		memcpy(dst + len, list[i], m);
		len += m;
	}
	dst[len] = '\0';
	return E_OK;
}

/* RFC 8536 section 3.3: the last line of the file is the zone as TZ says it, from its last change on. */
static int footer(const char *path, char ret[GROUP_ZONE_SIZE])
{
	FILE *f = fopen(path, "re");
	char end[GROUP_ZONE_SIZE + 2], *line;
	size_t n = 0;

	if (!f)
		return E_NOTFOUND;
	if (fseek(f, -(long)(sizeof(end) - 1), SEEK_END) == 0)
		n = fread(end, 1, sizeof(end) - 1, f);
	(void)fclose(f);
	if (n < 2 || end[n - 1] != '\n')
		return E_FORMAT;
	end[n - 1] = '\0';
	line = memrchr(end, '\n', n - 1);
	return line ? text_copy(ret, GROUP_ZONE_SIZE, line + 1) : E_FORMAT;
}

int policy_zone(const char *zone, char ret[GROUP_ZONE_SIZE])
{
	char path[128], text[GROUP_ZONE_SIZE] = "";
	int64_t east;
	int rc, n;

	if (text_copy(text, sizeof(text), zone) == E_OK &&
	    week_offset(text, SOME_TIME, &east) == E_OK)
		return text_copy(ret, GROUP_ZONE_SIZE, text);
	n = snprintf(path, sizeof(path), ZONES "%s", zone);
	if (n < 0 || (size_t)n >= sizeof(path) || strstr(zone, "..") || !*zone || *zone == '/')
		return E_NOTFOUND;
	rc = footer(path, text);
	if (rc == E_OK && week_offset(text, SOME_TIME, &east) != E_OK)
		rc = E_FORMAT;
	return rc == E_OK ? text_copy(ret, GROUP_ZONE_SIZE, text) : rc;
}

static int hours(const struct conf *conf, const char *name, struct group *g, struct errmsg *em)
{
	const char *zone = conf_str(conf, "group", name, "timezone");
	int64_t left;
	int rc = join(conf, name, "hours", g->hours, sizeof(g->hours), em);

	if (rc != E_OK || (!g->hours[0] && !*zone))
		return rc;
	if (!*zone)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": hours need a timezone, such as \"Europe/Berlin\"",
			       name);
	if (policy_zone(zone, g->zone) != E_OK)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": timezone \"%.40s\" is not in " ZONES
			       " (package tzdata), or has no fixed rule for summer time",
			       name, zone);
	if (g->hours[0] && week_left(g->hours, g->zone, SOME_TIME, &left) != E_OK)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": hours \"%.60s\" are not of the form \"mon-fri "
			       "07:00-19:00\"",
			       name, g->hours);
	return E_OK;
}

/* value is `usual`, which is "" in the record, or one of two words. */
static int word(const char *group, const char *key, const char *value, const char *usual,
		const char *one, const char *other, char *dst, size_t size, struct errmsg *em)
{
	if (strcmp(value, usual) == 0)
		return E_OK;
	if (strcmp(value, one) != 0 && strcmp(value, other) != 0)
		return err_set(em, E_CONFIG, "group \"%.40s\": %s is %s, not \"%.40s\"", group, key,
			       one == other ? "\"any\" or \"bind\""
					    : "\"tell\", \"refuse\" or \"quarantine\"",
			       value);
	return text_copy(dst, size, value);
}

static int addresses(const struct conf *conf, const char *name, struct group *g, struct errmsg *em)
{
	const char *vlan = conf_str(conf, "group", name, "quarantine-vlan");
	int rc = word(name, "mac", conf_str(conf, "group", name, "mac"), "any", GROUP_MAC_BIND,
		      GROUP_MAC_BIND, g->mac, sizeof(g->mac), em);

	if (rc == E_OK)
		rc = word(name, "two-macs", conf_str(conf, "group", name, "two-macs"), "tell",
			  GROUP_TWO_MACS_REFUSE, GROUP_TWO_MACS_QUARANTINE, g->two_macs,
			  sizeof(g->two_macs), em);
	if (rc != E_OK)
		return rc;
	if (text_copy(g->quarantine_vlan, sizeof(g->quarantine_vlan), vlan) != E_OK)
		return err_set(em, E_CONFIG, "group \"%.40s\": quarantine-vlan is too long", name);
	if (strcmp(g->two_macs, GROUP_TWO_MACS_QUARANTINE) == 0 && *vlan == '\0')
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": two-macs = quarantine needs a quarantine-vlan",
			       name);
	return E_OK;
}

int policy_rules(const struct conf *conf, const char *name, struct group *g, struct errmsg *em)
{
	const char *identity = conf_str(conf, "group", name, "user-name");
	int rc = join(conf, name, "ssids", g->ssids, sizeof(g->ssids), em);

	if (rc == E_OK)
		rc = join(conf, name, "nas", g->nas, sizeof(g->nas), em);
	if (rc == E_OK)
		rc = hours(conf, name, g, em);
	if (rc != E_OK)
		return rc;
	rc = addresses(conf, name, g, em);
	if (rc != E_OK || strcmp(identity, "rewrite") == 0)
		return rc;
	if (strcmp(identity, GROUP_NAME_MATCH) != 0)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": user-name is \"rewrite\" or \"" GROUP_NAME_MATCH
			       "\", not \"%.40s\"",
			       name, identity);
	return text_copy(g->user_name, sizeof(g->user_name), identity);
}
