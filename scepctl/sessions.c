#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/store/store_session.h"

static void set_text(struct json *j, const char *key, const char *value)
{
	if (*value)
		json_set_str(j, key, value);
}

static struct json *as_json(const struct nas_session *x)
{
	struct json *j = json_object();

	json_set_str(j, "token", x->token);
	json_set_str(j, "serial", x->serial);
	json_set_int(j, "opened", x->opened);
	json_set_int(j, "seen", x->seen);
	json_set_int(j, "ends", x->ends);
	set_text(j, "mac", x->mac);
	set_text(j, "nas", x->nas);
	set_text(j, "nas_id", x->nas_id);
	set_text(j, "nas_ip", x->nas_ip);
	set_text(j, "nas_port", x->nas_port);
	set_text(j, "nas_port_id", x->nas_port_id);
	set_text(j, "called", x->called);
	set_text(j, "acct", x->acct);
	set_text(j, "login", x->login);
	return j;
}

static int print_json(const struct nas_session *list, size_t n)
{
	struct json *j = json_object(), *rows = json_array();

	for (size_t i = 0; i < n; i++)
		json_push(rows, as_json(&list[i]));
	json_set(j, "sessions", rows);
	return ctl_print_json(j);
}

static int print_table(const char *who, const struct nas_session *list, size_t n)
{
	char since[24], seen[24];

	if (n == 0) {
		printf("%s has no session\n", who);
		return EXIT_DONE;
	}
	printf("%-20s  %-20s  %-18s  %-20s  %s\n", "since", "last heard of", "device",
	       "access point", "certificate");
	for (size_t i = 0; i < n; i++) {
		const struct nas_session *x = &list[i];

		clock_iso(since, sizeof(since), x->opened);
		clock_iso(seen, sizeof(seen), x->seen);
		printf("%-20s  %-20s  %-18s  %-20s  %s\n", since, seen, *x->mac ? x->mac : "-",
		       *x->nas_id ? x->nas_id : x->nas, x->serial);
	}
	return EXIT_DONE;
}

int cmd_sessions(const struct ctl_command *self, int argc, char **argv)
{
	struct nas_session *list = NULL;
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	const char *who = NULL;
	size_t n, n_sessions = 0;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, &who, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1)
		return ctl_usage(self, "name a login");
	rc = ctl_open(&common, "auto_revoke", &conf, &s, &em);
	if (rc == E_OK)
		rc = store_sessions(s, who, &list, &n_sessions, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else
		code = common.json ? print_json(list, n_sessions)
				   : print_table(who, list, n_sessions);
	free(list);
	store_close(s);
	conf_free(conf);
	return code;
}
