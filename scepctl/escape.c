#include "scepctl/escape.h"

#include "core/base/text.h"

static void quoted(struct buf *out, const char *value, const char *special)
{
	buf_addc(out, '"');
	for (const char *p = value; *p; p++) {
		if (strchr(special, *p))
			buf_addc(out, '\\');
		buf_addc(out, *p);
	}
	buf_addc(out, '"');
}

void escape_confuse(struct buf *out, const char *value)
{
	quoted(out, value, "\"\\$"); /* "${NAME}" would read the environment */
}

void escape_redis(struct buf *out, const char *value)
{
	quoted(out, value, "\"\\");
}

void escape_radius(struct buf *out, const char *value)
{
	quoted(out, value, "\"\\");
}

const char *escape_shell(char dst[ESCAPE_SHELL_SIZE], const char *path)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:,@%=";
	size_t n = 0;

	dst[0] = '\0';
	if (strlen(path) >= ESCAPE_SHELL_SIZE / 4 - 1)
		return dst;
	if (*path && strspn(path, plain) == strlen(path)) {
		memcpy(dst, path, strlen(path) + 1);
		return dst;
	}
	dst[n++] = '\'';
	for (; *path; path++) {
		if (*path == '\'') {
			memcpy(dst + n, "'\\'", 3);
			n += 3;
		}
		dst[n++] = *path;
	}
	dst[n++] = '\'';
	dst[n] = '\0';
	return dst;
}

bool escape_is_path(const char *path)
{
	if (path[0] != '/' || !text_is_plain(path, 4000) || strpbrk(path, "\"'`\\$%{}"))
		return false;
	for (const char *p = path; (p = strstr(p, "/..")); p += 3)
		if (p[3] == '/' || p[3] == '\0')
			return false;
	return true;
}

static const char *lookup(const char *name, size_t n, const char *const *vars)
{
	for (; vars[0]; vars += 2)
		if (strlen(vars[0]) == n && strncmp(vars[0], name, n) == 0)
			return vars[1];
	return NULL;
}

/* Length of NAME in "@NAME@" at p, or 0. */
static size_t name_length(const char *p)
{
	size_t n = 0;

	if (*p != '@')
		return 0;
	while ((p[1 + n] >= 'A' && p[1 + n] <= 'Z') || (p[1 + n] >= 'a' && p[1 + n] <= 'z') ||
	       p[1 + n] == '_')
		n++;
	return p[1 + n] == '@' ? n : 0;
}

int escape_fill(struct buf *out, const char *templ, const char *const *vars, struct errmsg *em)
{
	for (const char *p = templ; *p;) {
		size_t n = name_length(p);
		const char *value;
		bool alone;

		if (n == 0) {
			buf_addc(out, *p++);
			continue;
		}
		value = lookup(p + 1, n, vars);
		if (!value)
			return err_set(em, E_FORMAT, "template wants @%.*s@, which nobody fills",
				       n > 60 ? 60 : (int)n, p + 1);
		alone = (p == templ || p[-1] == '\n') && p[n + 2] == '\n';
		for (const char *v = value; *v; v++)
			if (((unsigned char)*v < ' ' || *v == 0x7f) && !(alone && *v == '\n'))
				return err_set(em, E_FORMAT,
					       "value of @%.*s@ holds a control character", (int)n,
					       p + 1);
		buf_adds(out, value);
		p += n + 2;
	}
	return buf_error(out) == E_OK ? E_OK
				      : err_set(em, buf_error(out), "%s", err_text(buf_error(out)));
}
