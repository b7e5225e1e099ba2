/* How the directory is that auto_revoke follows, from the file that it leaves in the run folder. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STATE_MAX = 65536, SILENT_S = 120 };

static int state_read(const struct conf *c, struct json **ret, struct errmsg *em)
{
	char path[4096], text[STATE_MAX];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/run/auto_revoke.sources.json", conf_dir(c));
	f = fopen(path, "re");
	if (f == NULL)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%.250s: %s%s", path,
			       strerror(errno),
			       errno == ENOENT ? "; has auto_revoke run with leavers.format ldap?"
					       : "");
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	return json_parse(text, n, ret, em);
}

static void show_time(const struct json *j, const char *key, const char *what)
{
	int64_t t = json_get_int(j, key, 0);
	char when[24] = "";

	if (t > 0)
		clock_iso(when, sizeof(when), t);
	if (t > 0)
		printf("%-14s %s, %lld s ago\n", what, when, (long long)(clock_now() - t));
	else
		printf("%-14s %s\n", what, "not since auto_revoke started");
}

static void show(const struct json *j, const char *state, int64_t lag)
{
	const char *detail = json_get_str(j, "detail");

	printf("%-14s %s, %s\n", "source", json_get_str(j, "source"), json_get_str(j, "mode"));
	printf("%-14s %s %s\n", "server", json_get_str(j, "server"), json_get_str(j, "base"));
	printf("%-14s %s%s%s\n", "state", state, detail != NULL && *detail != '\0' ? ": " : "",
	       detail != NULL ? detail : "");
	printf("%-14s %lld, groups %lld\n", "people", (long long)json_get_int(j, "people", 0),
	       (long long)json_get_int(j, "groups", 0));
	printf("%-14s %lld s since the server last spoke\n", "lag", (long long)lag);
	show_time(j, "last_full", "full read");
	show_time(j, "last_change", "last change");
	show_time(j, "cookie_from", "cookie");
}

int cmd_sources(const struct ctl_command *self, int argc, char **argv)
{
	struct ctl_common common;
	struct conf *conf = NULL;
	struct json *j = NULL;
	struct errmsg em = {""};
	const char *state;
	int64_t lag;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = conf_load(common.conf_file, &conf, &em);
	if (rc == E_OK)
		rc = state_read(conf, &j, &em);
	if (rc != E_OK) {
		conf_free(conf);
		return ctl_fail(rc, &em);
	}
	lag = clock_now() - json_get_int(j, "last_checked", 0);
	state = json_get_str(j, "state");
	/* Whoever stopped writing says "good" for ever. */
	if (state == NULL || (strcmp(state, "good") == 0 &&
			      lag > SILENT_S + (strcmp(json_get_str(j, "mode"), "poll") == 0
							? 2 * conf_int(conf, "ldap", NULL, "poll")
							: 0)))
		state = "silent";
	code = strcmp(state, "good") == 0 ? EXIT_DONE : EXIT_FAILED;
	if (common.json) {
		json_set_str(j, "state", state);
		json_set_int(j, "lag", lag);
		ctl_print_json(j);
	} else {
		show(j, state, lag);
		json_free(j);
	}
	conf_free(conf);
	return code;
}
