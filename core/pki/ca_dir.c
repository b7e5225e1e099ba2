#include "core/pki/ca_dir.h"

#include "core/base/text.h"
#include "core/pki/cert.h"
#include "core/pki/pki_file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

int ca_dir_path(const char *beside, const char *part, char dst[CA_DIR_PATH_SIZE], struct errmsg *em)
{
	const char *slash = strrchr(beside, '/');
	int n = snprintf(dst, CA_DIR_PATH_SIZE, "%.*s/%s", slash ? (int)(slash - beside) : 1,
			 slash ? beside : ".", part);

	if (n < 0 || n >= CA_DIR_PATH_SIZE)
		return err_set(em, E_TOOBIG, "%.80s...: path is too long", beside);
	return E_OK;
}

int ca_dir_previous(const char *beside, int64_t *ret_until, struct errmsg *em)
{
	char path[CA_DIR_PATH_SIZE];
	int rc = ca_dir_path(beside, "now/previous/until", path, em);

	return rc == E_OK ? ca_dir_until(path, ret_until, em) : rc;
}

int ca_dir_until(const char *path, int64_t *ret, struct errmsg *em)
{
	struct buf text = {0};
	int rc = pki_file_read(path, false, &text, em);

	if (rc != E_OK)
		return rc;
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.p[text.n - 1] = '\0';
	if (text_int64(buf_str(&text), ret) != E_OK)
		rc = err_set(em, E_CONFIG, "%s: is no time in seconds", path);
	buf_free(&text);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int ca_dir_retired(const char *beside, char ret[CA_DIR_RETIRED_MAX][CA_DIR_ID_SIZE], size_t *ret_n,
		   struct errmsg *em)
{
	char path[CA_DIR_PATH_SIZE];
	const struct dirent *d;
	size_t n = 0;
	DIR *dir;
	int rc = ca_dir_path(beside, "now/retired", path, em);

	if (rc != E_OK)
		return rc;
	dir = opendir(path);
	if (!dir && errno != ENOENT && errno != ENOTDIR)
		return err_set(em, E_IO, "%s: %s", path, strerror(errno));
	while (dir && rc == E_OK && (d = readdir(dir))) {
		if (strspn(d->d_name, "0123456789abcdef") != CA_DIR_ID_SIZE - 1 ||
		    strlen(d->d_name) != CA_DIR_ID_SIZE - 1)
			continue;
		if (n == CA_DIR_RETIRED_MAX)
			rc = err_set(em, E_TOOBIG, "%s: more than %d", path, CA_DIR_RETIRED_MAX);
		else
			rc = text_copy(ret[n++], CA_DIR_ID_SIZE, d->d_name);
	}
	if (dir)
		closedir(dir);
	if (rc != E_OK)
		return rc;
	qsort(ret, n, sizeof(ret[0]), by_name);
	*ret_n = n;
	return E_OK;
}

int ca_dir_id(X509 *ca, char dst[CA_DIR_ID_SIZE])
{
	char ski[AKI_SIZE];
	int rc = cert_ski(ca, ski);

	if (rc != E_OK)
		return rc;
	if (strlen(ski) < CA_DIR_ID_SIZE - 1)
		return E_FORMAT;
	memcpy(dst, ski, CA_DIR_ID_SIZE - 1);
	dst[CA_DIR_ID_SIZE - 1] = '\0';
	return E_OK;
}
