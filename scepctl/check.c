#include "scepctl/check.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "scepctl/ctl.h"
#include "scepctl/fs.h"
#include "scepctl/init_plan.h"

static void check_group(struct check *c, const char *name)
{
	const char *const *profiles;
	const char *const *known;
	size_t n_known = conf_titles(c->conf, "profile", &known);
	size_t n = conf_list(c->conf, "group", name, "profiles", &profiles);
	const char *vlan = conf_str(c->conf, "group", name, "vlan");
	char key[100];

	snprintf(key, sizeof(key), "scepauth.conf: group %.60s", name);
	if (!init_plan_is_group(name))
		check_add(c, false, key, "use 1 to 32 of a-z, 0-9 and '-'",
			  "not a usable group name");
	if (*vlan && !init_plan_is_vlan(vlan))
		check_add(c, false, key, "write an id from 1 to 4094, or the name of a VLAN",
			  "vlan \"%.40s\" is neither", vlan);
	if (n == 0) {
		profiles = &name;
		n = 1;
	}
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (size_t k = 0; k < n_known; k++)
			found = found || strcmp(known[k], profiles[i]) == 0;
		if (!found)
			check_add(c, false, key,
				  "add the section profile, or correct group.profiles",
				  "there is no profile \"%.40s\"", profiles[i]);
	}
}

static void check_conf(struct check *c)
{
	const char *const *groups;
	size_t n = conf_titles(c->conf, "group", &groups);

	if (n == 0)
		check_add(c, false, "scepauth.conf", "add at least one section group",
			  "nobody is in a group, so nobody gets in");
	for (size_t i = 0; i < n; i++)
		check_group(c, groups[i]);
}

int check_instance(const char *dir, const char *final, const char *share, int64_t now,
		   struct check *ret, struct errmsg *em)
{
	char path[FS_PATH_MAX];
	struct errmsg why;
	bool empty = false;
	int rc;

	memset(ret, 0, sizeof(*ret));
	ret->dir = dir;
	ret->final = final;
	ret->share = share;
	ret->now = now;
	rc = fs_is_empty(dir, &empty, em);
	if (rc == E_OK && empty)
		rc = err_set(em, E_NOTFOUND, "%s is empty: there is no instance", dir);
	if (rc == E_OK)
		rc = fs_join(path, dir, "scepauth.conf", em);
	if (rc != E_OK)
		return rc;
	if (conf_load(path, &ret->conf, &why) != E_OK) {
		ret->conf = NULL;
		check_add(ret, false, "scepauth.conf",
			  "correct the line; scepauth.conf(5) lists the keys", "%s", why.text);
	} else {
		check_conf(ret);
		check_pki(ret);
		check_login(ret);
	}
	check_files(ret);
	return E_OK;
}

int cmd_check(const struct ctl_command *self, int argc, char **argv)
{
	const char *share_given = NULL, *word = NULL;
	const struct opts_spec specs[] = {{"--share", NULL, OPT_TEXT, &share_given, 0, 0}, {0}};
	char dir[FS_PATH_MAX], share[FS_PATH_MAX];
	struct ctl_common common;
	struct errmsg em = {""};
	struct check *c = NULL;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &common, &word, 1, &n);

	if (code >= 0)
		return code;
	rc = fs_absolute(dir, n ? word : common.conf_file, &em);
	if (rc == E_OK && n == 0)
		*strrchr(dir, '/') = '\0'; /* the folder of the configuration is the instance */
	c = rc == E_OK ? calloc(1, sizeof(*c)) : NULL;
	if (rc == E_OK)
		rc = c ? check_instance(dir, dir,
					ctl_share(share_given, share, NULL) == E_OK ? share : NULL,
					clock_now(), c, &em)
		       : E_NOMEM;
	if (rc == E_OK)
		code = check_report(c, common.json, false) ? EXIT_DONE : EXIT_FAILED;
	else
		code = ctl_fail(rc, &em);
	if (c)
		check_free(c);
	free(c);
	return code;
}
