#include "auto_revoke/front/tokens.h"

#include "core/base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LINE_SIZE = 256, TOKEN_MAX = 512 };

static int line_read(const char *line, struct token *ret)
{
	char name[NAME_SIZE], hash[DIGEST_HEX_SIZE], created[24], rest;
	struct token t = {.used = 0};

	if (sscanf(line, "%32s %64s %20s %c", name, hash, created, &rest) != 3 ||
	    !text_is_name(name, NAME_SIZE - 1) ||
	    text_unhex(t.hash, sizeof(t.hash), hash) != E_OK ||
	    text_int64(created, &t.created) != E_OK)
		return E_FORMAT;
	memcpy(t.name, name, strlen(name) + 1);
	*ret = t;
	return E_OK;
}

static int file_read(struct tokens *t, FILE *f, struct errmsg *em)
{
	struct token v[TOKENS_MAX];
	char line[LINE_SIZE];
	size_t n = 0;
	int rc = E_OK;

	while (rc == E_OK && fgets(line, sizeof(line), f) != NULL)
		rc = n == TOKENS_MAX || line_read(line, &v[n++]) != E_OK ? E_FORMAT : E_OK;
	if (rc != E_OK || ferror(f))
		return err_set(em, E_FORMAT, "%.200s: line %zu is no token", t->path, n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->n; k++)
			if (memcmp(v[i].hash, t->v[k].hash, DIGEST_SIZE) == 0)
				v[i].used = t->v[k].used;
	memcpy(t->v, v, n * sizeof(*v));
	t->n = n;
	return E_OK;
}

int tokens_refresh(struct tokens *t, struct errmsg *em)
{
	struct stat st;
	FILE *f;
	int rc = E_OK;

	if (stat(t->path, &st) != 0) {
		t->n = 0;
		t->seen = (struct stat){.st_ino = 0};
		return err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%.200s: %s", t->path,
			       strerror(errno));
	}
	if (st.st_ino == t->seen.st_ino && st.st_size == t->seen.st_size &&
	    st.st_mtim.tv_sec == t->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == t->seen.st_mtim.tv_nsec)
		return E_OK;
	f = fopen(t->path, "re");
	if ((st.st_mode & 077) != 0)
		rc = err_set(em, E_DENIED, "%.200s: others have rights on it; chmod 600", t->path);
	else
		rc = f != NULL ? file_read(t, f, em)
			       : err_set(em, E_IO, "%.200s: %s", t->path, strerror(errno));
	if (f != NULL)
		(void)fclose(f);
	if (rc != E_OK)
		t->n = 0;
	t->seen = rc == E_OK ? st : (struct stat){.st_ino = 0};
	return rc;
}

struct token *tokens_find(struct tokens *t, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	uint8_t hash[DIGEST_SIZE];
	struct token *found = NULL;
	size_t n = sizeof(scheme) - 1;

	if (authorization == NULL || strncasecmp(authorization, scheme, n) != 0 ||
	    strlen(authorization) > TOKEN_MAX)
		return NULL;
	authorization += n;
	authorization += strspn(authorization, " ");
	if (digest_sha256(bytes_str(authorization), hash) != E_OK)
		return NULL;
	for (size_t i = 0; i < t->n; i++)
		if (text_ct_equal(hash, t->v[i].hash, DIGEST_SIZE))
			found = &t->v[i];
	return found;
}
