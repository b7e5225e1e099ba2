#include "scepctl/ctl.h"

#include "core/audit/journal.h"
#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/base/version.h"
#include "scepctl/checkpoint_key.h"
#include "scepctl/fs.h"
#include "scepctl/journal_check.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A writer at work leaves half a record for a moment; a crash leaves it for good. */
enum { LOOKS = 5, LOOK_PAUSE_MS = 100 };

struct look {
	uint64_t from;
	bool json;
};

/* Values are text, but for the certificate. */
static bool is_text(struct bytes v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e)
			return false;
	return true;
}

static int print_text(const struct journal_record *r)
{
	char when[24];

	clock_iso(when, sizeof(when), r->time);
	printf("%" PRIu64 " %s %s", r->seq, when, journal_type_text(r->type));
	for (size_t i = 0; i < r->n; i++) {
		struct bytes v = r->fields[i].value;

		if (is_text(v))
			printf(" %s=%.*s", r->fields[i].name, (int)v.n, (const char *)v.p);
		else
			printf(" %s=(%zu bytes)", r->fields[i].name, v.n);
	}
	return putchar('\n') == '\n' ? 0 : E_IO;
}

static void set_value(struct json *j, const struct journal_field *f)
{
	struct buf text = {0};

	buf_init(&text, 2 * (size_t)JOURNAL_RECORD_MAX);
	if (is_text(f->value) && strcmp(f->name, "der") != 0)
		buf_add_bytes(&text, f->value);
	else
		text_base64(&text, f->value);
	json_set_str(j, f->name, buf_str(&text));
	buf_free(&text);
}

static int print_json(const struct journal_record *r)
{
	struct json *j = json_object(), *fields = json_object();
	char hash[DIGEST_HEX_SIZE];

	text_hex(hash, r->hash, DIGEST_SIZE);
	json_set_int(j, "seq", (int64_t)r->seq);
	json_set_int(j, "time", r->time);
	json_set_str(j, "type", journal_type_text(r->type));
	json_set_str(j, "hash", hash);
	for (size_t i = 0; i < r->n; i++)
		set_value(fields, &r->fields[i]);
	json_set(j, "fields", fields);
	return ctl_print_json(j) == EXIT_DONE ? 0 : E_IO;
}

static int print(void *ctx, const struct journal_record *r)
{
	const struct look *l = ctx;

	if (r->seq < l->from)
		return 0;
	return l->json ? print_json(r) : print_text(r);
}

/* Damage is told by the caller, with the error's sentence. */
static int tell(const struct journal_check *c, bool json, int rc, const struct errmsg *em)
{
	const struct journal_report *rep = &c->found;
	char head[DIGEST_HEX_SIZE], when[24] = "never";
	struct json *j;

	text_hex(head, rep->last.hash, DIGEST_SIZE);
	if (rep->last.seq)
		clock_iso(when, sizeof(when), rep->last.time);
	if (json) {
		j = json_object();
		json_set_bool(j, "good", rc == E_OK && rep->torn == 0);
		json_set_int(j, "records", (int64_t)rep->records);
		json_set_int(j, "files", (int64_t)rep->files);
		json_set_str(j, "head", head);
		json_set_int(j, "time", rep->last.time);
		json_set_str(j, "file", rep->file);
		json_set_int(j, "offset", (int64_t)rep->good);
		json_set_int(j, "torn", (int64_t)rep->torn);
		json_set_int(j, "checkpoints", (int64_t)c->checkpoints);
		json_set_str(j, "damage", rep->damaged || rc == E_DENIED ? em->text : "");
		if (ctl_print_json(j) != EXIT_DONE)
			return EXIT_FAILED;
	} else if (rc == E_OK) {
		printf("%" PRIu64 " records in %" PRIu64 " files, the last of %s\n", rep->records,
		       rep->files, when);
		printf("%" PRIu64 " checkpoints%s%s\nhead %s\n", c->checkpoints,
		       c->key ? "" : ", signatures not asked for (--key)",
		       c->noted ? "; what was noted is there" : "", head);
	}
	if (rc == E_OK && rep->torn)
		fprintf(stderr,
			"scepctl: %s ends in %" PRIu64
			" bytes of a record that was never finished, "
			"after record %" PRIu64 "; scep_ca cuts them when it starts\n",
			rep->file, rep->torn, rep->last.seq);
	if (rc != E_OK)
		return ctl_fail(rc, em);
	return rep->torn ? EXIT_FAILED : EXIT_DONE;
}

static void show_progress(const struct journal_report *now)
{
	fprintf(stderr, "\r%" PRIu64 " records, file %" PRIu64 " ...", now->records, now->files);
}

static int verify(const char *path, struct journal_check *c, bool json)
{
	struct timespec pause = {.tv_nsec = LOOK_PAUSE_MS * 1000000L};
	struct errmsg em = {""};
	int rc = E_OK;

	if (isatty(STDERR_FILENO))
		c->progress = show_progress;
	for (int i = 0; i < LOOKS; i++) {
		rc = journal_check_path(path, c, &em);
		if (rc != E_OK || c->found.torn == 0)
			break;
		(void)nanosleep(&pause, NULL);
	}
	if (c->progress)
		fputs("\r\033[K", stderr);
	return tell(c, json, rc, &em);
}

static int show(const char *path, struct look *l)
{
	struct journal_report rep;
	struct errmsg em = {""};
	int rc = journal_read_path(path, print, l, &rep, &em);

	return rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
}

/* --- the key of the checkpoints ------------------------------------------------------------------- */

/* Made by root, it belongs to whom the folder belongs to. */
static int make_key(const char *path, struct errmsg *em)
{
	char dir[FS_PATH_MAX], *slash;
	struct stat st;
	int rc = text_copy(dir, sizeof(dir), path);

	if (rc == E_OK)
		rc = checkpoint_key_make(path, em);
	slash = strrchr(dir, '/');
	if (rc != E_OK || geteuid() != 0 || !slash)
		return rc;
	*slash = '\0';
	if (stat(dir, &st) != 0 || lchown(path, st.st_uid, st.st_gid) != 0)
		rc = err_set(em, E_IO, "%s: %m", path);
	return rc;
}

static int key(const struct conf *c, bool make, bool json)
{
	char text[NOTE_KEY_SIZE];
	struct errmsg em = {""};
	struct note_key k;
	struct json *j;
	int rc = E_OK;

	if (make)
		rc = make_key(conf_path(c, "scep", NULL, "checkpoint-key"), &em);
	if (rc == E_OK)
		rc = checkpoint_key_load(c, &k, &em);
	if (rc == E_OK)
		rc = note_key_text(&k, text);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!json)
		return puts(text) >= 0 ? EXIT_DONE : EXIT_FAILED;
	j = json_object();
	json_set_str(j, "key", text);
	return ctl_print_json(j);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* For a clock that was ahead when records were written: scep_ca would wait until that time comes. */
static int accept_clock(const char *path)
{
	const struct journal_field f[] = {{"version", bytes_str(SCEPAUTH_VERSION)},
					  {"clock", bytes_str("accepted")}};
	const struct journal_options o = {.path = path};
	const struct journal_entry e = {JOURNAL_OPENED, f, 2};
	struct journal *j = NULL;
	struct errmsg em = {""};
	char now[24];
	int rc = journal_open(&o, NULL, NULL, NULL, &j, &em);

	if (rc == E_EXISTS)
		rc = err_set(&em, rc, "scep_ca is running and owns the journal: stop it first");
	if (rc == E_OK)
		rc = journal_append(j, &e, 1, &em);
	journal_close(j);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	clock_iso(now, sizeof(now), clock_now());
	printf("the journal goes on at %s\n", now);
	return EXIT_DONE;
}

int cmd_journal(const struct ctl_command *self, int argc, char **argv)
{
	static const char *const words[] = {"verify", "show",         "export",
					    "key",    "accept-clock", NULL};
	const char *word = NULL, *dir = NULL, *noted_file = NULL, *vkey = NULL;
	long from = 0;
	bool make = false;
	const struct opts_spec specs[] = {
		{"--from", NULL, OPT_NUMBER, &from, 1, LONG_MAX},
		{"--dir", NULL, OPT_TEXT, &dir, 0, 0},
		{"--make", NULL, OPT_FLAG, &make, 0, 0},
		{"--checkpoint", NULL, OPT_TEXT, &noted_file, 0, 0},
		{"--key", NULL, OPT_TEXT, &vkey, 0, 0},
		{NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	struct ctl_common common;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	struct look l;
	struct journal_check check = {.noted = NULL};
	struct checkpoint noted;
	struct note_key vk;
	size_t n;
	int rc = E_OK, code = ctl_parse(self, argc, argv, specs, &common, &word, 1, &n);

	if (code >= 0)
		return code;
	if (n != 1 || !is_one_of(word, words))
		return ctl_usage(self, "say verify, show, export, key or accept-clock");
	if (make && strcmp(word, "key") != 0)
		return ctl_usage(self, "--make goes with key");
	if (from && strcmp(word, "show") != 0 && strcmp(word, "export") != 0)
		return ctl_usage(self, "--from goes with show and export; verify reads all of it, "
				       "since each record rests on those before it");
	if ((noted_file || vkey) && strcmp(word, "verify") != 0)
		return ctl_usage(self, "--checkpoint and --key go with verify");
	if (vkey && note_key_parse(vkey, &vk) != E_OK)
		return ctl_usage(self, "--key: not a verifier key (scepctl journal key prints it)");
	check.key = vkey ? &vk : NULL;
	if (noted_file) {
		rc = journal_check_note(noted_file, check.key, &noted, &em);
		check.noted = &noted;
	}
	if (rc == E_OK && (!dir || strcmp(word, "key") == 0))
		rc = conf_load(common.conf_file, &conf, &em);
	if (rc != E_OK)
		return ctl_fail(rc, &em);
	if (!dir)
		dir = conf_path(conf, "scep", NULL, "journal");
	l = (struct look){.from = (uint64_t)from,
			  .json = common.json || strcmp(word, "export") == 0};
	code = strcmp(word, "key") == 0            ? key(conf, make, common.json)
	       : strcmp(word, "accept-clock") == 0 ? accept_clock(dir)
	       : strcmp(word, "verify") == 0       ? verify(dir, &check, common.json)
						   : show(dir, &l);
	conf_free(conf);
	return code;
}
