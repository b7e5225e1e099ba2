#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/store/store_disconnect.h"

static void set_text(struct json *j, const char *key, const char *value)
{
	if (*value)
		json_set_str(j, key, value);
}

static struct json *as_json(const struct receipt *r)
{
	struct json *j = json_object();

	json_set_int(j, "time", r->time);
	json_set_str(j, "action", r->move ? "move" : "disconnect");
	json_set_str(j, "result", r->result);
	json_set_str(j, "reason", r->why);
	set_text(j, "detail", r->detail);
	json_set_int(j, "cause", r->cause);
	json_set_int(j, "ends", r->session.ends);
	json_set_int(j, "tries", r->tries);
	json_set_int(j, "ms", r->ms);
	json_set_str(j, "token", r->session.token);
	set_text(j, "serial", r->session.serial);
	set_text(j, "user", r->session.user);
	set_text(j, "login", r->session.login);
	set_text(j, "mac", r->session.mac);
	set_text(j, "nas", r->session.nas);
	set_text(j, "vlan", r->vlan);
	return j;
}

static int print_json(const struct receipt *list, size_t n)
{
	struct json *j = json_object(), *rows = json_array();

	for (size_t i = 0; i < n; i++)
		json_push(rows, as_json(&list[i]));
	json_set(j, "receipts", rows);
	return ctl_print_json(j);
}

static bool is_over(const struct receipt *r)
{
	return strcmp(r->result, "ended") == 0 || strcmp(r->result, "gone") == 0 ||
	       strcmp(r->result, "moved") == 0;
}

static int print_table(const char *who, const struct receipt *list, size_t n)
{
	char when[24], ends[24];

	if (n == 0) {
		printf("no session of %s was to end\n", who);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < n; i++) {
		const struct receipt *r = &list[i];

		clock_iso(when, sizeof(when), r->time);
		printf("%s  %s at %s, %s (%s): %s", when, *r->session.mac ? r->session.mac : "-",
		       *r->session.nas ? r->session.nas : "-", r->result, r->why, r->detail);
		if (r->cause != 0)
			printf(" [Error-Cause %lld]", (long long)r->cause);
		if (!is_over(r)) {
			clock_iso(ends, sizeof(ends), r->session.ends);
			printf("; on until %s at the latest", ends);
		}
		printf("\n");
	}
	return EXIT_DONE;
}

int cmd_receipts(const struct ctl_command *self, int argc, char **argv)
{
	struct receipt *list = NULL;
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	const char *who = NULL;
	size_t n, n_receipts = 0;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, &who, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1)
		return ctl_usage(self, "name a login, a serial or a device's address");
	rc = ctl_open(&common, "disconnect", &conf, &s, &em);
	if (rc == E_OK)
		rc = store_receipts(s, who, &list, &n_receipts, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else
		code = common.json ? print_json(list, n_receipts)
				   : print_table(who, list, n_receipts);
	free(list);
	store_close(s);
	conf_free(conf);
	return code;
}
