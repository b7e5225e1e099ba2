/* scepctl policy: versions of the group map, loaded beside the one in force. */
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/store_policy.h"
#include "core/store/store_shadow.h"
#include "scepctl/ctl.h"
#include "scepctl/policy.h"
#include "scepctl/policy_diff.h"
#include "scepctl/policy_shadow.h"

struct job {
	struct ctl_common common;
	struct conf *conf;
	struct store *s;
	const char *what; /* file or version, "" when there is none */
	int code;         /* exit code, when it went well */
};

static int version_of(const char *text, int64_t *ret, struct errmsg *em)
{
	if (text_int64(text, ret) == E_OK && *ret > 0)
		return E_OK;
	return err_set(em, E_FORMAT, "\"%.40s\" is not the number of a version", text);
}

static int say(const struct job *job, const char *word, int64_t version)
{
	struct json *j;

	if (!job->common.json) {
		printf("version %lld %s\n", (long long)version, word);
		return EXIT_DONE;
	}
	j = json_object();
	json_set_int(j, "version", version);
	return ctl_print_json(j);
}

/* --- the verbs: E_OK with job->code, or an error ---------------------------------------------------- */

static int done(struct job *job, int code)
{
	job->code = code;
	return E_OK;
}

static int load_now(struct job *job, struct errmsg *em)
{
	struct policy_changes changes = {0};
	int rc = policy_load(job->s, job->conf, &changes, em);

	return rc == E_OK ? done(job, policy_report(&changes, job->common.json)) : rc;
}

static int load_beside(struct job *job, struct errmsg *em)
{
	struct group *groups = NULL;
	struct conf *conf = NULL;
	char note[STORE_NOTE_SIZE];
	int64_t version = 0;
	size_t n = 0;
	int rc = conf_load(job->what, &conf, em);

	if (rc == E_OK)
		rc = policy_read(conf, &groups, &n, em);
	snprintf(note, sizeof(note), "%.140s", job->what);
	if (rc == E_OK)
		rc = store_policy_put(job->s, groups, n, note, &version, em);
	free(groups);
	conf_free(conf);
	return rc == E_OK ? done(job, say(job, "is loaded, and not in force", version)) : rc;
}

static int load(struct job *job, struct errmsg *em)
{
	return *job->what ? load_beside(job, em) : load_now(job, em);
}

static int list(struct job *job, struct errmsg *em)
{
	struct group *groups = NULL;
	size_t n = 0;
	int rc = store_groups(job->s, &groups, &n, em);

	if (rc == E_OK)
		(void)done(job, policy_print(groups, n, job->common.json));
	free(groups);
	return rc;
}

static int show(struct job *job, struct errmsg *em)
{
	struct group *groups = NULL;
	int64_t version = 0;
	size_t n = 0;
	int rc = version_of(job->what, &version, em);

	if (rc == E_OK)
		rc = store_policy_groups(job->s, version, &groups, &n, em);
	if (rc == E_OK)
		(void)done(job, policy_print(groups, n, job->common.json));
	free(groups);
	return rc;
}

static int diff(struct job *job, struct errmsg *em)
{
	struct group *groups = NULL;
	int64_t version = 0;
	size_t n = 0;
	int rc = version_of(job->what, &version, em);

	if (rc == E_OK)
		rc = store_policy_groups(job->s, version, &groups, &n, em);
	if (rc == E_OK)
		rc = policy_diff(job->s, groups, n, job->common.json, &job->code, em);
	free(groups);
	return rc;
}

static const char *standing(const struct store_policies *all, const struct store_policy *p)
{
	if (p->version == all->active)
		return "in force";
	if (p->version == all->shadow)
		return "in shadow";
	if (p->groups == 0)
		return "not complete";
	return p->version == all->before ? "in force before" : "loaded";
}

static int versions(struct job *job, struct errmsg *em)
{
	struct store_policies all;
	struct json *j, *rows;
	int rc = store_policies(job->s, &all, em);

	if (rc != E_OK)
		return rc;
	rows = json_array();
	for (size_t i = 0; i < all.n; i++) {
		const struct store_policy *p = &all.list[i];
		struct json *row = json_object();
		char at[24];

		clock_iso(at, sizeof(at), p->time);
		if (!job->common.json)
			printf("%-6lld %-15s %s by %s, %lld groups  %s\n", (long long)p->version,
			       standing(&all, p), at, p->by, (long long)p->groups, p->note);
		json_set_int(row, "version", p->version);
		json_set_str(row, "state", standing(&all, p));
		json_set_str(row, "time", at);
		json_set_str(row, "by", p->by);
		json_set_int(row, "groups", p->groups);
		json_set_str(row, "note", p->note);
		json_push(rows, row);
	}
	j = json_object();
	json_set_int(j, "active", all.active);
	json_set_int(j, "before", all.before);
	json_set_int(j, "shadow", all.shadow);
	json_set(j, "versions", rows);
	if (job->common.json)
		return done(job, ctl_print_json(j));
	printf("in force: version %lld\n", (long long)all.active);
	json_free(j);
	return done(job, EXIT_DONE);
}

static int activate(struct job *job, struct errmsg *em)
{
	int64_t version = 0;
	int rc = version_of(job->what, &version, em);

	if (rc == E_OK)
		rc = store_policy_activate(job->s, version, em);
	return rc == E_OK ? done(job, say(job, "is in force", version)) : rc;
}

static int rollback(struct job *job, struct errmsg *em)
{
	int64_t version = 0;
	int rc = store_policy_rollback(job->s, &version, em);

	return rc == E_OK ? done(job, say(job, "is in force again", version)) : rc;
}

static int shadow(struct job *job, struct errmsg *em)
{
	int64_t version = 0;
	int rc = E_OK;

	if (!*job->what)
		return policy_shadow_report(job->s, job->common.json, &job->code, em);
	if (strcmp(job->what, "off") != 0)
		rc = version_of(job->what, &version, em);
	if (rc == E_OK)
		rc = store_shadow_set(job->s, version, em);
	if (rc != E_OK)
		return rc;
	if (version || job->common.json)
		return done(job, say(job, "is in shadow, and not in force", version));
	printf("no version is in shadow\n");
	return done(job, EXIT_DONE);
}

/* --- the command --------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	size_t min, max; /* arguments after it */
	int (*run)(struct job *job, struct errmsg *em);
} verbs[] = {
	{"load", 0, 1, load},         {"list", 0, 0, list},     {"versions", 0, 0, versions},
	{"show", 1, 1, show},         {"diff", 1, 1, diff},     {"activate", 1, 1, activate},
	{"rollback", 0, 0, rollback}, {"shadow", 0, 1, shadow},
};

static const struct verb *find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0 && n >= verbs[i].min && n <= verbs[i].max)
			return &verbs[i];
	return NULL;
}

int cmd_policy(const struct ctl_command *self, int argc, char **argv)
{
	struct job job = {.what = ""};
	const char *rest[2] = {"", ""};
	const struct verb *verb;
	struct errmsg em = {""};
	size_t n = 0;
	int rc, code = ctl_parse(self, argc, argv, NULL, &job.common, rest, 2, &n);

	if (code >= 0)
		return code;
	verb = n > 0 ? find(rest[0], n - 1) : NULL;
	if (!verb)
		return ctl_usage(
			self, "say load [FILE], list, versions, show VERSION, diff VERSION, shadow "
			      "[VERSION|off], activate VERSION or rollback");
	if (n > 1)
		job.what = rest[1];
	rc = ctl_open(&job.common, "installer", &job.conf, &job.s, &em);
	if (rc == E_OK)
		rc = verb->run(&job, &em);
	code = rc == E_OK ? job.code : ctl_fail(rc, &em);
	store_close(job.s);
	conf_free(job.conf);
	return code;
}
