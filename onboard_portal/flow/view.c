#include "onboard_portal/flow/view.h"

#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"

#include <time.h>

#define TEMPLATE_MAX 65536
#define TEMPLATES_MAX 48

struct template
{
	const char *name; /* of the asset */
	struct buf text;
};

struct view {
	struct text *text;
	struct template templates[TEMPLATES_MAX];
	size_t n;
};

static int put_sentence(const struct view *v, const struct asset *a, const char *key, size_t n,
			struct buf *out, struct errmsg *em)
{
	const char *sentence;
	char name[64];

	if (n >= sizeof(name))
		return err_set(em, E_FORMAT, "%s: malformed {{t:...}}", a->name);
	memcpy(name, key, n);
	name[n] = '\0';
	sentence = text_find(v->text, name);
	if (sentence == NULL)
		return err_set(em, E_FORMAT, "%s: no sentence for %s", a->name, name);
	html_escape(out, sentence);
	return E_OK;
}

static int prepare(struct view *v, const struct asset *a, struct errmsg *em)
{
	struct template *t = &v->templates[v->n];
	const char *p = a->data, *open, *end;
	int r;

	if (v->n == TEMPLATES_MAX)
		return err_set(em, E_TOOBIG, "more than %d templates", TEMPLATES_MAX);
	t->name = a->name;
	buf_init(&t->text, TEMPLATE_MAX);
	v->n++;
	while ((open = strstr(p, "{{t:")) != NULL) {
		buf_add(&t->text, p, (size_t)(open - p));
		end = strstr(open, "}}");
		if (end == NULL)
			return err_set(em, E_FORMAT, "%s: {{t: without }}", a->name);
		r = put_sentence(v, a, open + 4, (size_t)(end - open - 4), &t->text, em);
		if (r != E_OK)
			return r;
		p = end + 2;
	}
	buf_adds(&t->text, p);
	return buf_error(&t->text);
}

int view_new(const char *language, struct view **ret, struct errmsg *em)
{
	struct view *v = calloc(1, sizeof(*v));
	const struct asset *catalogue;
	char name[64];
	int r = E_NOMEM;

	if (v == NULL)
		goto out;
	snprintf(name, sizeof(name), "text_%s.txt", language);
	catalogue = asset_find(name);
	if (catalogue == NULL) {
		r = err_set(em, E_NOTFOUND, "no text catalogue %s", name);
		goto out;
	}
	r = text_load(catalogue->data, &v->text, em);
	for (const struct asset *a = portal_assets; r == E_OK && a->name != NULL; a++) {
		const char *dot = strrchr(a->name, '.');

		if (dot != NULL && strcmp(dot, ".html") == 0)
			r = prepare(v, a, em);
	}
out:
	if (r != E_OK) {
		view_free(v);
		return r;
	}
	*ret = v;
	return E_OK;
}

void view_free(struct view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n; i++)
		buf_free(&v->templates[i].text);
	text_unload(v->text);
	free(v);
}

const char *view_text(const struct view *v, const char *key)
{
	const char *sentence = text_find(v->text, key);

	return sentence != NULL ? sentence : key;
}

static int render_one(const struct view *v, const char *name, const struct html_vars *vars,
		      struct buf *out)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < v->n; i++) {
		const struct template *t = &v->templates[i];

		if (strncmp(t->name, name, n) == 0 && strcmp(t->name + n, ".html") == 0)
			return html_render(buf_str(&t->text), vars, out);
	}
	return E_NOTFOUND;
}

int view_render(const struct view *v, const char *name, const struct html_vars *vars,
		struct buf *out)
{
	int r = render_one(v, "head", vars, out);

	if (r == E_OK)
		r = render_one(v, name, vars, out);
	if (r == E_OK)
		r = render_one(v, "foot", vars, out);
	return r == E_OK ? buf_error(out) : r;
}

int view_date(const struct view *v, int64_t t, char *dst, size_t size)
{
	time_t tt = (time_t)t;
	char key[32];
	struct tm tm;
	int n;

	if (gmtime_r(&tt, &tm) == NULL)
		return E_FORMAT;
	snprintf(key, sizeof(key), "month_%d", tm.tm_mon + 1);
	n = snprintf(dst, size, "%d %s %d", tm.tm_mday, view_text(v, key), tm.tm_year + 1900);
	return n > 0 && (size_t)n < size ? E_OK : E_TOOBIG;
}
