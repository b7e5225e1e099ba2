#include "onboard_portal/daemon/looks.h"

#include "core/base/log.h"
#include "onboard_portal/flow/assets.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXTS_MAX (256 * 1024)

static _Thread_local struct looks *mine;

static const char *setting(const struct portal *p, const char *key)
{
	return conf_str(p->conf, "theme", NULL, key);
}

/* A regular file, whole. E_NOTFOUND when there is none. */
static int read_file(const char *path, size_t max, struct buf *out, struct errmsg *em)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = errno;
	struct stat st;
	char part[4096];
	ssize_t n = 0;

	if (fd < 0)
		return err_set(em, err == ENOENT ? E_NOTFOUND : E_CONFIG, "%s: %s", path,
			       strerror(err));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uintmax_t)st.st_size > max) {
		close(fd);
		return err_set(em, E_CONFIG, "%s: not a file of at most %zu bytes", path, max);
	}
	buf_init(out, max);
	while ((n = read(fd, part, sizeof(part))) > 0)
		buf_add(out, part, (size_t)n);
	close(fd);
	if (n < 0 || buf_error(out) != E_OK) {
		buf_free(out);
		return err_set(em, E_CONFIG, "%s: cannot be read", path);
	}
	return E_OK;
}

static int open_texts(const struct portal *p, struct looks *l, struct errmsg *em)
{
	const char *folder = conf_path(p->conf, "theme", NULL, "texts");
	char path[4096];
	int r = E_OK;

	for (size_t i = 0; r == E_OK && i < p->n_languages; i++) {
		struct errmsg why = {0};
		struct buf own = {0};

		snprintf(path, sizeof(path), "%s/text_%s.txt", folder, p->languages[i]);
		r = *folder != '\0' ? read_file(path, TEXTS_MAX, &own, &why) : E_NOTFOUND;
		if (r == E_OK && strlen(buf_str(&own)) != own.n)
			r = err_set(&why, E_CONFIG, "%s: there are NUL bytes in it", path);
		if (r == E_OK || r == E_NOTFOUND) {
			r = view_new_with(p->languages[i], r == E_OK ? buf_str(&own) : NULL,
					  &l->views[i], &why);
			l->n_views = i + 1;
			if (r == E_FORMAT)
				r = err_set(em, E_CONFIG, "theme: %s: %s", path, why.text);
		}
		if (r != E_OK && *em->text == '\0')
			*em = why;
		buf_free(&own);
	}
	return r;
}

static int open_colours(const struct portal *p, struct looks *l, struct errmsg *em)
{
	const struct theme_colours c = {
		.accent = setting(p, "accent"),
		.accent_dark = setting(p, "accent-dark"),
		.background = setting(p, "background"),
		.background_dark = setting(p, "background-dark"),
	};
	const struct asset *css = asset_find("portal.css");

	buf_init(&l->css, TEXTS_MAX);
	return css == NULL ? E_INTERNAL : theme_css(css->data, &c, &l->css, &l->mark, em);
}

static int open_logo(const struct portal *p, struct looks *l, struct errmsg *em)
{
	const char *path = conf_path(p->conf, "theme", NULL, "logo");
	int r;

	if (*path == '\0')
		return E_OK;
	r = read_file(path, THEME_LOGO_MAX, &l->logo, em);
	if (r == E_NOTFOUND)
		r = E_CONFIG;
	return r == E_OK ? theme_logo(buf_bytes(&l->logo), &l->kind, em) : r;
}

static void looks_free(struct looks *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n_views; i++)
		view_free(l->views[i]);
	buf_free(&l->css);
	buf_free(&l->logo);
	free(l);
}

static int looks_new(const struct portal *p, struct looks **ret, struct errmsg *em)
{
	struct looks *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	r = open_texts(p, l, em);
	if (r == E_OK)
		r = open_colours(p, l, em);
	if (r == E_OK)
		r = open_logo(p, l, em);
	if (r != E_OK) {
		looks_free(l);
		return r;
	}
	l->users = 1;
	*ret = l;
	return E_OK;
}

int looks_open(struct portal *p, struct errmsg *em)
{
	return looks_new(p, &p->looks, em);
}

void looks_close(struct portal *p)
{
	looks_free(p->looks);
	p->looks = NULL;
}

static void leave(struct portal *p, struct looks *l)
{
	bool last;

	pthread_mutex_lock(&p->lock);
	last = --l->users == 0;
	pthread_mutex_unlock(&p->lock);
	if (last)
		looks_free(l);
}

void looks_reload(struct portal *p)
{
	struct looks *fresh = NULL, *before;
	struct errmsg em = {0};

	if (looks_new(p, &fresh, &em) != E_OK) {
		log_error("SIGHUP: %s; the pages look as before", em.text);
		return;
	}
	pthread_mutex_lock(&p->lock);
	before = p->looks;
	p->looks = fresh;
	pthread_mutex_unlock(&p->lock);
	leave(p, before);
}

void looks_begin(struct portal *p)
{
	pthread_mutex_lock(&p->lock);
	mine = p->looks;
	mine->users++;
	pthread_mutex_unlock(&p->lock);
}

void looks_end(struct portal *p)
{
	struct looks *l = mine;

	mine = NULL;
	if (l != NULL)
		leave(p, l);
}

const struct looks *looks_now(const struct portal *p)
{
	return mine != NULL ? mine : p->looks;
}
