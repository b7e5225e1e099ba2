#include "scepctl/ctl.h"

#include "core/base/args.h"

enum { WHY_MAX = 262144 };

static int print_lines(const char *text, bool json)
{
	struct json *j, *lines;

	if (!json) {
		printf("%s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
		return EXIT_DONE;
	}
	j = json_object();
	lines = json_array();
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = strndup(text, n);

		json_push_str(lines, line ? line : "");
		free(line);
		text += n + (text[n] == '\n');
	}
	json_set(j, "why", lines);
	return ctl_print_json(j);
}

int cmd_why(const struct ctl_command *self, int argc, char **argv)
{
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	const char *word = NULL;
	struct buf text = {0};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, NULL, &common, &word, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1)
		return ctl_usage(self, "name a login, a serial number or a MAC address");
	buf_init(&text, WHY_MAX);
	rc = ctl_open(&common, "auto_revoke", &conf, &s,
		      &em); /* reads all that helpdesk people read */
	if (rc == E_OK)
		rc = store_why(s, word, &text, &em);
	code = rc == E_OK ? print_lines(buf_str(&text), common.json) : ctl_fail(rc, &em);
	buf_free(&text);
	store_close(s);
	conf_free(conf);
	return code;
}
