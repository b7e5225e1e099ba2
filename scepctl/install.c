#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/pki/pki_file.h"
#include "scepctl/fs.h"
#include "scepctl/install.h"

/* Those that write events of their own. Helpdesk people are added one by one. */
static const char *const actors[] = {"installer",   "front",  "ca",         "portal",
				     "auto_revoke", "radius", "disconnect", "gc"};

static int with_functions(struct store *s, const char *share,
			  int (*fn)(struct store *s, struct bytes lua, struct errmsg *em),
			  struct errmsg *em)
{
	char path[FS_PATH_MAX];
	struct buf lua = {0};
	int rc = fs_join(path, share, "redis/scepauth.lua", em);

	if (rc == E_OK)
		rc = pki_file_read(path, false, &lua, em);
	if (rc == E_OK)
		rc = fn(s, buf_bytes(&lua), em);
	buf_free(&lua);
	return rc;
}

int install_functions(struct store *s, const char *share, struct errmsg *em)
{
	return with_functions(s, share, store_load, em);
}

int install_all(struct store *s, const struct conf *conf, const char *share,
		struct policy_changes *done, struct errmsg *em)
{
	int rc = with_functions(s, share, store_install, em);

	for (size_t i = 0; rc == E_OK && i < sizeof(actors) / sizeof(actors[0]); i++)
		rc = store_actor_put(s, actors[i], "program", em);
	return rc == E_OK ? policy_load(s, conf, done, em) : rc;
}

int cmd_install(const struct ctl_command *self, int argc, char **argv)
{
	const char *share_given = NULL;
	const struct opts_spec specs[] = {{"--share", NULL, OPT_TEXT, &share_given, 0, 0}, {0}};
	struct policy_changes done = {0};
	char share[FS_PATH_MAX];
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = ctl_share(share_given, share, &em);
	if (rc == E_OK)
		rc = ctl_open(&common, "installer", &conf, &s, &em);
	if (rc == E_OK)
		rc = install_all(s, conf, share, &done, &em);
	/* For certificates of before whose key it was is not noted. */
	if (rc == E_OK)
		rc = store_key_owners(s, &em);
	code = rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
	if (rc == E_OK && !common.json)
		printf("Functions, %zu actors and the groups are in Redis.\n",
		       sizeof(actors) / sizeof(actors[0]));
	if (rc == E_OK)
		code = policy_report(&done, common.json);
	store_close(s);
	conf_free(conf);
	return code;
}
