#include "core/http/html.h"
#include "core/base/text.h"

#include <stdarg.h>
#include <stdbool.h>

#define HTML_NEST_MAX 16
#define HTML_NAME_MAX 63

struct var {
	struct var *next;
	char name[HTML_NAME_MAX + 1];
	char *text; /* NULL for flags and lists */
	bool on;
	struct html_vars **rows;
	size_t n_rows;
};

struct html_vars {
	struct html_vars *outer;
	struct var *first;
	bool failed; /* of the outermost one */
};

struct html_vars *html_vars_new(void)
{
	return calloc(1, sizeof(struct html_vars));
}

void html_vars_free(struct html_vars *v)
{
	struct var *var, *next;

	if (!v)
		return;
	for (var = v->first; var; var = next) {
		next = var->next;
		for (size_t i = 0; i < var->n_rows; i++)
			html_vars_free(var->rows[i]);
		free(var->rows);
		/* Pages show challenges: their text does not stay in free memory. */
		if (var->text)
			text_wipe(var->text, strlen(var->text));
		free(var->text);
		free(var);
	}
	free(v);
}

static void vars_fail(struct html_vars *v)
{
	while (v->outer)
		v = v->outer;
	v->failed = true;
}

static struct var *var_here(const struct html_vars *v, const char *name)
{
	for (struct var *var = v->first; var; var = var->next) {
		if (strcmp(var->name, name) == 0)
			return var;
	}
	return NULL;
}

static struct var *var_make(struct html_vars *v, const char *name)
{
	struct var *var = var_here(v, name);

	if (var)
		return var;
	var = calloc(1, sizeof(*var));
	if (!var || text_copy(var->name, sizeof(var->name), name)) {
		free(var);
		vars_fail(v);
		return NULL;
	}
	var->next = v->first;
	v->first = var;
	return var;
}

void html_set(struct html_vars *v, const char *name, const char *value)
{
	struct var *var = v ? var_make(v, name) : NULL;
	char *copy = var ? strdup(value) : NULL;

	if (!v || !var)
		return;
	if (!copy) {
		vars_fail(v);
		return;
	}
	if (var->text)
		text_wipe(var->text, strlen(var->text));
	free(var->text);
	var->text = copy;
	var->on = *value != '\0';
}

void html_setf(struct html_vars *v, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (!v)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		vars_fail(v);
		return;
	}
	html_set(v, name, text);
	text_wipe(text, (size_t)n);
	free(text);
}

void html_flag(struct html_vars *v, const char *name, int on)
{
	struct var *var = v ? var_make(v, name) : NULL;

	if (var)
		var->on = on != 0;
}

struct html_vars *html_row(struct html_vars *v, const char *name)
{
	struct var *var = v ? var_make(v, name) : NULL;
	struct html_vars *row = NULL, **rows;

	if (!var)
		return NULL;
	row = html_vars_new();
	rows = row ? reallocarray(var->rows, var->n_rows + 1, sizeof(struct html_vars *)) : NULL;
	if (!rows) {
		free(row);
		vars_fail(v);
		return NULL;
	}
	row->outer = v;
	var->rows = rows;
	var->rows[var->n_rows++] = row;
	return row;
}

void html_escape(struct buf *out, const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		size_t len = text_utf8_len(s + i, n - i);
		unsigned char c = (unsigned char)s[i];

		if (c == '&')
			buf_adds(out, "&amp;");
		else if (c == '<')
			buf_adds(out, "&lt;");
		else if (c == '>')
			buf_adds(out, "&gt;");
		else if (c == '"')
			buf_adds(out, "&quot;");
		else if (c == '\'')
			buf_adds(out, "&#39;");
		else if (!len || (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			buf_adds(out, "\xef\xbf\xbd"); /* XML 1.0 section 2.2 has no place for it */
		else
			buf_add(out, s + i, len);
		i += len ? len : 1;
	}
}

enum tag_kind { TAG_VALUE, TAG_OPEN, TAG_OPEN_NOT, TAG_CLOSE };

struct tag {
	enum tag_kind kind;
	char name[HTML_NAME_MAX + 1];
	const char *start; /* of its "{{" */
	const char *after; /* behind its "}}" */
};

/* The next tag in [p, end): 1 found, 0 none, E_FORMAT when it is no tag of ours. */
static int tag_next(const char *p, const char *end, struct tag *ret)
{
	const char *start = memmem(p, (size_t)(end - p), "{{", 2), *stop, *name;
	size_t n;

	if (!start)
		return 0;
	name = start + 2;
	stop = memmem(name, (size_t)(end - name), "}}", 2);
	if (!stop)
		return E_FORMAT;
	*ret = (struct tag){.kind = TAG_VALUE, .start = start, .after = stop + 2};
	if (name < stop && strchr("#^/", *name)) {
		ret->kind = *name == '#' ? TAG_OPEN : *name == '^' ? TAG_OPEN_NOT : TAG_CLOSE;
		name++;
	}
	while (name < stop && *name == ' ')
		name++;
	while (name < stop && stop[-1] == ' ')
		stop--;
	n = (size_t)(stop - name);
	if (n > HTML_NAME_MAX)
		return E_FORMAT;
	memcpy(ret->name, name, n);
	ret->name[n] = '\0';
	return text_is_name(ret->name, HTML_NAME_MAX) ? 1 : E_FORMAT;
}

/* The tag that closes the section whose content begins at p. */
static int section_close(const char *p, const char *end, const char *name, struct tag *ret)
{
	char open[HTML_NEST_MAX][HTML_NAME_MAX + 1];
	size_t depth = 0;
	struct tag t;

	for (;; p = t.after) {
		if (tag_next(p, end, &t) != 1)
			return E_FORMAT;
		if (t.kind == TAG_OPEN || t.kind == TAG_OPEN_NOT) {
			if (depth == HTML_NEST_MAX)
				return E_FORMAT;
			memcpy(open[depth++], t.name, sizeof(t.name));
		} else if (t.kind == TAG_CLOSE) {
			if (strcmp(t.name, depth ? open[depth - 1] : name) != 0)
				return E_FORMAT;
			if (depth == 0)
				break;
			depth--;
		}
	}
	*ret = t;
	return E_OK;
}

static const struct var *var_find(const struct html_vars *v, const char *name)
{
	for (; v; v = v->outer) {
		const struct var *var = var_here(v, name);

		if (var)
			return var;
	}
	return NULL;
}

static int render(const char *p, const char *end, const struct html_vars *v, struct buf *out,
		  unsigned depth);

static int render_section(const struct tag *open, const struct tag *close,
			  const struct html_vars *v, struct buf *out, unsigned depth)
{
	const struct var *var = var_find(v, open->name);
	bool shown = var && (var->on || var->n_rows);
	int rc = E_OK;

	if (open->kind == TAG_OPEN_NOT)
		return shown ? E_OK : render(open->after, close->start, v, out, depth + 1);
	if (!shown)
		return E_OK;
	if (!var->n_rows)
		return render(open->after, close->start, v, out, depth + 1);
	for (size_t i = 0; i < var->n_rows && !rc; i++)
		rc = render(open->after, close->start, var->rows[i], out, depth + 1);
	return rc;
}

static int render(const char *p, const char *end, const struct html_vars *v, struct buf *out,
		  unsigned depth)
{
	struct tag t, close;
	int rc;

	if (depth > HTML_NEST_MAX)
		return E_FORMAT;
	while ((rc = tag_next(p, end, &t)) == 1) {
		buf_add(out, p, (size_t)(t.start - p));
		p = t.after;
		if (t.kind == TAG_CLOSE)
			return E_FORMAT;
		if (t.kind == TAG_VALUE) {
			const struct var *var = var_find(v, t.name);

			if (!var || !var->text)
				return E_FORMAT;
			html_escape(out, var->text);
			continue;
		}
		rc = section_close(p, end, t.name, &close);
		if (!rc)
			rc = render_section(&t, &close, v, out, depth);
		if (rc)
			return rc;
		p = close.after;
	}
	if (rc)
		return rc;
	buf_add(out, p, (size_t)(end - p));
	return E_OK;
}

int html_render(const char *tmpl, const struct html_vars *v, struct buf *out)
{
	const struct html_vars *root = v;
	int rc;

	if (!v)
		return E_NOMEM;
	while (root->outer)
		root = root->outer;
	if (root->failed)
		return E_NOMEM;
	rc = render(tmpl, tmpl + strlen(tmpl), v, out, 0);
	return rc ? rc : buf_error(out);
}
