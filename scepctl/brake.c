/* The mass-change brake of auto_revoke: what it holds back, and letting exactly that through. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/text.h"
#include "core/ipc/brake_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE_PEOPLE = 10, DIGEST_SHOWN = 16, WORDS_MAX = 3, REASON_MAX = 140 };

struct brake {
	struct ctl_common common;
	bool all, dry_run;
	const char *list; /* beginning of the digest that was looked at */
	char run_dir[PATH_MAX];
	const char *source; /* of the configuration */
	struct brake_held held;
	struct brake_release release; /* digest "": none waits */
};

static const char *const ops[] = {"remove", "suspend", "update"};

/* In words of who has to decide. */
static const char *why_text(const char *why)
{
	if (strcmp(why, "count") == 0)
		return "more people than leavers.brake-count";
	if (strcmp(why, "percent") == 0)
		return "more of all people than leavers.brake-percent";
	if (strcmp(why, "shrunk") == 0)
		return "the source lists less than half as many people as before";
	return "";
}

static struct json *people_json(const struct brake_row *rows, size_t n)
{
	struct json *list = json_array(), *row;
	char text[LOGIN_SIZE + ID_SIZE];

	for (size_t i = 0; i < n; i++) {
		row = json_object();
		(void)snprintf(text, sizeof(text), "%.*s", rows[i].n_op, rows[i].op);
		json_set_str(row, "step", text);
		(void)snprintf(text, sizeof(text), "%.*s", rows[i].n_login, rows[i].login);
		json_set_str(row, "login", text);
		json_push(list, row);
	}
	return list;
}

static struct json *held_json(const struct brake *b)
{
	struct brake_row rows[SAMPLE_PEOPLE];
	const struct brake_held *h = &b->held;
	struct json *j = json_object();
	bool engaged = h->plan != NULL;

	json_set_bool(j, "engaged", engaged);
	json_set_str(j, "source", b->source);
	if (!engaged)
		return j;
	json_set_str(j, "since", h->since);
	json_set_str(j, "why", h->why);
	json_set_str(j, "list", h->digest);
	json_set_int(j, "affected", (int64_t)h->affected);
	json_set_int(j, "known", (int64_t)h->known);
	json_set_int(j, "listed", (int64_t)h->listed);
	json_set_int(j, "before", (int64_t)h->before);
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
		json_set_int(j, ops[i], (int64_t)brake_count(h->plan, ops[i]));
	json_set(j, "sample", people_json(rows, brake_sample(h->plan, SAMPLE_PEOPLE, rows)));
	json_set_bool(j, "released", strcmp(b->release.digest, h->digest) == 0);
	return j;
}

static void held_print(const struct brake *b)
{
	struct brake_row rows[SAMPLE_PEOPLE];
	const struct brake_held *h = &b->held;
	size_t n = brake_sample(h->plan, SAMPLE_PEOPLE, rows);

	printf("%s: the brake holds since %s: %s\n", b->source, h->since, why_text(h->why));
	printf("%-9s %zu of %zu people would lose access: remove %zu, suspend %zu, groups or date "
	       "%zu\n",
	       "people", h->affected, h->known, brake_count(h->plan, ops[0]),
	       brake_count(h->plan, ops[1]), brake_count(h->plan, ops[2]));
	printf("%-9s %zu people listed now, %zu in the last read that was applied\n", "source",
	       h->listed, h->before);
	printf("%-9s %.*s\n", "list", DIGEST_SHOWN, h->digest);
	if (strcmp(b->release.digest, h->digest) == 0)
		printf("%-9s by %s%s%s; applied with the next look of auto_revoke\n", "released",
		       b->release.by, b->release.reason[0] != '\0' ? ": " : "", b->release.reason);
	if (b->all) {
		printf("%s", h->plan);
		return;
	}
	for (size_t i = 0; i < n; i++)
		printf("  %.*s %.*s\n", rows[i].n_op, rows[i].op, rows[i].n_login, rows[i].login);
	if (h->affected > n)
		printf("  and %zu more: --all\n", h->affected - n);
}

/* For monitoring: 1 when somebody must look. */
static int show(const struct brake *b)
{
	bool engaged = b->held.plan != NULL;

	if (b->common.json)
		(void)ctl_print_json(held_json(b));
	else if (engaged)
		held_print(b);
	else
		printf("%s: the brake is not engaged\n", b->source);
	return engaged ? EXIT_FAILED : EXIT_DONE;
}

static int judge(const struct brake *b, const char *source, struct errmsg *em)
{
	const struct brake_held *h = &b->held;

	if (strcmp(source, b->source) != 0)
		return err_set(em, E_FORMAT,
			       "this instance follows the source \"%.60s\", not \"%.60s\"",
			       b->source, source);
	if (h->plan == NULL)
		return err_set(em, E_NOTFOUND, "%.60s: the brake is not engaged", b->source);
	if (h->source[0] != '\0' && strcmp(h->source, b->source) != 0)
		return err_set(em, E_STATE,
			       "what is held back is of the source \"%.60s\": is auto_revoke "
			       "running with this configuration?",
			       h->source);
	if (b->list != NULL &&
	    (strlen(b->list) < 8 || strncmp(b->list, h->digest, strlen(b->list)) != 0))
		return err_set(em, E_STATE,
			       "the list is another one by now (%.*s); look at it again: scepctl "
			       "brake show",
			       DIGEST_SHOWN, h->digest);
	return E_OK;
}

static int release(struct brake *b, const char *source, const char *reason)
{
	struct errmsg em = {""};
	struct json *j;
	int rc = judge(b, source, &em);

	if (rc == E_OK && !text_is_plain(reason, REASON_MAX))
		rc = err_set(&em, E_FORMAT, "a reason is 1 to %d bytes without control characters",
			     REASON_MAX);
	if (rc == E_OK) {
		memcpy(b->release.digest, b->held.digest, sizeof(b->release.digest));
		brake_who(b->release.by, sizeof(b->release.by));
		(void)snprintf(b->release.reason, sizeof(b->release.reason), "%s", reason);
	}
	if (rc == E_OK && !b->dry_run)
		rc = brake_approve(b->run_dir, &b->release, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (b->common.json) {
		j = held_json(b);
		json_set_bool(j, "released", !b->dry_run);
		json_set_str(j, "by", b->release.by);
		json_set_str(j, "reason", b->release.reason);
		return ctl_print_json(j);
	}
	printf("%s", b->held.plan);
	printf("# %s by %s: %zu of %zu people lose access%s\n",
	       b->dry_run ? "would be released" : "released", b->release.by, b->held.affected,
	       b->held.known,
	       b->dry_run ? ""
			  : " with the next look of auto_revoke, unless the source changes first");
	return EXIT_DONE;
}

static int files_read(struct brake *b, const struct conf *conf, struct errmsg *em)
{
	int n = snprintf(b->run_dir, sizeof(b->run_dir), "%s/run", conf_dir(conf)), rc;

	if (n <= 0 || (size_t)n >= sizeof(b->run_dir))
		return err_set(em, E_CONFIG, "the path of the instance is too long");
	b->source = conf_str(conf, "leavers", NULL, "source");
	rc = brake_read(b->run_dir, &b->held, em);
	if (rc == E_OK)
		rc = brake_approval(b->run_dir, &b->release, em);
	return rc == E_NOTFOUND ? E_OK : rc;
}

int cmd_brake(const struct ctl_command *self, int argc, char **argv)
{
	struct brake b = {.all = false};
	const struct opts_spec specs[] = {
		{"--all", NULL, OPT_FLAG, &b.all, 0, 0},
		{"--dry-run", NULL, OPT_FLAG, &b.dry_run, 0, 0},
		{"--list", NULL, OPT_TEXT, &b.list, 0, 0},
		{NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	const char *words[WORDS_MAX];
	struct conf *conf = NULL;
	struct errmsg em = {""};
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, specs, &b.common, words, WORDS_MAX, &n);

	if (code >= 0)
		return code;
	if (n == 0 || !((strcmp(words[0], "show") == 0 && n == 1 && !b.dry_run && !b.list) ||
			(strcmp(words[0], "release") == 0 && n == 3 && !b.all)))
		return ctl_usage(self, "say show, or release SOURCE REASON");
	rc = conf_load(b.common.conf_file, &conf, &em);
	if (rc == E_OK)
		rc = files_read(&b, conf, &em);
	if (rc != E_OK)
		code = ctl_fail(rc, &em);
	else
		code = n == 1 ? show(&b) : release(&b, words[1], words[2]);
	brake_free(&b.held);
	conf_free(conf);
	return code;
}
