#include "scep_ca/signer/seal.h"

#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/base/text.h"

#define SEAL_INPUT_MAX 4096

int seal_make(struct bytes key, const char *profile, const char challenge[HASH_SIZE],
	      const char txn[HASH_SIZE], struct bytes spki, uint8_t out[GRANT_SEAL_SIZE])
{
	struct buf in;
	int r;

	/* No field but the last may hold a line feed, so no two inputs read alike. */
	buf_init(&in, SEAL_INPUT_MAX);
	buf_addf(&in, "scepauth-seal-1\n%s\n%s\n%s\n", profile, challenge, txn);
	buf_add_bytes(&in, spki);
	r = buf_error(&in);
	if (r == E_OK)
		r = digest_hmac_sha256(key, buf_bytes(&in), out);
	buf_free(&in);
	return r;
}

bool seal_verify(struct bytes key, const char *profile, const char challenge[HASH_SIZE],
		 const char txn[HASH_SIZE], struct bytes spki, struct bytes seal)
{
	uint8_t want[GRANT_SEAL_SIZE];
	bool ok;

	if (seal.n != GRANT_SEAL_SIZE ||
	    seal_make(key, profile, challenge, txn, spki, want) != E_OK)
		return false;
	ok = text_ct_equal(want, seal.p, sizeof(want));
	text_wipe(want, sizeof(want));
	return ok;
}
