#include "core/base/rnd.h"
#include "core/base/text.h"

#include <errno.h>
#include <sys/random.h>

#define RND_ID_MAX 64

int rnd_bytes(void *p, size_t n)
{
	uint8_t *out = p;

	while (n) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			return E_IO;
		}
		out += got;
		n -= (size_t)got;
	}
	return E_OK;
}

int rnd_id(char *dst, size_t size, const char *prefix, size_t n)
{
	uint8_t raw[RND_ID_MAX];
	size_t len = strlen(prefix);
	int rc;

	if (n > sizeof(raw) || size < 2 * n + 1 || len > size - 2 * n - 1)
		return E_TOOBIG;
	rc = rnd_bytes(raw, n);
	if (rc)
		return rc;
	memcpy(dst, prefix, len);
	text_hex(dst + len, raw, n);
	text_wipe(raw, sizeof(raw));
	return E_OK;
}
