#include "core/pki/wiping.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

static void *resize(void *p, size_t n, const char *file, int line)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q;

	if (p != NULL && n == 0) {
		give_back(p, file, line);
		return NULL;
	}
	q = malloc(n);
	if (q == NULL || p == NULL)
		return q;
	memcpy(q, p, had < n ? had : n);
	give_back(p, file, line);
	return q;
}

int pki_wiping(void)
{
	return CRYPTO_set_mem_functions(take, resize, give_back) == 1 ? E_OK : E_STATE;
}
