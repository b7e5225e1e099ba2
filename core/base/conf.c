#include "core/base/conf.h"
#include "core/base/buf.h"
#include "core/base/conf_scan.h"
#include "core/base/conf_value.h"
#include "core/base/text.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF_FILE_MAX (1024 * 1024)
#define CONF_TITLE_MAX 32 /* titles become names of profiles and groups */

struct entry {
	const struct conf_key *key;
	char *title; /* NULL in untitled sections */
	char *text;  /* of paths: resolved */
	char **list;
	size_t n_list;
	long num;
};

struct conf {
	char *dir;
	struct entry *entries;
	size_t n, cap;
	struct section {
		const char *name;
		char **titles;
		size_t n;
	} * sections; /* the titled ones */
	size_t n_sections;
};

/* What libconfuse's callbacks, which take no argument of ours, need while one file is read. */
struct loading {
	const char *path;
	struct errmsg *em;
	bool failed;
	const cfg_opt_t **seen; /* plain options already given */
	size_t n_seen, cap_seen;
};

static _Thread_local struct loading *loading;

/* ---- libconfuse's callbacks ---- */

/* "; did you mean listen?" after an unknown name, or "". */
static void suggest(cfg_t *cfg, const char *unknown, char *dst, size_t size)
{
	const char *best = NULL;
	size_t least = 3;

	for (unsigned i = 0; i < cfg_num(cfg); i++) {
		const char *name = cfg_opt_name(cfg_getnopt(cfg, i));
		size_t d = conf_name_distance(unknown, name);

		if (d < least) {
			least = d;
			best = name;
		}
	}
	dst[0] = '\0';
	if (best)
		snprintf(dst, size, "; did you mean %s?", best);
}

static const char *where_prefix(cfg_t *cfg, char *dst, size_t size)
{
	const char *section = cfg && cfg->name && strcmp(cfg->name, "root") != 0 ? cfg->name : "";
	const char *title = cfg ? cfg_title(cfg) : NULL;

	if (conf_is_top(section))
		dst[0] = '\0';
	else if (title)
		snprintf(dst, size, "%s.%.32s.", section, title);
	else
		snprintf(dst, size, "%s.", section);
	return dst;
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	char text[200], prefix[96], hint[64] = "", *name, *end;
	int line = cfg ? cfg->line : 0;

	if (!loading || loading->failed)
		return; /* the first message is the cause */
	loading->failed = true;
	vsnprintf(text, sizeof(text), fmt, ap);
	name = strstr(text, "no such option '");
	if (name) {
		name += strlen("no such option '");
		end = strrchr(name, '\'');
		if (end)
			*end = '\0';
		suggest(cfg, name, hint, sizeof(hint));
		err_set(loading->em, E_CONFIG, "%s:%d: %s%.64s: unknown key%s", loading->path, line,
			where_prefix(cfg, prefix, sizeof(prefix)), name, hint);
		return;
	}
	where_prefix(cfg, prefix, sizeof(prefix));
	if (*prefix)
		prefix[strlen(prefix) - 1] = '\0';
	err_set(loading->em, E_CONFIG, "%s:%d: %s%s%s", loading->path, line, prefix,
		*prefix ? ": " : "", text);
}

/* 1 when the option was given before in this section. */
static int seen_before(const cfg_opt_t *opt)
{
	for (size_t i = 0; i < loading->n_seen; i++) {
		if (loading->seen[i] == opt)
			return 1;
	}
	if (loading->n_seen == loading->cap_seen) {
		size_t cap = loading->cap_seen ? 2 * loading->cap_seen : 64;
		const cfg_opt_t **p = reallocarray(loading->seen, cap, sizeof(*p));

		if (!p)
			return -1;
		loading->seen = p;
		loading->cap_seen = cap;
	}
	loading->seen[loading->n_seen++] = opt;
	return 0;
}

/* Runs after each value, while cfg->line is the line of that value. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *section = strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
	const struct conf_key *k = conf_find_key(section, opt->name);
	unsigned last = cfg_opt_size(opt);
	char why[200] = "", name[128];
	const char *text;
	long num;
	int seen;

	if (!k || !last)
		return 0;
	text = cfg_opt_getnstr(opt, last - 1);
	seen = k->type == CONF_LIST ? 0 : seen_before(opt);
	if (seen)
		snprintf(why, sizeof(why), "%s", seen > 0 ? "is given twice" : err_text(E_NOMEM));
	else if (!text || conf_check_value(k, text, &num, why, sizeof(why)) == E_OK)
		return 0;
	conf_key_name(name, sizeof(name), k, cfg_title(cfg));
	loading->failed = true;
	return err_set(loading->em, -1, "%s:%d: %s: %s", loading->path, cfg->line, name, why);
}

static int on_title(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	(void)cfg;
	if (!section || !cfg_title(section) || text_is_name(cfg_title(section), CONF_TITLE_MAX))
		return 0;
	loading->failed = true;
	return err_set(
		loading->em, -1,
		"%s:%d: %s \"%.40s\": a name has 1 to %d letters, digits, or . _ - @, and begins "
		"with a letter or digit",
		loading->path, section->line, opt->name, cfg_title(section), CONF_TITLE_MAX);
}

/* ---- reading ---- */

/* The options of one section; every value is read as text and checked here, so that all messages
 * look alike. The caller frees; the copy that cfg_init makes is its own. */
static cfg_opt_t *section_opts(const char *section, cfg_opt_t *opts, size_t *ret_n)
{
	size_t n = 0;

	for (const struct conf_key *k = conf_schema; k->key; k++) {
		if (strcmp(k->section, section) != 0)
			continue;
		if (k->type == CONF_LIST)
			opts[n] = (cfg_opt_t)CFG_STR_LIST(
				k->key, (char *)(uintptr_t)(k->def ? k->def : "{}"), CFGF_NONE);
		else
			opts[n] = (cfg_opt_t)CFG_STR(k->key, NULL, CFGF_NODEFAULT);
		opts[n++].validcb = on_value;
	}
	*ret_n = n;
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

static size_t schema_count(void)
{
	size_t n = 0;

	while (conf_schema[n].key)
		n++;
	return n;
}

/* A parser for the schema. *ret_arena backs its options and is freed after it. */
static cfg_t *parser_new(cfg_opt_t **ret_arena)
{
	/* Worst case: every row a section of its own with its END, plus the top level's. */
	size_t total = 4 * schema_count() + 2, n_top = 0, n = 0;
	cfg_opt_t *arena = calloc(total, sizeof(*arena)), *top, *next;
	cfg_t *cfg = NULL;

	if (!arena)
		return NULL;
	top = arena;
	section_opts("", top, &n_top);
	next = arena + schema_count() * 2 + 1;
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		if (conf_is_top(k->section) || !conf_begins_section(k))
			continue;
		section_opts(k->section, next, &n);
		top[n_top] = (cfg_opt_t)CFG_SEC(
			k->section, next,
			k->titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE);
		if (k->titled)
			top[n_top].validcb = on_title;
		n_top++;
		next += n + 1;
	}
	top[n_top] = (cfg_opt_t)CFG_END();
	cfg = cfg_init(top, CFGF_NONE);
	if (!cfg) {
		free(arena);
		return NULL;
	}
	cfg_set_error_function(cfg, on_error);
	*ret_arena = arena;
	return cfg;
}

static int file_read(const char *path, struct buf *out, struct errmsg *em)
{
	char chunk[4096];
	struct stat st;
	ssize_t got;
	int rc = E_OK, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return err_set(em, E_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		rc = err_set(em, E_CONFIG, "%s: is not a regular file", path);
		goto out;
	}
	while ((got = read(fd, chunk, sizeof(chunk))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = err_set(em, E_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
			goto out;
		}
		buf_add(out, chunk, (size_t)got);
	}
	buf_addc(out, '\n'); /* libconfuse wants a last line end, and never an empty buffer */
	if (buf_error(out))
		rc = err_set(em, E_CONFIG, "%s: %s", path, err_text(buf_error(out)));
out:
	close(fd);
	return rc;
}

/* ---- our own copy ---- */

bool conf_is_token(const char *value)
{
	return strncmp(value, "pkcs11:", 7) == 0;
}

static bool is_path(const struct conf_key *k)
{
	return k->type == CONF_PATH || k->type == CONF_KEY;
}

static int resolve(const struct conf *c, const struct conf_key *k, const char *text, char **ret)
{
	if (!*text || *text == '/' || (k->type == CONF_KEY && conf_is_token(text)))
		*ret = strdup(text);
	else if (asprintf(ret, "%s/%s", c->dir, text) < 0)
		*ret = NULL;
	return *ret ? E_OK : E_NOMEM;
}

static struct entry *entry_add(struct conf *c, const struct conf_key *k, const char *title)
{
	struct entry *e;

	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct entry *p = reallocarray(c->entries, cap, sizeof(*p));

		if (!p)
			return NULL;
		c->entries = p;
		c->cap = cap;
	}
	e = &c->entries[c->n];
	*e = (struct entry){.key = k, .title = title ? strdup(title) : NULL};
	if (title && !e->title)
		return NULL;
	c->n++;
	return e;
}

static int list_copy(struct entry *e, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);

	e->list = calloc(n + 1, sizeof(*e->list));
	if (!e->list)
		return E_NOMEM;
	for (unsigned i = 0; i < n; i++) {
		e->list[i] = strdup(cfg_opt_getnstr(opt, i));
		if (!e->list[i])
			return E_NOMEM;
		e->n_list++;
	}
	return E_OK;
}

/* Copies one key, from the file or its default; `sec` is the section's last line for the message. */
static int entry_copy(struct conf *c, const char *path, cfg_t *sec, const struct conf_key *k,
		      struct errmsg *em)
{
	cfg_opt_t *opt = cfg_getopt(sec, k->key);
	const char *title = k->titled ? cfg_title(sec) : NULL, *text = NULL;
	struct entry *e = opt ? entry_add(c, k, title) : NULL;
	char why[200] = "", name[128];

	if (!e)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	conf_key_name(name, sizeof(name), k, title);
	if (k->type == CONF_LIST && (k->def || cfg_opt_size(opt)))
		return list_copy(e, opt) ? err_set(em, E_NOMEM, "%s", err_text(E_NOMEM)) : E_OK;
	text = k->type != CONF_LIST && cfg_opt_size(opt) ? cfg_opt_getnstr(opt, 0) : NULL;
	if (!text)
		text = k->def;
	if (!text && sec->line > 0 && !conf_is_top(k->section))
		return err_set(em, E_CONFIG, "%s:%d: %s: is required (%s)", path, sec->line, name,
			       k->help);
	if (!text)
		return err_set(em, E_CONFIG, "%s: %s: is required (%s)", path, name, k->help);
	if (conf_check_value(k, text, &e->num, why, sizeof(why)))
		return err_set(em, E_CONFIG, "%s: %s: %s", path, name, why);
	if (is_path(k) ? resolve(c, k, text, &e->text) : !(e->text = strdup(text)))
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	return E_OK;
}

static int section_copy(struct conf *c, const char *path, cfg_t *sec, const char *section,
			struct errmsg *em)
{
	for (const struct conf_key *k = conf_schema; k->key; k++) {
		int rc;

		if (strcmp(k->section, section) != 0)
			continue;
		rc = entry_copy(c, path, sec, k, em);
		if (rc)
			return rc;
	}
	return E_OK;
}

static int titled_copy(struct conf *c, const char *path, cfg_t *cfg, const char *section,
		       struct errmsg *em)
{
	unsigned n = cfg_size(cfg, section);
	struct section *s = &c->sections[c->n_sections++];

	*s = (struct section){.name = section, .titles = calloc(n + 1, sizeof(*s->titles))};
	if (!s->titles)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	for (unsigned i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, section, i);
		int rc = section_copy(c, path, sec, section, em);

		if (rc)
			return rc;
		s->titles[i] = strdup(cfg_title(sec));
		if (!s->titles[i])
			return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		s->n++;
	}
	return E_OK;
}

static int conf_copy(struct conf *c, const char *path, cfg_t *cfg, struct errmsg *em)
{
	int rc = section_copy(c, path, cfg, "", em);

	c->sections = calloc(schema_count() + 1, sizeof(*c->sections));
	if (!c->sections) {
		(void)err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		return E_NOMEM;
	}
	for (const struct conf_key *k = conf_schema; k->key && !rc; k++) {
		if (conf_is_top(k->section) || !conf_begins_section(k))
			continue;
		if (k->titled)
			rc = titled_copy(c, path, cfg, k->section, em);
		else
			rc = section_copy(c, path, cfg_getsec(cfg, k->section), k->section, em);
	}
	return rc;
}

/* Absolute folder of the file as it was named (the file itself may be a link to elsewhere). */
static int dir_of(const char *path, char **ret, struct errmsg *em)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	char *dir = folder ? realpath(folder, NULL) : NULL;

	free(folder);
	if (!dir)
		return err_set(em, E_CONFIG, "%s: cannot be read: %s", path, strerror(errno));
	*ret = dir;
	return E_OK;
}

static int conf_parse(struct conf *c, const char *path, const char *text, struct errmsg *em)
{
	struct loading state = {.path = path, .em = em};
	cfg_opt_t *arena = NULL;
	cfg_t *cfg = parser_new(&arena);
	int rc = E_OK;

	if (!cfg)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	loading = &state;
	if (cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		rc = state.failed ? E_CONFIG : err_set(em, E_CONFIG, "%s: cannot be parsed", path);
	loading = NULL;
	if (!rc)
		rc = conf_copy(c, path, cfg, em);
	cfg_free(cfg);
	free(arena);
	free(state.seen);
	return rc;
}

int conf_load(const char *path, struct conf **ret, struct errmsg *em)
{
	struct conf *c = calloc(1, sizeof(*c));
	struct buf text;
	const char *what;
	unsigned line = 0;
	int rc;

	buf_init(&text, CONF_FILE_MAX);
	if (!c) {
		rc = err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
		goto out;
	}
	rc = file_read(path, &text, em);
	if (rc)
		goto out;
	rc = dir_of(path, &c->dir, em);
	if (rc)
		goto out;
	what = conf_scan((char *)text.p, text.n, &line);
	if (what) {
		rc = err_set(em, E_CONFIG, "%s:%u: %s", path, line, what);
		goto out;
	}
	rc = conf_parse(c, path, buf_str(&text), em);
	if (rc)
		goto out;
	*ret = c;
	c = NULL;
out:
	conf_free(c);
	buf_free(&text);
	return rc;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		for (size_t j = 0; j < c->entries[i].n_list; j++)
			free(c->entries[i].list[j]);
		free(c->entries[i].list);
		free(c->entries[i].title);
		free(c->entries[i].text);
	}
	for (size_t i = 0; i < c->n_sections; i++) {
		for (size_t j = 0; j < c->sections[i].n; j++)
			free(c->sections[i].titles[j]);
		free(c->sections[i].titles);
	}
	free(c->entries);
	free(c->sections);
	free(c->dir);
	free(c);
}

/* ---- getters ---- */

static const struct entry *entry_find(const struct conf *c, const char *section, const char *title,
				      const char *key)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct entry *e = &c->entries[i];

		if (strcmp(e->key->key, key) == 0 && strcmp(e->key->section, section) == 0 &&
		    (e->title ? title && strcmp(e->title, title) == 0 : !title || !*title))
			return e;
	}
	return NULL;
}

const char *conf_str(const struct conf *c, const char *section, const char *title, const char *key)
{
	const struct entry *e = entry_find(c, section, title, key);

	bool text = e && (e->key->type == CONF_STR || is_path(e->key));

	return text ? e->text : "";
}

const char *conf_path(const struct conf *c, const char *section, const char *title, const char *key)
{
	const struct entry *e = entry_find(c, section, title, key);

	return e && is_path(e->key) ? e->text : "";
}

long conf_int(const struct conf *c, const char *section, const char *title, const char *key)
{
	const struct entry *e = entry_find(c, section, title, key);

	return e && e->key->type == CONF_INT ? e->num : 0;
}

bool conf_bool(const struct conf *c, const char *section, const char *title, const char *key)
{
	const struct entry *e = entry_find(c, section, title, key);

	return e && e->key->type == CONF_BOOL && e->num;
}

size_t conf_list(const struct conf *c, const char *section, const char *title, const char *key,
		 const char *const **ret)
{
	static const char *const none[] = {NULL};
	const struct entry *e = entry_find(c, section, title, key);

	*ret = e && e->list ? (const char *const *)e->list : none;
	return e ? e->n_list : 0;
}

size_t conf_titles(const struct conf *c, const char *section, const char *const **ret)
{
	static const char *const none[] = {NULL};

	for (size_t i = 0; i < c->n_sections; i++) {
		if (strcmp(c->sections[i].name, section) == 0) {
			*ret = (const char *const *)c->sections[i].titles;
			return c->sections[i].n;
		}
	}
	*ret = none;
	return 0;
}

const char *conf_dir(const struct conf *c)
{
	return c->dir;
}
