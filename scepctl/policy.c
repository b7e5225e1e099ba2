#include "scepctl/policy.h"

#include "core/base/args.h"
#include "core/base/text.h"
#include "core/pki/ca_dir.h"
#include "core/pki/cert.h"
#include "core/pki/cert_check.h"
#include "scepctl/ctl.h"
#include "scepctl/init_plan.h"
#include "scepctl/policy_rules.h"

static int add_file(const char *path, const char *profile, struct group *g, struct errmsg *em)
{
	X509 *cert = NULL;
	int rc;

	if (g->n_issuers == GROUP_ISSUERS_MAX)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": more than %d issuing CAs, those of before counted",
			       g->name, GROUP_ISSUERS_MAX);
	rc = cert_load(path, &cert, em);
	if (rc != E_OK)
		return rc;
	if (cert_check_ca(cert))
		rc = cert_ski(cert, g->issuers[g->n_issuers++]);
	else
		rc = E_DENIED;
	cert_free(cert);
	if (rc != E_OK)
		return err_set(em, E_CONFIG,
			       "profile \"%.40s\": the first certificate of issuer-cert is not a "
			       "CA with a key identifier",
			       profile);
	return E_OK;
}

/* The CA in use, the one to come, and those before, whose certificates are still about. */
static int add_all(const char *current, const char *profile, struct group *g, struct errmsg *em)
{
	char ids[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], path[CA_DIR_PATH_SIZE], part[80];
	const char *slash = strrchr(current, '/');
	size_t n = 0;
	int rc = add_file(current, profile, g, em);

	if (rc == E_OK)
		rc = ca_dir_retired(current, ids, &n, em);
	for (size_t i = 0; rc == E_OK && i < n; i++) {
		snprintf(part, sizeof(part), "now/retired/%.32s/issuing.pem", ids[i]);
		rc = ca_dir_path(current, part, path, em);
		if (rc == E_OK)
			rc = add_file(path, profile, g, em);
	}
	snprintf(part, sizeof(part), "next/%.60s", slash ? slash + 1 : current);
	if (rc == E_OK)
		rc = ca_dir_path(current, part, path, em);
	if (rc == E_OK && fs_exists(path))
		rc = add_file(path, profile, g, em);
	return rc;
}

static int add_issuer(const struct conf *conf, const char *group, const char *profile,
		      struct group *g, struct errmsg *em)
{
	const char *const *known;
	size_t n = conf_titles(conf, "profile", &known);
	bool found = false;

	for (size_t i = 0; i < n; i++)
		found = found || strcmp(known[i], profile) == 0;
	if (!found)
		return err_set(em, E_CONFIG, "group \"%.40s\": there is no profile \"%.40s\"",
			       group, profile);
	return add_all(conf_path(conf, "profile", profile, "issuer-cert"), profile, g, em);
}

int policy_group(const struct conf *conf, const char *name, struct group *ret, struct errmsg *em)
{
	struct group g = {0};
	const char *vlan = conf_str(conf, "group", name, "vlan");
	const char *const *profiles = &name;
	size_t n = conf_list(conf, "group", name, "profiles", &profiles);
	int rc = E_OK;

	if (!init_plan_is_group(name) || text_copy(g.name, sizeof(g.name), name) != E_OK)
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": a name is 1 to 32 of a-z, 0-9 and '-'", name);
	if (*vlan && !init_plan_is_vlan(vlan))
		return err_set(em, E_CONFIG,
			       "group \"%.40s\": vlan \"%.40s\" is neither an id (1 to 4094) nor a "
			       "VLAN name",
			       name, vlan);
	if (text_copy(g.vlan, sizeof(g.vlan), vlan) != E_OK ||
	    text_copy(g.filter_id, sizeof(g.filter_id),
		      conf_str(conf, "group", name, "filter-id")) != E_OK)
		return err_set(em, E_CONFIG, "group \"%.40s\": vlan or filter-id is too long",
			       name);
	g.priority = conf_int(conf, "group", name, "priority");
	g.session_timeout = conf_int(conf, "group", name, "session-timeout");
	g.known_good = conf_int(conf, "group", name, "known-good");
	g.device_limit = conf_int(conf, "group", name, "device-limit");
	if (n == 0) {
		profiles = &name;
		n = 1;
	}
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = add_issuer(conf, name, profiles[i], &g, em);
	if (rc == E_OK)
		rc = policy_rules(conf, name, &g, em);
	if (rc == E_OK)
		*ret = g;
	return rc;
}

static bool listed(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int remove_vanished(struct store *s, const char *const *names, size_t n,
			   struct policy_changes *ret, struct errmsg *em)
{
	struct group *there = NULL;
	size_t n_there = 0;
	int rc = store_groups(s, &there, &n_there, em);

	for (size_t i = 0; rc == E_OK && i < n_there; i++) {
		if (listed(there[i].name, names, n))
			continue;
		if (ret->n_removed == POLICY_GROUPS_MAX)
			rc = err_set(em, E_TOOBIG, "more than %d groups to remove; run it again",
				     POLICY_GROUPS_MAX);
		else
			rc = store_group_del(s, there[i].name, em);
		if (rc == E_OK)
			rc = text_copy(ret->removed[ret->n_removed++], NAME_SIZE, there[i].name);
	}
	free(there);
	return rc;
}

int policy_read(const struct conf *conf, struct group **ret, size_t *ret_n, struct errmsg *em)
{
	const char *const *names;
	size_t n = conf_titles(conf, "group", &names);
	struct group *groups = NULL;
	int rc = E_OK;

	/* An empty file would throw everybody off the network: surely not what was meant. */
	if (n == 0 || n > POLICY_GROUPS_MAX)
		return err_set(em, E_CONFIG,
			       "%zu groups in the configuration; 1 to %d are accepted", n,
			       POLICY_GROUPS_MAX);
	groups = calloc(n, sizeof(*groups));
	if (!groups)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	for (size_t i = 0; rc == E_OK && i < n; i++)
		rc = policy_group(conf, names[i], &groups[i], em);
	if (rc != E_OK) {
		free(groups);
		return rc;
	}
	*ret = groups;
	*ret_n = n;
	return E_OK;
}

int policy_load(struct store *s, const struct conf *conf, struct policy_changes *ret,
		struct errmsg *em)
{
	const char *const *names;
	size_t n = conf_titles(conf, "group", &names);
	struct group *groups = NULL;
	int rc = policy_read(conf, &groups, &n, em);

	for (size_t i = 0; rc == E_OK && i < n; i++) {
		rc = store_group_put(s, &groups[i], em);
		if (rc == E_OK)
			rc = text_copy(ret->loaded[ret->n_loaded++], NAME_SIZE, groups[i].name);
	}
	if (rc == E_OK)
		rc = remove_vanished(s, names, n, ret, em);
	free(groups);
	return rc;
}

static struct json *names_json(const char names[][NAME_SIZE], size_t n)
{
	struct json *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_push_str(list, names[i]);
	return list;
}

int policy_report(const struct policy_changes *c, bool json)
{
	struct json *j;

	if (json) {
		j = json_object();
		json_set(j, "loaded", names_json(c->loaded, c->n_loaded));
		json_set(j, "removed", names_json(c->removed, c->n_removed));
		return ctl_print_json(j);
	}
	for (size_t i = 0; i < c->n_loaded; i++)
		printf("loaded  %s\n", c->loaded[i]);
	for (size_t i = 0; i < c->n_removed; i++)
		printf("removed %s\n", c->removed[i]);
	return EXIT_DONE;
}

int policy_print(const struct group *groups, size_t n, bool json)
{
	struct json *list = json_array(), *j = json_object();

	for (size_t i = 0; i < n; i++) {
		struct json *g = json_object(), *issuers = json_array();

		if (!json)
			printf("%-20s priority %ld, VLAN %s, %zu issuer%s, session %ld s, %ld "
			       "devices\n",
			       groups[i].name, groups[i].priority,
			       *groups[i].vlan ? groups[i].vlan : "none", groups[i].n_issuers,
			       groups[i].n_issuers == 1 ? "" : "s", groups[i].session_timeout,
			       groups[i].device_limit);
		for (size_t k = 0; k < groups[i].n_issuers; k++)
			json_push_str(issuers, groups[i].issuers[k]);
		json_set_str(g, "name", groups[i].name);
		json_set_int(g, "priority", groups[i].priority);
		json_set_str(g, "vlan", groups[i].vlan);
		json_set_str(g, "filter_id", groups[i].filter_id);
		json_set_int(g, "session_timeout", groups[i].session_timeout);
		json_set_int(g, "device_limit", groups[i].device_limit);
		json_set_str(g, "ssids", groups[i].ssids);
		json_set_str(g, "nas", groups[i].nas);
		json_set_str(g, "hours", groups[i].hours);
		json_set_str(g, "zone", groups[i].zone);
		json_set_str(g, "user_name", groups[i].user_name);
		json_set_str(g, "mac", groups[i].mac);
		json_set_str(g, "two_macs", groups[i].two_macs);
		json_set_str(g, "quarantine_vlan", groups[i].quarantine_vlan);
		json_set_int(g, "known_good", groups[i].known_good);
		json_set(g, "issuers", issuers);
		json_push(list, g);
	}
	json_set(j, "groups", list);
	if (json)
		return ctl_print_json(j);
	json_free(j);
	return EXIT_DONE;
}
