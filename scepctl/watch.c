/* What happens, as it happens: the events of all writers, until somebody ends it. */
#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/store_tail.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Functions cannot wait for an event, so they are asked five times a second: as quick as an eye. */
enum { POLL_MS = 200, BATCH = 200, POSITIONS_MAX = 65536, WANTED_MAX = 16, MINUTES_MAX = 43200 };
#define MS_MAX 253402300800000LL /* year 10000 */

struct watch {
	const char *wanted[WANTED_MAX]; /* an event is shown when each of them is in it */
	size_t n_wanted;
	long count, shown; /* count 0: no end */
	bool json, colour;
};

struct row {
	const char *word, *login, *subject, *reason;
};

/* Who may write a stream may put anything there, and it must not steer the terminal of who looks. */
static void put_clean(const char *s)
{
	size_t n = strlen(s), k;

	for (size_t i = 0; i < n; i += k) {
		k = text_utf8_len(s + i, n - i);
		if (k == 0 || (unsigned char)s[i] < 0x20 || s[i] == 0x7f ||
		    (k == 2 && (unsigned char)s[i] == 0xc2 && (unsigned char)s[i + 1] < 0xa0)) {
			k = k ? k : 1;
			putchar('?');
		} else {
			(void)fwrite(s + i, 1, k, stdout);
		}
	}
}

static const char *field(const struct store_event *e, const char *name)
{
	for (size_t i = 0; i + 1 < e->n_fields; i += 2)
		if (strcmp(e->fields[i], name) == 0)
			return e->fields[i + 1];
	return "";
}

static bool has(const struct store_event *e, const char *wanted)
{
	if (strcmp(e->writer, wanted) == 0)
		return true;
	for (size_t i = 0; i + 1 < e->n_fields; i += 2)
		if (strcmp(e->fields[i + 1], wanted) == 0)
			return true;
	return false;
}

static bool is_shown(const struct watch *w, const struct store_event *e)
{
	for (size_t i = 0; i < w->n_wanted; i++)
		if (!has(e, w->wanted[i]))
			return false;
	return true;
}

/* Stream ids are "<milliseconds>-<n>"; a writer may choose them. */
static int64_t id_seconds(const char *id)
{
	long long ms = strtoll(id, NULL, 10);

	return ms > 0 && ms < MS_MAX ? ms / 1000 : 0;
}

static int show_json(const struct store_event *e)
{
	static const char *const envelope[] = {"time", "event", "actor", "event_id"};
	struct json *j = json_object();
	char when[24], name[72];
	bool taken;

	clock_iso(when, sizeof(when), id_seconds(e->id));
	json_set_str(j, "time", when);
	json_set_str(j, "event", field(e, "event"));
	json_set_str(j, "actor", e->writer);
	json_set_str(j, "event_id", e->id);
	for (size_t i = 0; i + 1 < e->n_fields; i += 2) {
		if (strcmp(e->fields[i], "event") == 0 || strcmp(e->fields[i], "time") == 0)
			continue;
		taken = false;
		for (size_t k = 0; k < sizeof(envelope) / sizeof(envelope[0]); k++)
			taken = taken || strcmp(e->fields[i], envelope[k]) == 0;
		(void)snprintf(name, sizeof(name), "%s%s", taken ? "x_" : "", e->fields[i]);
		json_set_str(j, name, e->fields[i + 1]);
	}
	return ctl_print_json(j);
}

/* Red for what somebody should look at, yellow for who is put out, green for who may go on. */
static const char *colour_of(const char *word)
{
	static const char *const words[][2] = {
		{"ticket_other_key", "31"},   {"session_unwanted", "31"}, {"cert_two_macs", "31"},
		{"session_known_good", "31"}, {"store_created", "31"},    {"cert_revoked", "33"},
		{"user_revoked", "33"},       {"user_suspended", "33"},   {"device_revoked", "33"},
		{"cert_aborted", "33"},       {"cert_issued", "32"},      {"user_restored", "32"},
		{"session_kept", "31"},       {"session_ended", "33"},    {"session_moved", "33"},
		{"brake_engaged", "31"},      {"source_failed", "31"},    {"source_missing", "31"},
		{"source_silent", "31"},      {"events_lost", "31"},      {"events_unread", "31"},
		{"apply_failed", "31"},       {"source_heard", "32"},     {"source_back", "32"},
		{"brake_cleared", "32"},      {"brake_released", "33"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], word) == 0)
			return words[i][1];
	return "0";
}

static const char *first_of(const struct store_event *e, const char *const *names)
{
	for (; *names; names++)
		if (*field(e, *names))
			return field(e, *names);
	return "";
}

/* What somebody who watches would ask next: what the access point said, how many the brake holds back. */
static void show_more(const struct store_event *e)
{
	static const struct {
		const char *field, *before;
	} more[] = {{"result", ": "},     {"mac", ", device "}, {"nas", " at "},
		    {"affected", ", "},   {"known", " of "},    {"by", " people, by "},
		    {"after", " after "}, {"oldest", " since "}};
	bool session = strncmp(field(e, "event"), "session_", 8) == 0;
	bool brake = strncmp(field(e, "event"), "brake_", 6) == 0;

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		bool wanted = i < 3 ? session : i < 6 ? brake : !session && !brake;

		if (!wanted || *field(e, more[i].field) == '\0')
			continue;
		printf("%s", more[i].before);
		put_clean(field(e, more[i].field));
	}
}

static void show_line(const struct watch *w, const struct store_event *e)
{
	static const char *const who[] = {"login", "user", "name", "source", "writer", NULL};
	static const char *const what[] = {"serial", "ticket", "device", "group", "txn", NULL};
	static const char *const why[] = {"reason", "rule", "hold",   "groups",
					  "kind",   "why",  "detail", NULL};
	const char *word = *field(e, "event") ? field(e, "event") : "event_malformed";
	char when[24], start[12] = "";

	clock_iso(when, sizeof(when), id_seconds(e->id));
	if (w->colour)
		(void)snprintf(start, sizeof(start), "\033[%sm", colour_of(word));
	printf("%s  %s", when, start);
	put_clean(word);
	printf("%s%*s  by ", w->colour ? "\033[0m" : "",
	       strlen(word) < 18 ? (int)(18 - strlen(word)) : 0, "");
	put_clean(e->writer);
	for (size_t i = 0; i < 3; i++) {
		const char *v = first_of(e, i == 0 ? who : i == 1 ? what : why);

		if (*v) {
			printf("  ");
			put_clean(v);
		}
	}
	show_more(e);
	putchar('\n');
}

static int on_event(void *ctx, const struct store_event *e)
{
	struct watch *w = ctx;

	if (!is_shown(w, e) || (w->count && w->shown == w->count))
		return E_OK;
	w->shown++;
	if (w->json)
		return show_json(e) == EXIT_DONE ? E_OK : E_IO;
	show_line(w, e);
	return ferror(stdout) ? E_IO : E_OK;
}

/* Redis may come and go; what it kept meanwhile is shown when it is back. */
static int follow(struct watch *w, struct store *s, int64_t since_ms, bool to_end,
		  struct errmsg *em)
{
	struct buf positions;
	bool away = false;
	size_t n = 0;
	int rc;

	buf_init(&positions, POSITIONS_MAX);
	do {
		rc = store_events_tail(s, &positions, since_ms, BATCH, on_event, w, &n, em);
		if (fflush(stdout) != 0)
			rc = err_set(em, E_IO, "cannot write to standard output");
		if (err_is_away(rc) && !to_end) {
			if (!away)
				(void)fprintf(stderr, "scepctl: %s; trying again\n", em->text);
			away = true;
			n = 0;
		} else if (rc != E_OK) {
			break;
		} else if (away) {
			(void)fprintf(stderr, "scepctl: Redis is back\n");
			away = false;
		}
		if (w->count && w->shown == w->count)
			break;
		if (n == 0 && !to_end)
			(void)usleep(POLL_MS * 1000);
	} while (n > 0 || !to_end);
	buf_free(&positions);
	return rc;
}

int cmd_watch(const struct ctl_command *self, int argc, char **argv)
{
	struct watch w = {0};
	bool to_end = false;
	long minutes = 0;
	const struct opts_spec specs[] = {
		{"--since", NULL, OPT_NUMBER, &minutes, 1, MINUTES_MAX},
		{"--count", NULL, OPT_NUMBER, &w.count, 1, 1000000},
		{"--no-follow", NULL, OPT_FLAG, &to_end, 0, 0},
		{NULL, NULL, OPT_FLAG, NULL, 0, 0},
	};
	struct ctl_common common;
	struct store *s = NULL;
	struct conf *conf = NULL;
	struct errmsg em = {""};
	int rc, code = ctl_parse(self, argc, argv, specs, &common, w.wanted, WANTED_MAX,
				 &w.n_wanted);

	if (code >= 0)
		return code;
	w.json = common.json;
	w.colour = !w.json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	rc = ctl_open(&common, "auto_revoke", &conf, &s, &em);
	if (rc == E_OK)
		rc = follow(&w, s, (clock_now() - minutes * 60) * 1000, to_end, &em);
	code = rc == E_OK ? EXIT_DONE : ctl_fail(rc, &em);
	store_close(s);
	conf_free(conf);
	return code;
}
