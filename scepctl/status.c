#include "scepctl/ctl.h"

#include "core/base/args.h"
#include "core/base/clock.h"
#include "core/ipc/runfile.h"
#include "core/pki/cert.h"
#include "scepctl/ca_list.h"
#include "scepctl/leavers.h"

enum { LINE_MAX_BYTES = 4096 };

struct status {
	struct ctl_common common;
	struct conf *conf;
	struct json *out;
	int worst; /* exit code */
};

static void worse(struct status *st, int code)
{
	if (code > st->worst)
		st->worst = code;
}

static int count_one(void *ctx, const char *login, const char *user)
{
	(void)login, (void)user;
	++*(int64_t *)ctx;
	return 0;
}

/* Each question as the user who may ask it: there is none who may ask all. */
static int ask(struct status *st, const char *user,
	       int (*fn)(struct store *, struct status *, struct errmsg *), struct errmsg *em)
{
	struct store *s = NULL;
	struct conf *conf = NULL;
	int rc = ctl_open(&st->common, user, &conf, &s, em);

	if (rc == E_OK)
		rc = fn(s, st, em);
	store_close(s);
	conf_free(conf);
	return rc;
}

static int ask_ready(struct store *s, struct status *st, struct errmsg *em)
{
	char serial[SERIAL_SIZE];
	struct facts *facts = calloc(1, sizeof(*facts));
	int rc = facts ? store_ping(s, em) : E_NOMEM;

	if (rc == E_OK)
		rc = cert_new_serial(
			serial); /* of no certificate: only the store's own facts come back */
	if (rc == E_OK)
		rc = store_authorize(s, serial, facts, em);
	if (rc == E_OK) {
		json_set_bool(st->out, "store_ready", facts->store_ready);
		json_set_str(st->out, "store", facts->store);
		json_set_int(st->out, "epoch", facts->epoch);
		json_set_int(st->out, "head", facts->head);
		if (!facts->store_ready)
			worse(st, EXIT_FAILED);
		if (!st->common.json)
			printf("store     %s, %s, epoch %lld, journal %lld\n",
			       facts->store_ready ? "ready" : "NOT READY", facts->store,
			       (long long)facts->epoch, (long long)facts->head);
	}
	free(facts);
	return rc;
}

static int ask_groups(struct store *s, struct status *st, struct errmsg *em)
{
	struct group *groups = NULL;
	size_t n = 0;
	int rc = store_groups(s, &groups, &n, em);

	if (rc == E_OK) {
		json_set_int(st->out, "groups", (int64_t)n);
		if (!st->common.json)
			printf("groups    %zu%s\n", n, n ? "" : "; run scepctl policy load");
		if (n == 0)
			worse(st, EXIT_FAILED);
	}
	free(groups);
	return rc;
}

static int ask_people(struct store *s, struct status *st, struct errmsg *em)
{
	int64_t n = 0;
	int rc =
		store_logins(s, conf_str(st->conf, "leavers", NULL, "identity"), count_one, &n, em);

	if (rc == E_OK) {
		json_set_int(st->out, "people", n);
		if (!st->common.json)
			printf("people    %lld known from \"%s\"\n", (long long)n,
			       conf_str(st->conf, "leavers", NULL, "identity"));
	}
	return rc;
}

static void show_redis(struct status *st)
{
	int (*const questions[])(struct store *, struct status *,
				 struct errmsg *) = {ask_ready, ask_groups, ask_people};
	static const char *const users[] = {"radius", "installer", "auto_revoke"};
	struct errmsg em = {""};
	int rc = E_OK;

	for (size_t i = 0; rc == E_OK && i < sizeof(questions) / sizeof(questions[0]); i++)
		rc = ask(st, users[i], questions[i], &em);
	json_set_bool(st->out, "redis", rc == E_OK);
	if (rc == E_OK)
		return;
	json_set_str(st->out, "redis_error", em.text);
	if (!st->common.json)
		printf("redis     %s\n", em.text);
	worse(st, err_is_away(rc) ? EXIT_BACKEND : EXIT_FAILED);
}

static void show_cert(struct status *st, struct json *list, const struct ca_item *i)
{
	const char *state = i->cert ? cert_life_text(i->life) : "unreadable";
	struct json *j = json_object();
	char when[24] = "";

	if (i->to)
		clock_iso(when, sizeof(when), i->to);
	if (i->fault.text[0] || i->life == CERT_LIFE_OVER || i->life == CERT_LIFE_EARLY)
		worse(st, EXIT_FAILED);
	if (!st->common.json)
		printf("%-9s %s%s%s%s%s\n", i->name, state, *when ? ", until " : "", when,
		       i->fault.text[0] ? ": " : "", i->fault.text);
	json_set_str(j, "name", i->name);
	json_set_str(j, "state", state);
	json_set_str(j, "not_after", when);
	json_set_str(j, "fault", i->fault.text);
	json_push(list, j);
}

static void show_certs(struct status *st)
{
	struct json *list = json_array();
	struct ca_list *l = NULL;
	struct errmsg em = {""};

	if (ca_list_make(st->conf, clock_now(), &l, &em) != E_OK)
		worse(st, ctl_fail(E_IO, &em));
	for (size_t i = 0; l && i < l->n; i++)
		show_cert(st, list, &l->items[i]);
	ca_list_free(l);
	json_set(st->out, "certificates", list);
}

/* --- are leavers being handled? ----------------------------------------------------------------------------- */

static const char *file_of(const struct conf *c, const char *name, struct buf *text)
{
	struct errmsg none;

	return runfile_read(conf_path(c, "", NULL, "metrics"), name, text, &none) == E_OK
		       ? buf_str(text)
		       : NULL;
}

/* The line without its first word. */
static enum leavers_state leavers_line(const struct conf *c, struct buf *line)
{
	struct buf follow = {0}, end = {0};
	const char *const *titles;
	struct leavers_seen x = {
		.follow = file_of(c, "auto_revoke.prom", &follow),
		.end = file_of(c, "disconnect.prom", &end),
		.now = clock_now(),
		.nas = (long)conf_titles(c, "nas", &titles),
		.sweep = conf_int(c, "disconnect", NULL, "sweep"),
	};
	enum leavers_state s = leavers_judge(&x, line);

	buf_free(&follow);
	buf_free(&end);
	return s;
}

static struct json *leavers_json(enum leavers_state s, const struct buf *line)
{
	struct json *j = json_object();

	json_set_str(j, "state", leavers_state_text(s));
	json_set_str(j, "text", buf_str(line) + strspn(buf_str(line), " -"));
	return j;
}

/* For Nagios and Icinga: its exit status is theirs, and the line is all there is. */
static int show_leavers(const struct ctl_common *common, const struct conf *c)
{
	enum leavers_state s;
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	s = leavers_line(c, &line);
	if (common->json)
		(void)ctl_print_json(leavers_json(s, &line));
	else
		printf("LEAVERS %s%s\n", leavers_state_text(s), buf_str(&line));
	buf_free(&line);
	return (int)s;
}

static void show_leavers_too(struct status *st)
{
	enum leavers_state s;
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	s = leavers_line(st->conf, &line);
	if (!st->common.json)
		printf("leavers   %s%.*s\n", leavers_state_text(s),
		       (int)strcspn(buf_str(&line), "|"), buf_str(&line));
	json_set(st->out, "leavers", leavers_json(s, &line));
	buf_free(&line);
}

int cmd_status(const struct ctl_command *self, int argc, char **argv)
{
	struct status st = {.conf = NULL};
	struct errmsg em = {""};
	const char *word = NULL;
	size_t n;
	int rc, code = ctl_parse(self, argc, argv, NULL, &st.common, &word, 1, &n);

	if (code >= 0)
		return code;
	if (st.common.as)
		return ctl_usage(self,
				 "takes no --as: each question needs another user of the instance");
	if (n == 1 && strcmp(word, "leavers") != 0)
		return ctl_usage(self, "there is only leavers to name");
	rc = conf_load(st.common.conf_file, &st.conf, &em);
	if (rc != E_OK) {
		code = ctl_fail(rc, &em);
		return n == 1 ? LEAVERS_UNKNOWN : code;
	}
	if (n == 1) {
		code = show_leavers(&st.common, st.conf);
		conf_free(st.conf);
		return code;
	}
	st.out = json_object();
	show_redis(&st);
	show_certs(&st);
	show_leavers_too(&st);
	if (st.common.json)
		ctl_print_json(st.out);
	else
		json_free(st.out);
	conf_free(st.conf);
	return st.worst;
}
