#include "core/pki/passhash.h"

#include "core/base/text.h"

#include <crypt.h>

_Static_assert(PASSHASH_SIZE >= CRYPT_OUTPUT_SIZE, "a hash must fit");

int passhash_like(const char *password, const char *like, char dst[PASSHASH_SIZE])
{
	struct crypt_data *data = calloc(1, sizeof(*data)); /* 32 KiB: not on a thread's stack */
	const char *hash = data ? crypt_rn(password, like, data, (int)sizeof(*data)) : NULL;
	int rc = E_CRYPTO;

	if (hash && *hash != '*')
		rc = text_copy(dst, PASSHASH_SIZE, hash);
	if (data)
		text_wipe(data, sizeof(*data));
	free(data);
	return rc;
}

int passhash_new(const char *password, char dst[PASSHASH_SIZE])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	/* Cost 0 is the library's default; without bytes of ours it draws the salt from the kernel. */
	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		return E_CRYPTO;
	return passhash_like(password, setting, dst);
}

bool passhash_matches(const char *password, const char *hash)
{
	char got[PASSHASH_SIZE];
	size_t n = strlen(hash);
	bool same;

	if (passhash_like(password, hash, got) != E_OK)
		return false;
	same = strlen(got) == n && text_ct_equal(got, hash, n);
	text_wipe(got, sizeof(got));
	return same;
}
