#include "auto_revoke/directory/ldap_source.h"

#include "auto_revoke/daemon/runfile.h"
#include "auto_revoke/directory/ldap_filter.h"
#include "auto_revoke/directory/ldap_schema.h"
#include "auto_revoke/directory/ldap_table.h"
#include "auto_revoke/directory/ldap_usn.h"
#include "auto_revoke/directory/roster.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/ldap/dirconn.h"

#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	ATTRS_MAX = 40,
	NEEDS_MAX = 4 + 2 * LDAP_FILTER_ATTRS_MAX,
	CACHE_MAX = 200 << 20,
	REFRESH_MS = 600000,    /* for one whole refresh */
	DRAIN_MS = 200,         /* taking changes must not keep the rest waiting */
	PROBE_MS = 20000,       /* of silence, before the server is asked for a sign of life */
	STATE_MS = 10000,       /* the state file is written so often, and when something changes */
	SAVE_MS = 60000,        /* the cache is written so often while there are changes */
	ANEW_MS = 86400 * 1000, /* everything is read anew so often, whatever was synchronised */
	USN_S = 1,              /* a directory without sync is asked for its counter so often */
	GROUPS_MS = 5000,       /* groups that change make everything be read, but not more often */
	GROUPS_LOAD = 4,        /* nor longer than one part in so many of the time */
};

struct ldap_source {
	struct dirconf conf;
	struct ldap_rules rules;
	const char *run_dir;
	const volatile sig_atomic_t *stop;
	bool auto_sync, poll, read_only;
	int64_t poll_ms;
	char about[HASH_SIZE];
	char title[256];
	char *filter;
	char leaver_names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE];
	char filter_names[LDAP_FILTER_ATTRS_MAX][LDAP_FILTER_NAME_SIZE];
	struct ldap_schema_need needs[NEEDS_MAX];
	size_t n_needs;
	const char *attrs[ATTRS_MAX];

	struct dirconn *conn; /* NULL: not connected. With one, the refresh is done */
	int64_t usn; /* of conn: its counter before what the table has was read. 0: it has none */
	int64_t groups_usn; /* the same for who is in which group */
	int64_t took_ms;    /* the last full read */
	int tick;           /* timer, while changes are found by the counter; -1 */
	struct ldap_table table;
	bool loaded;           /* the cache was looked at */
	bool anew;             /* this refresh began without a cookie */
	bool live;             /* the refresh is done: changes arrive as they happen */
	bool changed;          /* since the last read_all */
	bool dirty;            /* since the cache was written */
	struct errmsg trouble; /* why the connection was given up */

	int64_t heard_ms, saved_ms, stated_ms, anew_ms, read_ms; /* 0: never */
	int64_t full_at, change_at, checked_at, cookie_at;       /* unix seconds */
};

/* ---- state and cache ---- */

static void state_write(struct ldap_source *s, const char *state, const char *detail)
{
	struct json *j = json_object();
	struct errmsg none;
	struct buf text;

	s->stated_ms = clock_mono_ms();
	json_set_str(j, "source", "ldap");
	json_set_str(j, "server", s->conn != NULL ? dirconn_uri(s->conn) : s->conf.conn.uris);
	json_set_str(j, "base", s->conf.base);
	json_set_str(j, "mode", !s->poll ? "sync" : s->usn > 0 ? "usn" : "poll");
	json_set_str(j, "state", state);
	json_set_str(j, "detail", detail);
	json_set_int(j, "people", (int64_t)s->table.people);
	json_set_int(j, "groups", (int64_t)(s->table.n - s->table.people));
	json_set_int(j, "last_full", s->full_at);
	json_set_int(j, "last_change", s->change_at);
	json_set_int(j, "last_checked", s->checked_at);
	json_set_int(j, "cookie_from", s->cookie_at);
	buf_init(&text, 65536);
	/* It only informs: what it cannot tell is told by the log. */
	if (!s->read_only && json_dump(j, &text) == E_OK)
		(void)(runfile_write(s->run_dir, LDAP_SOURCE_STATE, buf_str(&text), text.n,
				     &none) == E_OK);
	buf_free(&text);
	json_free(j);
}

static void cache_save(struct ldap_source *s)
{
	struct errmsg none;
	struct buf text;

	s->saved_ms = clock_mono_ms();
	if (s->read_only || s->table.cookie.n == 0)
		return;
	buf_init(&text, CACHE_MAX);
	if (ldap_table_save(&s->table, s->about, &text) == E_OK &&
	    runfile_write(s->run_dir, LDAP_SOURCE_CACHE, buf_str(&text), text.n, &none) == E_OK)
		s->dirty = false;
	buf_free(&text);
}

/* When everything was read, so that a restart does not put off the next time. */
static void full_save(const struct ldap_source *s)
{
	char text[HASH_SIZE + 48];
	struct errmsg none;
	int n = snprintf(text, sizeof(text), "about %s\nfull %lld\n", s->about,
			 (long long)s->full_at);

	if (!s->read_only && n > 0 && (size_t)n < sizeof(text))
		(void)(runfile_write(s->run_dir, LDAP_SOURCE_FULL, text, (size_t)n, &none) == E_OK);
}

/* 0: not known, and so longer ago than is good. */
static int64_t full_load(const struct ldap_source *s)
{
	char about[HASH_SIZE];
	struct errmsg none;
	struct buf text;
	int64_t at = 0;

	if (runfile_read(s->run_dir, LDAP_SOURCE_FULL, &text, &none) != E_OK)
		return 0;
	if (!runfile_line(buf_str(&text), "about", about, sizeof(about)) ||
	    strcmp(about, s->about) != 0 || !runfile_number(buf_str(&text), "full", &at) ||
	    at > clock_now())
		at = 0;
	buf_free(&text);
	return at;
}

/* Whatever is wrong with it, a full read is as good. */
static void cache_load(struct ldap_source *s)
{
	struct errmsg none;
	struct buf text;

	s->loaded = true;
	if (runfile_read(s->run_dir, LDAP_SOURCE_CACHE, &text, &none) != E_OK)
		return;
	if (ldap_table_load(&s->table, s->about, buf_str(&text)) == E_OK) {
		s->full_at = full_load(s);
		s->anew_ms = clock_mono_ms() - (clock_now() - s->full_at) * 1000;
	}
	buf_free(&text);
}

/* ---- sync ---- */

static int take_set(struct ldap_source *s, const struct dirsync_msg *m, struct errmsg *em)
{
	for (size_t i = 0; i < m->uuids.n; i += DIRSYNC_UUID_SIZE) {
		if (m->deletes)
			ldap_table_delete(&s->table, m->uuids.p + i);
		else if (!ldap_table_mark(&s->table, m->uuids.p + i))
			return err_set(em, E_STATE, "the server counts on an entry that we lack");
	}
	return E_OK;
}

static int take_entry(struct ldap_source *s, const struct dirsync_msg *m, const struct dir_entry *e,
		      struct errmsg *em)
{
	struct ldap_row *row = NULL;
	int rc;

	if (m->state == DIRSYNC_DELETE) {
		ldap_table_delete(&s->table, m->uuid);
		return E_OK;
	}
	if (m->state == DIRSYNC_PRESENT)
		return ldap_table_mark(&s->table, m->uuid)
			       ? E_OK
			       : err_set(em, E_STATE, "the server counts on an entry that we lack");
	if (e == NULL)
		return err_set(em, E_FORMAT, "a change without its entry");
	rc = ldap_row_make(&s->rules, m->uuid, e, &row, em);
	return rc != E_OK ? rc : ldap_table_put(&s->table, row);
}

static int on_sync(void *ctx, const struct dirsync_msg *m, const struct dir_entry *e,
		   struct errmsg *em)
{
	struct ldap_source *s = ctx;
	int rc = E_OK;

	s->heard_ms = clock_mono_ms();
	s->checked_at = clock_now();
	if (m->kind == DIRSYNC_ENTRY)
		rc = take_entry(s, m, e, em);
	else if (m->kind == DIRSYNC_SET)
		rc = take_set(s, m, em);
	else if (m->kind == DIRSYNC_PHASE && (m->present || (s->anew && m->refresh_done)))
		rc = ldap_table_sweep(&s->table);
	if (rc != E_OK)
		return rc;
	if (m->kind != DIRSYNC_COOKIE) {
		s->changed = s->dirty = true;
		s->change_at = s->live && m->kind != DIRSYNC_PHASE ? clock_now() : s->change_at;
	}
	s->live |= m->kind == DIRSYNC_PHASE && m->refresh_done;
	/* A cookie of the middle of a refresh says nothing about who is gone. */
	if (m->cookie.n > 0 && s->live) {
		rc = ldap_table_cookie(&s->table, m->cookie);
		s->cookie_at = clock_now();
		s->dirty = true;
	}
	return rc;
}

static void hang_up(struct ldap_source *s)
{
	dirconn_close(s->conn);
	s->conn = NULL;
	s->live = false;
	s->usn = 0;
}

static struct dirconn_search search_of(const struct ldap_source *s)
{
	return (struct dirconn_search){.base = s->conf.base,
				       .filter = s->filter,
				       .attrs = s->attrs,
				       .page = s->conf.page,
				       .max = ROSTER_MAX,
				       .pass_references = s->conf.references};
}

/* Active Directory has no such thing; Samba's overlooks the critical control and answers as if it were a plain search. */
static int has_sync(struct ldap_source *s, struct errmsg *em)
{
	struct errmsg none;
	int64_t usn = 0;

	if (ldap_usn_now(s->conn, &usn, &none) != E_OK)
		return E_OK;
	return err_set(em, E_UNSUPPORTED, "%.120s: has no sync (RFC 4533)", s->title);
}

/* One refresh, from the cookie or anew. */
static int refresh(struct ldap_source *s, bool *ret_started, struct errmsg *em)
{
	const struct dirconn_search q = search_of(s);
	int64_t end = clock_mono_ms() + REFRESH_MS;
	int rc = dirconn_open(&s->conf.conn, &s->conn, em);

	*ret_started = rc == E_OK;
	s->live = false;
	s->anew = s->table.cookie.n == 0;
	ldap_table_unmark_all(&s->table);
	if (rc == E_OK)
		rc = ldap_schema_check(s->conn, s->needs, s->n_needs, em);
	if (rc == E_OK && s->auto_sync)
		rc = has_sync(s, em);
	if (rc == E_OK)
		rc = dirconn_sync_start(s->conn, &q, buf_bytes(&s->table.cookie), em);
	while (rc == E_OK && !s->live) {
		if (*s->stop)
			rc = err_set(em, E_STATE, "stopped");
		else if (clock_mono_ms() > end)
			rc = err_set(em, E_UNAVAIL, "%.120s: the refresh does not end", s->title);
		else
			rc = dirconn_sync_next(s->conn, s->conf.conn.timeout_ms, on_sync, s, em);
		if (rc == E_TIMEOUT)
			rc = err_set(em, E_UNAVAIL, "%.120s: does not answer", s->title);
	}
	if (rc != E_OK)
		hang_up(s);
	return rc;
}

static int sync_open(struct ldap_source *s, struct errmsg *em)
{
	bool had_cookie, started = false;
	int rc;

	if (!s->loaded)
		cache_load(s);
	if (s->anew_ms != 0 && clock_mono_ms() - s->anew_ms > ANEW_MS)
		buf_reset(&s->table.cookie);
	had_cookie = s->table.cookie.n > 0;
	rc = refresh(s, &started, em);
	/* Lost, strange or too old a cookie: everything anew. */
	if (had_cookie && started && !*s->stop && rc != E_OK && rc != E_UNAVAIL) {
		ldap_table_clear(&s->table);
		rc = refresh(s, &started, em);
	}
	if (rc == E_OK && s->anew) {
		s->full_at = clock_now();
		s->anew_ms = clock_mono_ms();
		full_save(s);
	}
	if (rc == E_OK)
		cache_save(s);
	return rc == E_STATE ? E_FORMAT : rc;
}

/* Takes what has arrived. False: the connection was given up, s->trouble says why. */
static bool drain(struct ldap_source *s)
{
	int64_t end = clock_mono_ms() + DRAIN_MS;
	int rc;

	do {
		rc = dirconn_sync_next(s->conn, 0, on_sync, s, &s->trouble);
	} while (rc == E_OK && clock_mono_ms() < end);
	if (rc == E_TIMEOUT || rc == E_OK) {
		if (clock_mono_ms() - s->heard_ms < PROBE_MS)
			return true;
		rc = dirconn_probe(s->conn, &s->trouble);
		if (rc == E_OK) {
			s->heard_ms = clock_mono_ms();
			s->checked_at = clock_now();
			return true;
		}
	}
	hang_up(s);
	return false;
}

/* ---- polling ---- */

/* Active Directory's own name of an entry stays with it when it is renamed. */
static int key_of(const struct ldap_source *s, const struct dir_entry *e, uint8_t ret[32])
{
	struct bytes id = dir_value(e, s->conf.id);

	if (id.n != LDAP_ROW_KEY)
		return digest_sha256(bytes_str(e->dn), ret);
	memcpy(ret, id.p, LDAP_ROW_KEY);
	return E_OK;
}

static int on_polled(void *ctx, const struct dir_entry *e, struct errmsg *em)
{
	struct ldap_source *s = ctx;
	struct ldap_row *row = NULL;
	uint8_t key[32];
	int rc = key_of(s, e, key);

	if (rc == E_OK && *s->stop)
		rc = err_set(em, E_STATE, "stopped");
	if (rc == E_OK)
		rc = ldap_row_make(&s->rules, key, e, &row, em);
	s->changed = true;
	return rc != E_OK ? rc : ldap_table_put(&s->table, row);
}

/* The connection stays where the server tells by its counter whether anything changed. */
static int poll_open(struct ldap_source *s, struct errmsg *em)
{
	struct errmsg none;
	int rc;

	hang_up(s);
	rc = dirconn_open(&s->conf.conn, &s->conn, em);
	if (rc == E_OK)
		rc = ldap_schema_check(s->conn, s->needs, s->n_needs, em);
	if (rc == E_OK && s->auto_sync && ldap_usn_now(s->conn, &s->usn, &none) != E_OK)
		s->usn = 0;
	s->groups_usn = s->usn;
	return rc;
}

static int poll_read(struct ldap_source *s, struct errmsg *em)
{
	const struct dirconn_search q = search_of(s);
	int64_t begin = clock_mono_ms();
	int rc = poll_open(s, em);

	s->read_ms = 0; /* if it fails, with the next look again */
	if (rc != E_OK) {
		hang_up(s);
		return rc;
	}
	ldap_table_clear(&s->table);
	rc = dirconn_search(s->conn, &q, on_polled, s, em);
	if (rc != E_OK || s->usn == 0)
		hang_up(s);
	if (rc != E_OK)
		return rc;
	s->full_at = s->checked_at = clock_now();
	s->read_ms = begin;
	s->took_ms = clock_mono_ms() - begin;
	return E_OK;
}

static bool may_reread(const struct ldap_source *s)
{
	int64_t since = clock_mono_ms() - s->read_ms;

	return since >= GROUPS_MS && since >= s->took_ms * GROUPS_LOAD;
}

/* What changed since, into the table. E_STATE: everything must be read anew. */
static int usn_take(struct ldap_source *s, struct errmsg *em)
{
	const struct dirconn_search q = search_of(s);
	bool groups = false;
	int64_t now = 0;
	int rc = ldap_usn_now(s->conn, &now, em);

	if (rc == E_OK && now < s->usn)
		rc = err_set(em, E_STATE, "%.120s: was set back", s->title);
	if (rc == E_OK && now > s->usn)
		rc = ldap_usn_entries(s->conn, &q, s->usn, on_polled, s, em);
	s->usn = now;
	if (rc != E_OK || now == s->groups_usn || s->conf.member_of[0] == '\0' || !may_reread(s))
		return rc;
	rc = ldap_usn_groups(s->conn, &s->conf.groups, s->groups_usn, &groups, em);
	s->groups_usn = now;
	return rc == E_OK && groups ? err_set(em, E_STATE, "groups changed") : rc;
}

/* True: there is something to read, be it everything. */
static bool usn_changed(struct ldap_source *s)
{
	uint64_t ticks;

	if (read(s->tick, &ticks, sizeof(ticks)) != (ssize_t)sizeof(ticks) && !s->changed)
		return false;
	if (usn_take(s, &s->trouble) != E_OK) {
		hang_up(s);
		return true;
	}
	s->checked_at = clock_now();
	if (s->changed)
		s->change_at = s->checked_at;
	if (clock_mono_ms() - s->stated_ms >= STATE_MS)
		state_write(s, "good", "");
	return s->changed;
}

static void tick_start(struct ldap_source *s)
{
	const struct itimerspec each = {.it_interval = {.tv_sec = USN_S},
					.it_value = {.tv_sec = USN_S}};

	if (s->tick < 0)
		s->tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (s->tick >= 0)
		(void)timerfd_settime(s->tick, 0, &each, NULL);
}

static bool poll_due(const struct ldap_source *s)
{
	return s->read_ms == 0 || clock_mono_ms() - s->read_ms >= s->poll_ms;
}

/* Without a counter, or once it is lost, everything is read. */
static int poll_table(struct ldap_source *s, struct errmsg *em)
{
	int rc;

	if (s->conn != NULL && s->usn > 0 && !poll_due(s))
		return E_OK;
	rc = poll_read(s, em);
	if (rc == E_OK && s->usn > 0)
		tick_start(s);
	return rc;
}

/* ---- the interface ---- */

static bool source_changed(void *ctx)
{
	struct ldap_source *s = ctx;
	int64_t now = clock_mono_ms();

	if (s->poll)
		return poll_due(s) || (s->usn > 0 && usn_changed(s));
	if (s->conn == NULL || !drain(s))
		return true;
	if (now - s->anew_ms > ANEW_MS) {
		hang_up(s);
		return true;
	}
	if (s->dirty && now - s->saved_ms >= SAVE_MS)
		cache_save(s);
	if (now - s->stated_ms >= STATE_MS)
		state_write(s, "good", "");
	return s->changed;
}

static int source_read_all(void *ctx, directory_emit *emit, void *emit_ctx,
			   struct directory_mark *ret, struct errmsg *em)
{
	struct ldap_source *s = ctx;
	struct errmsg why = {""};
	int rc = E_OK;

	if (!s->poll && s->conn == NULL) {
		rc = sync_open(s, &why);
		s->poll = s->auto_sync && rc == E_UNSUPPORTED && s->table.n == 0;
	}
	if (s->poll)
		rc = poll_table(s, &why);
	if (rc == E_OK)
		rc = ldap_table_emit(&s->table, &s->conf, emit, emit_ctx, &why);
	s->changed = rc != E_OK;
	state_write(s, rc == E_OK ? "good" : "failing", rc == E_OK ? "" : why.text);
	if (rc != E_OK)
		return err_set(em,
			       rc == E_NOTFOUND || (rc == E_STATE && !*s->stop) ? E_UNAVAIL : rc,
			       "%s", why.text[0] != '\0' ? why.text : err_text(rc));
	*ret = (struct directory_mark){.mtime_ns = 0};
	return E_OK;
}

static int source_fd(void *ctx)
{
	struct ldap_source *s = ctx;

	if (s->poll)
		return s->usn > 0 ? s->tick : -1;
	return s->conn != NULL ? dirconn_fd(s->conn) : -1;
}

static int64_t source_heard(void *ctx)
{
	return ((const struct ldap_source *)ctx)->checked_at;
}

static void source_close(void *ctx)
{
	struct ldap_source *s = ctx;

	if (s == NULL)
		return;
	if (s->live && s->dirty)
		cache_save(s);
	hang_up(s);
	if (s->tick >= 0)
		(void)close(s->tick);
	ldap_table_clear(&s->table);
	dirconf_free(&s->conf);
	free(s->filter);
	free(s);
}

/* ---- opening ---- */

static void attr_add(struct ldap_source *s, const char *name)
{
	size_t n = 0;

	while (s->attrs[n] != NULL && strcmp(s->attrs[n], name) != 0)
		n++;
	if (name[0] != '\0' && n + 1 < ATTRS_MAX)
		s->attrs[n] = name;
}

static void need_add(struct ldap_source *s, const char *name, const char *key, bool is_class)
{
	if (name[0] != '\0' && s->n_needs < NEEDS_MAX)
		s->needs[s->n_needs++] = (struct ldap_schema_need){name, key, is_class};
}

/* What would be missed in silence if the directory did not know it. */
static void needs_choose(struct ldap_source *s, size_t n_leaver)
{
	const struct dirconf *c = &s->conf;
	struct errmsg none;
	size_t n = 0;

	need_add(s, c->login, "login", false);
	need_add(s, c->id, "id", false);
	need_add(s, c->member_of, "member-of", false);
	need_add(s, c->group_class, "group-class", true);
	for (size_t i = 0; i < n_leaver; i++)
		need_add(s, s->leaver_names[i], "leaver", false);
	/* The server's own business; what we cannot read of it, it may. */
	if (ldap_filter_check(c->filter, s->filter_names, &n, &none) == E_OK)
		for (size_t i = 0; i < n; i++)
			need_add(s, s->filter_names[i], "filter", false);
}

static int attrs_choose(struct ldap_source *s, struct errmsg *em)
{
	static const char *const person[] = {"objectClass",         "cn",
					     "displayName",         "mail",
					     "nsAccountLock",       "userAccountControl",
					     "shadowExpire",        "accountExpires",
					     "pwdAccountLockedTime"};
	static const char *const group[] = {"member", "uniqueMember", "memberUid"};
	const struct dirconf *c = &s->conf;
	size_t n = 0;
	int rc =
		c->leaver[0] == '\0' ? E_OK : ldap_filter_check(c->leaver, s->leaver_names, &n, em);

	for (size_t i = 0; i < sizeof(person) / sizeof(*person); i++)
		attr_add(s, person[i]);
	attr_add(s, c->login);
	attr_add(s, c->id);
	attr_add(s, c->member_of);
	for (size_t i = 0; c->group_class[0] != '\0' && i < sizeof(group) / sizeof(*group); i++)
		attr_add(s, group[i]);
	for (size_t i = 0; i < n; i++)
		attr_add(s, s->leaver_names[i]);
	needs_choose(s, n);
	return rc;
}

/* Rows of another base, filter or meaning are of no use. */
static int about_make(struct ldap_source *s)
{
	const struct dirconf *c = &s->conf;
	struct buf b;
	int rc;

	buf_init(&b, 65536);
	buf_addf(&b, "1\n%s\n%s\n%s\n%s\n%s\n%s\n%d", c->conn.uris, c->base, s->filter, c->login,
		 c->id, c->leaver, s->rules.with_ids);
	for (size_t i = 0; s->attrs[i] != NULL; i++)
		buf_addf(&b, "\n%s", s->attrs[i]);
	rc = buf_error(&b) != E_OK ? buf_error(&b) : digest_sha256_hex(buf_bytes(&b), s->about);
	buf_free(&b);
	return rc;
}

static int source_setup(struct ldap_source *s, const struct conf *c, struct errmsg *em)
{
	const char *sync = conf_str(c, "ldap", NULL, "sync");
	int rc = dirconf_load(c, &s->conf, em);

	if (rc != E_OK)
		return rc;
	s->auto_sync = strcmp(sync, "auto") == 0;
	s->poll = strcmp(sync, "poll") == 0;
	if (!s->auto_sync && !s->poll)
		return err_set(em, E_CONFIG, "ldap: sync: \"%.60s\" is neither auto nor poll",
			       sync);
	s->poll_ms = conf_int(c, "ldap", NULL, "poll") * 1000LL;
	rc = attrs_choose(s, em);
	if (rc == E_OK &&
	    (s->conf.group_class[0] != '\0' ? asprintf(&s->filter, "(|%s(objectClass=%s))",
						       s->conf.filter, s->conf.group_class)
					    : asprintf(&s->filter, "%s", s->conf.filter)) < 0) {
		s->filter = NULL;
		rc = E_NOMEM;
	}
	(void)snprintf(s->title, sizeof(s->title), "%.100s %.140s", s->conf.conn.uris,
		       s->conf.base);
	return rc != E_OK ? rc : about_make(s);
}

int ldap_source_open(const struct ldap_source_options *o, struct directory *ret,
		     const char **ret_title, struct errmsg *em)
{
	struct ldap_source *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return E_NOMEM;
	ldap_table_init(&s->table);
	s->tick = -1;
	s->run_dir = o->run_dir;
	s->stop = o->stop;
	s->read_only = o->read_only;
	s->rules = (struct ldap_rules){.conf = &s->conf, .with_ids = o->with_ids};
	rc = source_setup(s, o->conf, em);
	if (rc != E_OK) {
		source_close(s);
		return rc;
	}
	*ret_title = s->title;
	*ret = (struct directory){.name = "ldap",
				  .ctx = s,
				  .changed = source_changed,
				  .read_all = source_read_all,
				  .fd = source_fd,
				  .heard = source_heard,
				  .close = source_close};
	return E_OK;
}

const char *ldap_source_ca(const struct directory *d)
{
	return ((const struct ldap_source *)d->ctx)->conf.conn.ca_file;
}
