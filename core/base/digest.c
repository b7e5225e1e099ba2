#include "core/base/digest.h"

#include "core/base/text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>

static EVP_MD *fetched;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
	ERR_clear_error();
}

/* EVP_sha256() is looked up anew for each digest, which takes as long as a short one does. */
static const EVP_MD *sha256(void)
{
	return pthread_once(&once, fetch) == 0 && fetched ? fetched : EVP_sha256();
}

static int digest(const EVP_MD *md, struct bytes in, uint8_t *out, unsigned size)
{
	uint8_t value[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(in.n ? in.p : (const uint8_t *)"", in.n, value, &n, md, NULL) != 1 ||
	    n != size) {
		ERR_clear_error();
		return E_CRYPTO;
	}
	memcpy(out, value, size);
	return E_OK;
}

int digest_sha1(struct bytes in, uint8_t out[20])
{
	return digest(EVP_sha1(), in, out, 20);
}

int digest_sha256(struct bytes in, uint8_t out[DIGEST_SIZE])
{
	return digest(sha256(), in, out, 32);
}

static int digest_parts(const EVP_MD *md, const struct bytes *parts, size_t n, uint8_t *out,
			size_t size)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1;
	uint8_t value[EVP_MAX_MD_SIZE];

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, value, NULL) == 1;
	if (ok)
		memcpy(out, value, size);
	else
		ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	return ok ? E_OK : E_CRYPTO;
}

int digest_sha256_parts(const struct bytes *parts, size_t n, uint8_t out[DIGEST_SIZE])
{
	return digest_parts(sha256(), parts, n, out, DIGEST_SIZE);
}

int digest_md5_parts(const struct bytes *parts, size_t n, uint8_t out[16])
{
	return digest_parts(EVP_md5(), parts, n, out, 16);
}

int digest_sha256_hex(struct bytes in, char out[DIGEST_HEX_SIZE])
{
	uint8_t value[32];
	int rc = digest_sha256(in, value);

	if (rc == E_OK)
		text_hex(out, value, sizeof(value));
	return rc;
}

static int hmac(const char *md, struct bytes key, struct bytes in, uint8_t *out, size_t size)
{
	uint8_t value[EVP_MAX_MD_SIZE];
	size_t n = 0;
	bool ok;

	/* HMAC takes an empty key without complaint; here it can only be a secret that was never read. */
	if (key.n == 0)
		return E_CRYPTO;
	ok = EVP_Q_mac(NULL, "HMAC", NULL, md, NULL, key.p, key.n,
		       in.n ? in.p : (const uint8_t *)"", in.n, value, sizeof(value), &n) != NULL;
	if (ok && n == size)
		memcpy(out, value, size);
	text_wipe(value, sizeof(value));
	if (ok && n == size)
		return E_OK;
	ERR_clear_error();
	return E_CRYPTO;
}

int digest_hmac_sha256(struct bytes key, struct bytes in, uint8_t out[DIGEST_SIZE])
{
	return hmac("SHA256", key, in, out, DIGEST_SIZE);
}

int digest_hmac_md5(struct bytes key, struct bytes in, uint8_t out[16])
{
	return hmac("MD5", key, in, out, 16);
}
