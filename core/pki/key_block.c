#include "core/pki/key_block.h"

#include "core/base/text.h"

#include <errno.h>

enum { RAW_SIZE = 32, LINE_SIZE = 256 };

struct key_block {
	uint8_t (*v)[RAW_SIZE]; /* sorted */
	size_t n, cap;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, RAW_SIZE);
}

static int add(struct key_block *b, const uint8_t raw[RAW_SIZE])
{
	if (b->n == KEY_BLOCK_MAX)
		return E_TOOBIG;
	if (b->n == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 64;
		uint8_t(*p)[RAW_SIZE] = reallocarray(b->v, cap, sizeof(*p));

		if (!p)
			return E_NOMEM;
		b->v = p;
		b->cap = cap;
	}
	memcpy(b->v[b->n++], raw, RAW_SIZE);
	return E_OK;
}

/* A line that is not understood would be a key that is not blocked. */
static int take_line(struct key_block *b, char *line)
{
	uint8_t raw[RAW_SIZE];
	size_t n = strcspn(line, "\r\n");

	if (line[n] == '\0' && n == LINE_SIZE - 1)
		return E_FORMAT;
	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
	if (n == 0 || line[0] == '#')
		return E_OK;
	if (n != 2 * (size_t)RAW_SIZE || text_unhex(raw, RAW_SIZE, line) != E_OK)
		return E_FORMAT;
	return add(b, raw);
}

int key_block_load(const char *path, struct key_block **ret, struct errmsg *em)
{
	struct key_block *b = calloc(1, sizeof(*b));
	char line[LINE_SIZE];
	int rc = E_OK;
	FILE *f;

	if (!b)
		return err_set(em, E_NOMEM, "%s", err_text(E_NOMEM));
	f = fopen(path, "re");
	if (!f)
		rc = err_set(em, errno == ENOENT ? E_NOTFOUND : E_IO, "%s: %s", path,
			     strerror(errno));
	for (unsigned n = 1; rc == E_OK && fgets(line, sizeof(line), f); n++) {
		rc = take_line(b, line);
		if (rc != E_OK)
			rc = err_set(em, rc, "%s: line %u: %s", path, n,
				     rc == E_FORMAT ? "is no SHA-256 hash in hex" : err_text(rc));
	}
	if (rc == E_OK && ferror(f))
		rc = err_set(em, E_IO, "%s: cannot be read", path);
	if (f)
		fclose(f);
	if (rc != E_OK) {
		key_block_free(b);
		return rc;
	}
	if (b->n > 0)
		qsort(b->v, b->n, sizeof(*b->v), compare);
	*ret = b;
	return E_OK;
}

void key_block_free(struct key_block *b)
{
	if (!b)
		return;
	free(b->v);
	free(b);
}

bool key_block_has(const struct key_block *b, const char *hash)
{
	uint8_t raw[RAW_SIZE];

	if (!b || b->n == 0)
		return false;
	return text_unhex(raw, RAW_SIZE, hash) != E_OK ||
	       bsearch(raw, b->v, b->n, sizeof(*b->v), compare) != NULL;
}
