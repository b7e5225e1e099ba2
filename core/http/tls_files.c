#include "core/http/tls_files.h"
#include "core/base/conf.h"
#include "core/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TLS_FILE_MAX (256 * 1024)

/* A file that is being written. GnuTLS leaks what it has read before it finds that the rest is missing. */
static bool is_whole(const char *pem)
{
	const char *begin = "-----BEGIN CERTIFICATE-----", *end = "-----END CERTIFICATE-----";

	for (const char *at = strstr(pem, begin); at; at = strstr(at + 1, begin)) {
		const char *to = strstr(at, end), *next = strstr(at + 1, begin);

		if (!to || (next && next < to))
			return false;
	}
	return true;
}

int tls_cert_read(const char *path, char **ret, struct errmsg *em)
{
	char *p = NULL;
	struct stat st;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size > TLS_FILE_MAX) {
		err_set(em, E_CONFIG, "%s: web certificate cannot be read: %s", path,
			fd < 0 ? strerror(errno) : "no regular file, or too large");
	} else {
		p = calloc(1, (size_t)st.st_size + 1);
		n = p ? read(fd, p, (size_t)st.st_size) : -1;
		if (n < 0)
			err_set(em, E_CONFIG, "%s: web certificate cannot be read", path);
	}
	if (fd >= 0)
		close(fd);
	if (n >= 0 && !is_whole(p))
		n = err_set(em, E_CONFIG, "%s: web certificate is cut short", path);
	if (n < 0) {
		free(p);
		return E_CONFIG;
	}
	*ret = p;
	return E_OK;
}

int tls_key_read(const char *path, char **ret, size_t *ret_n, struct errmsg *em)
{
	uint8_t *raw = NULL;
	char *text = NULL;
	size_t n = 0;
	int rc = conf_secret(path, TLS_FILE_MAX, &raw, &n, em);

	if (rc)
		return rc;
	text = calloc(1, n + 1);
	if (text)
		memcpy(text, raw, n);
	text_wipe(raw, n);
	free(raw);
	if (!text)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	*ret = text;
	*ret_n = n;
	return E_OK;
}
