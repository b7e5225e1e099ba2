#include "core/ipc/prom.h"

#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SERIES_MAX = 1024 };

void prom_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_escaped(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++)
		if (*s == '\n')
			buf_addf(b, "\\n");
		else if (*s == '\\' || *s == '"')
			buf_addf(b, "\\%c", *s);
		else
			buf_add(b, s, 1);
}

static void add_series(struct buf *b, const char *name, const char *const *labels)
{
	buf_addf(b, "%s", name);
	for (size_t i = 0; labels != NULL && labels[i] != NULL; i += 2) {
		buf_addf(b, "%c%s=\"", i == 0 ? '{' : ',', labels[i]);
		add_escaped(b, labels[i + 1]);
		buf_addf(b, "\"");
	}
	if (labels != NULL && labels[0] != NULL)
		buf_addf(b, "}");
	buf_addf(b, " ");
}

void prom_line(struct buf *b, const char *name, const char *const *labels, int64_t value)
{
	add_series(b, name, labels);
	buf_addf(b, "%lld\n", (long long)value);
}

void prom_line_text(struct buf *b, const char *name, const char *const *labels, const char *value)
{
	add_series(b, name, labels);
	buf_addf(b, "%s\n", value);
}

static bool value_of(const char *at, int64_t *ret)
{
	size_t n = strcspn(at, "\n");
	char value[24];

	if (n == 0 || n >= sizeof(value))
		return false;
	memcpy(value, at, n);
	value[n] = '\0';
	return text_int64(value, ret) == E_OK;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at == '\n' ? at + 1 : at;
}

bool prom_get(const char *text, const char *name, const char *const *labels, int64_t *ret)
{
	struct buf series;
	bool found = false;

	buf_init(&series, SERIES_MAX);
	add_series(&series, name, labels);
	for (; buf_error(&series) == E_OK && !found && *text != '\0'; text = next_line(text))
		found = strncmp(text, buf_str(&series), series.n) == 0 &&
			value_of(text + series.n, ret);
	buf_free(&series);
	return found;
}

static bool is_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == '{');
}

int64_t prom_sum(const char *text, const char *name)
{
	int64_t sum = 0, v;

	for (; *text != '\0'; text = next_line(text)) {
		const char *end = text + strcspn(text, "\n"), *at = end;

		while (at > text && at[-1] != ' ')
			at--;
		if (is_of(text, name) && value_of(at, &v))
			sum += v;
	}
	return sum;
}

bool prom_label(const char *text, const char *name, const char *label, char *dst, size_t size)
{
	size_t n = strlen(label), k;

	while (*text != '\0' && !is_of(text, name))
		text = next_line(text);
	for (text += strcspn(text, "{\n"); *text == '{' || *text == ',';) {
		bool here =
			strncmp(text + 1, label, n) == 0 && strncmp(text + 1 + n, "=\"", 2) == 0;

		text += 1 + strcspn(text + 1, "\"\n");
		if (*text != '"')
			return false;
		text++;
		for (k = 0; *text != '\0' && *text != '"' && *text != '\n'; text++) {
			text += *text == '\\' && text[1] != '\0' && text[1] != '\n';
			if (here && k + 1 < size)
				dst[k] = *text;
			k++;
		}
		if (here && k < size && *text == '"') {
			dst[k] = '\0';
			return true;
		}
		text += *text == '"';
	}
	return false;
}

int prom_dir(const char *dir, struct errmsg *em)
{
	char above[PATH_MAX];
	struct stat st;
	char *slash;
	int n = snprintf(above, sizeof(above), "%s", dir);

	if (n <= 0 || (size_t)n >= sizeof(above))
		return err_set(em, E_TOOBIG, "path too long: %.200s", dir);
	if (mkdir(dir, 0755) != 0)
		return errno == EEXIST ? E_OK
				       : err_set(em, E_IO, "cannot make the folder %.200s: %s", dir,
						 strerror(errno));
	/* umask 077 is for the rest. */
	slash = strrchr(above, '/');
	if (slash != NULL && slash != above)
		*slash = '\0';
	if (chmod(dir, 0755) != 0 ||
	    (geteuid() == 0 && slash != NULL &&
	     (stat(above, &st) != 0 || lchown(dir, st.st_uid, st.st_gid) != 0)))
		return err_set(em, E_IO, "cannot make the folder %.200s: %s", dir, strerror(errno));
	return E_OK;
}

int prom_write(const char *dir, const char *name, const struct buf *b, struct errmsg *em)
{
	char path[PATH_MAX], part[PATH_MAX];
	const char *text = buf_str(b);
	size_t done = 0;
	ssize_t n = 0;
	int fd;

	if (buf_error(b) != E_OK)
		return buf_error(b);
	/* The collector reads what ends in .prom. */
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_MAX ||
	    snprintf(part, sizeof(part), "%s/%s.tmp", dir, name) >= PATH_MAX)
		return err_set(em, E_TOOBIG, "path too long: %.200s", dir);
	(void)unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(em, E_IO, "cannot write %.200s: %s", part, strerror(errno));
	n = fchmod(fd, 0644);
	while (n >= 0 && done < b->n) {
		n = write(fd, text + done, b->n - done);
		done += n > 0 ? (size_t)n : 0;
		n = n < 0 && errno == EINTR ? 0 : n == 0 ? -1 : n;
	}
	if (close(fd) != 0 || n < 0 || rename(part, path) != 0) {
		int rc = err_set(em, E_IO, "cannot write %.200s: %s", path, strerror(errno));

		(void)unlink(part);
		return rc;
	}
	return E_OK;
}
