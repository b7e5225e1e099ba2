/* How the directory is that auto_revoke follows, from the file that it leaves in the run folder. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/ldap/dirstate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STATE_MAX = SOURCE_TEXT_MAX };

static int state_read(const char *dir, const char *name, struct json **ret, struct errmsg *em)
{
	char path[4096], text[STATE_MAX];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (f == NULL)
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%.250s: %s%s", path,
			       strerror(errno),
			       errno == ENOENT
				       ? "; has auto_revoke run with leavers.format ldap or scim?"
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
	printf("%-14s %lld s since %s\n", "lag", (long long)lag,
	       strcmp(json_get_str(j, "mode"), "push") == 0 ? "auto_revoke looked"
							    : "the server last spoke");
	show_time(j, "last_full", "full read");
	show_time(j, "last_change", "last change");
	show_time(j, "cookie_from", "cookie");
}

/* What the SCIM server says of those who push: its own process, its own file. */
static void pushed_add(const struct conf *c, struct json *j)
{
	static const char *const keys[] = {"started",  "last_request", "last_refused",
					   "requests", "refused",      "untaken_at"};
	struct json *server = NULL, *tokens;
	const struct json_node *v, *used = NULL;
	const char *key;
	struct errmsg none;
	void *at = NULL;

	if (state_read(conf_path(c, "scim", NULL, "data"), "state.json", &server, &none) != E_OK)
		return;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_set_int(j, keys[i], json_get_int(server, keys[i], 0));
	json_set_str(j, "untaken",
		     json_get_str(server, "untaken") != NULL ? json_get_str(server, "untaken")
							     : "");
	while (json_node_each(json_root(server), &at, &key, &v))
		if (strcmp(key, "tokens") == 0)
			used = v;
	tokens = json_object();
	for (at = NULL; json_node_each(used, &at, &key, &v);)
		json_set_int(tokens, key, json_node_int(v));
	json_set(j, "tokens", tokens);
	json_free(server);
}

static void show_pushed(const struct json *j)
{
	const struct json_node *v, *tokens = NULL;
	const char *key;
	char when[24];
	void *at = NULL;

	printf("%-14s %lld names belong to somebody who was there before\n", "taken",
	       (long long)json_get_int(j, "taken", 0));
	printf("%-14s %lld names nobody can log in with\n", "unusable",
	       (long long)json_get_int(j, "unusable", 0));
	show_time(j, "last_request", "last request");
	show_time(j, "last_refused", "last refused");
	show_time(j, "untaken_at", "not taken");
	if (json_get_str(j, "untaken") != NULL && json_get_str(j, "untaken")[0] != '\0')
		printf("%-14s %s\n", "", json_get_str(j, "untaken"));
	while (json_node_each(json_root(j), &at, &key, &v))
		if (strcmp(key, "tokens") == 0)
			tokens = v;
	for (at = NULL; json_node_each(tokens, &at, &key, &v);) {
		clock_iso(when, sizeof(when), json_node_int(v));
		printf("%-14s %s, %s %s\n", "token", key,
		       json_node_int(v) > 0 ? "last used" : "not used since the server started",
		       json_node_int(v) > 0 ? when : "");
	}
}

/* A provider that has nothing to say still asks now and then. */
static bool pushed_silent(const struct conf *c, const struct json *j)
{
	int64_t limit = source_silent_after("scim", conf_int(c, "leavers", NULL, "silent-after"), 0,
					    conf_int(c, "scim", NULL, "silent")),
		last = json_get_int(j, "last_request", 0);

	if (last == 0)
		last = json_get_int(j, "started", 0);
	return limit > 0 && clock_now() - last > limit;
}

int cmd_sources(const struct ctl_command *self, int argc, char **argv)
{
	struct ctl_common common;
	struct conf *conf = NULL;
	struct json *j = NULL;
	struct errmsg em = {""};
	struct source source;
	const char *state;
	int64_t lag;
	bool push;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = conf_load(common.conf_file, &conf, &em);
	if (rc == E_OK)
		rc = state_read(conf_dir(conf), SOURCE_FILE, &j, &em);
	if (rc != E_OK) {
		conf_free(conf);
		return ctl_fail(rc, &em);
	}
	lag = clock_now() - json_get_int(j, "last_checked", 0);
	push = strcmp(json_get_str(j, "mode") != NULL ? json_get_str(j, "mode") : "", "push") == 0;
	if (push)
		pushed_add(conf, j);
	state = json_get_str(j, "state");
	if (dirstate_read(j, &source) != E_OK ||
	    source_silent(&source, conf_int(conf, "ldap", NULL, "poll"), clock_now()))
		state = "silent";
	if (push && state != NULL && strcmp(state, "good") == 0 && pushed_silent(conf, j))
		state = "silent";
	if (push && state != NULL && strcmp(state, "good") == 0 &&
	    json_get_str(j, "untaken") != NULL && json_get_str(j, "untaken")[0] != '\0')
		state = "stale";
	code = state != NULL && strcmp(state, "good") == 0 ? EXIT_DONE : EXIT_FAILED;
	if (common.json) {
		json_set_str(j, "state", state);
		json_set_int(j, "lag", lag);
		ctl_print_json(j);
	} else {
		show(j, state, lag);
		if (push)
			show_pushed(j);
		json_free(j);
	}
	conf_free(conf);
	return code;
}
