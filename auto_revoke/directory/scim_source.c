#include "auto_revoke/directory/scim_source.h"

#include "auto_revoke/daemon/runfile.h"
#include "auto_revoke/directory/ldap_source.h"
#include "auto_revoke/scim/file.h"
#include "auto_revoke/scim/people.h"
#include "core/base/clock.h"
#include "core/base/json.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

enum { CALM_MS = 300, STATE_MS = 10000, HEARD_MS = 2000 };

struct scim_source {
	const struct conf *conf;
	const char *run_dir;
	bool read_only, was_read;
	struct scim_file file;
	struct scim_mapping mapping;
	struct scim_mapping_row *rows;
	struct scim_counts counts;
	int notify; /* -1: none; then it is only looked at now and then */
	int64_t read_ms, stated_ms, read_at, change_at;
	int64_t asked_ms, heard_at;
};

static void state_write(struct scim_source *s, const char *state, const char *detail)
{
	struct json *j = json_object();
	struct errmsg none;
	struct buf text;

	s->stated_ms = clock_mono_ms();
	json_set_str(j, "source", "scim");
	json_set_str(j, "server", conf_str(s->conf, "scim", NULL, "listen"));
	json_set_str(j, "base", conf_str(s->conf, "scim", NULL, "url"));
	json_set_str(j, "mode", "push");
	json_set_str(j, "state", state);
	json_set_str(j, "detail", detail);
	json_set_int(j, "people", (int64_t)s->file.table.live_users);
	json_set_int(j, "groups", (int64_t)s->file.table.live_groups);
	json_set_int(j, "taken", (int64_t)s->counts.taken);
	json_set_int(j, "unusable", (int64_t)s->counts.unusable);
	json_set_int(j, "last_full", s->read_at);
	json_set_int(j, "last_change", s->change_at);
	json_set_int(j, "last_checked", clock_now());
	buf_init(&text, 65536);
	/* It only informs: what it cannot tell is told by the log. */
	if (!s->read_only && json_dump(j, &text) == E_OK)
		(void)(runfile_write(s->run_dir, LDAP_SOURCE_STATE, buf_str(&text), text.n,
				     &none) == E_OK);
	buf_free(&text);
	json_free(j);
}

static void drain(const struct scim_source *s)
{
	char events[4096];

	while (s->notify >= 0 && read(s->notify, events, sizeof(events)) > 0)
		;
}

static bool source_changed(void *ctx)
{
	struct scim_source *s = ctx;

	drain(s);
	if (!s->was_read || scim_file_changed(&s->file))
		return true;
	if (clock_mono_ms() - s->stated_ms >= STATE_MS)
		state_write(s, "good", "");
	return false;
}

static int source_read_all(void *ctx, directory_emit *emit, void *emit_ctx,
			   struct directory_mark *ret, struct errmsg *em)
{
	struct scim_source *s = ctx;
	struct errmsg why = {""};
	size_t before = s->file.lines;
	int rc = scim_file_follow(&s->file, &why);

	s->read_ms = clock_mono_ms();
	if (rc == E_OK && s->file.table.n_names == 0)
		rc = err_set(&why, E_NOTFOUND, "no user has been provisioned yet");
	if (rc == E_OK)
		rc = scim_people_emit(&s->file.table, &s->mapping, emit, emit_ctx, &s->counts,
				      &why);
	if (rc == E_OK && s->file.table.n_names > 0 && s->counts.people == 0)
		rc = err_set(&why, E_NOTFOUND, "no user has a name that could be a login");
	s->was_read = rc == E_OK;
	if (rc == E_OK) {
		s->read_at = clock_now();
		s->change_at = s->file.lines != before ? s->read_at : s->change_at;
	}
	state_write(s, rc == E_OK ? "good" : "failing", why.text);
	if (rc != E_OK)
		return err_set(em, rc, "%s", why.text[0] != '\0' ? why.text : err_text(rc));
	*ret = (struct directory_mark){.mtime_ns = s->file.table.newest * 1000000000};
	return E_OK;
}

/* A provider that works through its list writes many times a second: not each of them is a look. */
static int source_fd(void *ctx)
{
	const struct scim_source *s = ctx;

	return clock_mono_ms() - s->read_ms < CALM_MS ? -1 : s->notify;
}

/* What the server that they push to, another process, says of its last request. */
static int64_t source_heard(void *ctx)
{
	struct scim_source *s = ctx;
	struct json *j = NULL;
	struct errmsg none;
	struct buf text;

	if (s->asked_ms != 0 && clock_mono_ms() - s->asked_ms < HEARD_MS)
		return s->heard_at;
	s->asked_ms = clock_mono_ms();
	if (runfile_read(s->file.dir, "state.json", &text, &none) != E_OK)
		return s->heard_at;
	if (json_parse(buf_str(&text), text.n, &j, &none) == E_OK)
		s->heard_at = json_get_int(j, "last_request", 0);
	json_free(j);
	buf_free(&text);
	return s->heard_at;
}

static void source_close(void *ctx)
{
	struct scim_source *s = ctx;

	if (s == NULL)
		return;
	scim_file_close(&s->file);
	if (s->notify >= 0)
		(void)close(s->notify);
	free(s->rows);
	free(s);
}

/* `scim` in the group sections: displayNames that are this group; none: the one of the same name. */
static int mapping_load(struct scim_source *s)
{
	const char *const *titles, *const *keys;
	size_t n = conf_titles(s->conf, "group", &titles), room = 0;

	for (size_t i = 0; i < n; i++)
		room += conf_list(s->conf, "group", titles[i], "scim", &keys) + 1;
	s->rows = calloc(room + 1, sizeof(*s->rows));
	if (s->rows == NULL)
		return E_NOMEM;
	for (size_t i = 0; i < n; i++) {
		size_t k = conf_list(s->conf, "group", titles[i], "scim", &keys);

		if (k == 0)
			s->rows[s->mapping.n_rows++] =
				(struct scim_mapping_row){titles[i], titles[i]};
		for (size_t j = 0; j < k; j++)
			s->rows[s->mapping.n_rows++] =
				(struct scim_mapping_row){keys[j], titles[i]};
	}
	s->mapping.rows = s->rows;
	s->mapping.domain = conf_str(s->conf, "scim", NULL, "domain");
	s->mapping.groups = conf_bool(s->conf, "scim", NULL, "groups");
	return E_OK;
}

int scim_source_open(const struct conf *c, const char *run_dir, bool read_only,
		     struct directory *ret, const char **ret_title, struct errmsg *em)
{
	const char *dir = conf_path(c, "scim", NULL, "data");
	struct scim_source *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return E_NOMEM;
	s->conf = c;
	s->run_dir = run_dir;
	s->read_only = read_only;
	s->notify = -1;
	s->file.fd = -1;
	rc = scim_file_open(dir, false, &s->file, em);
	if (rc == E_NOTFOUND)
		rc = E_CONFIG;
	if (rc == E_OK)
		rc = mapping_load(s);
	if (rc != E_OK) {
		source_close(s);
		return rc;
	}
	s->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (s->notify >= 0)
		(void)inotify_add_watch(s->notify, dir, IN_MODIFY | IN_MOVED_TO | IN_CREATE);
	*ret_title = s->file.path;
	*ret = (struct directory){.name = "scim",
				  .partial = true,
				  .ctx = s,
				  .changed = source_changed,
				  .read_all = source_read_all,
				  .fd = source_fd,
				  .heard = source_heard,
				  .close = source_close};
	return E_OK;
}
