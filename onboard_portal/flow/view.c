#include "onboard_portal/flow/view.h"

#include "core/base/text.h"
#include "onboard_portal/flow/assets.h"
#include "onboard_portal/flow/language.h"

#include <time.h>

#define TEMPLATE_MAX 65536
#define TEMPLATES_MAX 48

struct template
{
	const char *name; /* of the asset */
	struct buf text;
};

struct view {
	struct text *own; /* what a place says in its own words; or NULL */
	struct text *text;
	struct text *first; /* what it has no sentence for; NULL in the first language itself */
	struct template templates[TEMPLATES_MAX];
	size_t n;
};

static const char *find(const struct view *v, const char *key)
{
	const char *sentence = v->own != NULL ? text_find(v->own, key) : NULL;

	if (sentence == NULL)
		sentence = text_find(v->text, key);
	return sentence == NULL && v->first != NULL ? text_find(v->first, key) : sentence;
}

static int put_sentence(const struct view *v, const struct asset *a, const char *key, size_t n,
			struct buf *out, struct errmsg *em)
{
	const char *sentence;
	char name[64];

	if (n >= sizeof(name))
		return err_set(em, E_FORMAT, "%s: malformed {{t:...}}", a->name);
	memcpy(name, key, n);
	name[n] = '\0';
	sentence = find(v, name);
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

static int load(const char *language, struct text **ret, struct errmsg *em)
{
	const struct asset *catalogue;
	char name[64];

	snprintf(name, sizeof(name), "text_%s.txt", language);
	catalogue = asset_find(name);
	return catalogue == NULL ? err_set(em, E_NOTFOUND, "no text catalogue %s", name)
				 : text_load(catalogue->data, ret, em);
}

static int load_own(struct view *v, const char *own, struct errmsg *em)
{
	static const char *const fixed[] = {"lang", "lang_name", "dir"};
	int r = text_load(own, &v->own, em);

	for (size_t i = 0; r == E_OK && i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (text_find(v->own, fixed[i]) != NULL)
			r = err_set(em, E_FORMAT, "\"%s\" stays as it is", fixed[i]);
	return r == E_OK ? text_fits(v->own, v->text, v->first != NULL ? v->first : v->text, em)
			 : r;
}

int view_new(const char *language, struct view **ret, struct errmsg *em)
{
	return view_new_with(language, NULL, ret, em);
}

int view_new_with(const char *language, const char *own, struct view **ret, struct errmsg *em)
{
	struct view *v = calloc(1, sizeof(*v));
	int r = E_NOMEM;

	if (v == NULL)
		goto out;
	r = load(language, &v->text, em);
	if (r == E_OK && strcmp(language, LANGUAGE_FIRST) != 0)
		r = load(LANGUAGE_FIRST, &v->first, em);
	if (r == E_OK && own != NULL)
		r = load_own(v, own, em);
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
	text_unload(v->own);
	text_unload(v->text);
	text_unload(v->first);
	free(v);
}

const char *view_text(const struct view *v, const char *key)
{
	const char *sentence = find(v, key);

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
	struct html_vars *parts = html_vars_new();
	time_t tt = (time_t)t;
	char key[32];
	struct buf out;
	struct tm tm;
	int r = E_FORMAT;

	buf_init(&out, size);
	if (parts == NULL || gmtime_r(&tt, &tm) == NULL)
		goto out;
	snprintf(key, sizeof(key), "month_%d", tm.tm_mon + 1);
	html_set(parts, "month", view_text(v, key));
	html_setf(parts, "day", "%d", tm.tm_mday);
	html_setf(parts, "year", "%d", tm.tm_year + 1900);
	r = html_render(view_text(v, "date"), parts, &out);
	if (r == E_OK)
		r = text_copy(dst, size, buf_str(&out));
out:
	buf_free(&out);
	html_vars_free(parts);
	return r;
}
