#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/store/store_facts.h"
#include "core/store/store_gc.h"

#include <inttypes.h>
#include <unistd.h>

#define DAY 86400

static void show_progress(const char *cursor, const struct store_gone *g)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr,
			"\rstep %c of 3: %" PRId64 " certificates, %" PRId64 " revocations ...",
			cursor[0], g->certs, g->revocations);
}

static int run(struct store *s, int64_t keep, bool dry, struct store_gone *g, struct errmsg *em)
{
	char cursor[STORE_CURSOR_SIZE] = STORE_GC_BEGIN;
	int rc = E_OK;

	while (rc == E_OK && strcmp(cursor, "0") != 0) {
		show_progress(cursor, g);
		rc = store_gc(s, keep, dry, cursor, g, em);
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	return rc;
}

static int tell(const struct store_gone *g, bool dry, bool json)
{
	struct json *j;

	if (json) {
		j = json_object();
		json_set_bool(j, "removed", !dry);
		json_set_int(j, "certificates", g->certs);
		json_set_int(j, "revocations", g->revocations);
		json_set_int(j, "devices", g->devices);
		json_set_int(j, "entries", g->entries);
		json_set_int(j, "events", g->events);
		return ctl_print_json(j);
	}
	printf("%s: %" PRId64 " certificates, %" PRId64 " revocations, %" PRId64
	       " devices, %" PRId64 " entries of indexes",
	       dry ? "would be removed" : "removed", g->certs, g->revocations, g->devices,
	       g->entries);
	if (!dry)
		printf(", %" PRId64 " events", g->events);
	putchar('\n');
	return EXIT_DONE;
}

int cmd_gc(const struct ctl_command *self, int argc, char **argv)
{
	struct store_gone gone = {0};
	bool dry = false;
	const struct opts_spec specs[] = {{"--dry-run", NULL, OPT_FLAG, &dry, 0, 0}, {0}};
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &common, NULL, 0, &n);

	if (code >= 0)
		return code;
	rc = ctl_open(&common, "gc", &conf, &s, &em);
	if (rc == E_OK)
		rc = run(s, (int64_t)conf_int(conf, "redis", NULL, "keep") * DAY, dry, &gone, &em);
	code = rc == E_OK ? tell(&gone, dry, common.json) : ctl_fail(rc, &em);
	store_close(s);
	conf_free(conf);
	return code;
}
