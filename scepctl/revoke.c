/* revoke, suspend, restore: what a person does to another, so it always says as whom. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/store/store_session.h"

struct action {
	const struct ctl_command *self;
	struct ctl_common common;
	const char *source;
	const char *words[3];
	size_t n;
};

static int parse(const struct ctl_command *self, int argc, char **argv, size_t max,
		 struct action *a)
{
	const struct opts_spec specs[] = {{"--source", NULL, OPT_TEXT, &a->source, 0, 0}, {0}};
	int code;

	a->self = self;
	code = ctl_parse(self, argc, argv, specs, &a->common, a->words, max, &a->n);
	if (code < 0 && !a->common.as)
		code = ctl_usage(self, "--as NAME is needed: the record says who did it (scepctl "
				       "helpdesk add NAME makes one)");
	return code;
}

static int finish(const struct action *a, int rc, const struct errmsg *em, const char *what,
		  const char *target, int64_t n)
{
	struct json *j;

	if (rc != E_OK)
		return ctl_fail(rc, em);
	if (a->common.json) {
		j = json_object();
		json_set_str(j, "done", what);
		json_set_str(j, "target", target);
		json_set_str(j, "actor", a->common.as);
		if (n >= 0)
			json_set_int(j, "count", n);
		return ctl_print_json(j);
	}
	if (n >= 0)
		printf("%s: %s (%lld certificates and tickets)\n", target, what, (long long)n);
	else
		printf("%s: %s\n", target, what);
	return EXIT_DONE;
}

int cmd_revoke(const struct ctl_command *self, int argc, char **argv)
{
	struct action a = {0};
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int64_t n = -1;
	bool user;
	int rc, code = parse(self, argc, argv, 3, &a);

	if (code >= 0)
		return code;
	user = a.n > 0 && strcmp(a.words[0], "user") == 0;
	if (a.n != 3 || (!user && strcmp(a.words[0], "cert") != 0))
		return ctl_usage(self, "say cert SERIAL REASON or user LOGIN REASON");
	rc = ctl_open(&a.common, a.common.as, &conf, &s, &em);
	if (rc == E_OK)
		rc = user ? store_revoke_user(s, a.words[1], a.words[2], a.source, &n, &em)
			  : store_revoke_cert(s, a.words[1], a.words[2], &em);
	code = finish(&a, rc, &em, "revoked", a.words[1], n);
	store_close(s);
	conf_free(conf);
	return code;
}

int cmd_suspend(const struct ctl_command *self, int argc, char **argv)
{
	struct action a = {0};
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int rc, code = parse(self, argc, argv, 2, &a);

	if (code >= 0)
		return code;
	if (a.n != 2)
		return ctl_usage(self, "say LOGIN REASON");
	rc = ctl_open(&a.common, a.common.as, &conf, &s, &em);
	if (rc == E_OK)
		rc = store_suspend_user(s, a.words[0], a.words[1], a.source, &em);
	code = finish(&a, rc, &em, "suspended", a.words[0], -1);
	store_close(s);
	conf_free(conf);
	return code;
}

int cmd_restore(const struct ctl_command *self, int argc, char **argv)
{
	struct action a = {0};
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int rc, code = parse(self, argc, argv, 1, &a);

	if (code >= 0)
		return code;
	if (a.n != 1)
		return ctl_usage(self, "say LOGIN");
	rc = ctl_open(&a.common, a.common.as, &conf, &s, &em);
	if (rc == E_OK)
		rc = store_restore_user(s, a.words[0], a.source, &em);
	code = finish(&a, rc, &em, "restored", a.words[0], -1);
	store_close(s);
	conf_free(conf);
	return code;
}

int cmd_forget_mac(const struct ctl_command *self, int argc, char **argv)
{
	struct action a = {0};
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int64_t n = 0;
	int rc, code = parse(self, argc, argv, 2, &a);

	if (code >= 0)
		return code;
	if (a.n != 2 || a.source != NULL)
		return ctl_usage(self, "say LOGIN or SERIAL, and REASON");
	rc = ctl_open(&a.common, a.common.as, &conf, &s, &em);
	if (rc == E_OK)
		rc = store_forget_mac(s, a.words[0], a.words[1], &n, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else if (a.common.json)
		code = finish(&a, rc, &em, "forgotten", a.words[0], n);
	else
		code = printf("%s: %lld addresses forgotten\n", a.words[0], (long long)n) < 0
			       ? EXIT_FAILED
			       : EXIT_DONE;
	store_close(s);
	conf_free(conf);
	return code;
}
