#include "core/pki/cms_sign.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>

enum { CMS_FLAGS = CMS_BINARY | CMS_NOSMIMECAP };

static CMS_ContentInfo *build(X509 *signer, EVP_PKEY *key, X509 *const *chain, size_t n_chain,
			      BIO *in)
{
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_FLAGS | CMS_PARTIAL);

	if (!cms || !CMS_add1_signer(cms, signer, key, EVP_sha256(), CMS_FLAGS))
		goto fail;
	for (size_t i = 0; i < n_chain; i++)
		if (X509_cmp(chain[i], signer) != 0 && CMS_add1_cert(cms, chain[i]) != 1)
			goto fail;
	if (CMS_final(cms, in, NULL, CMS_FLAGS) == 1)
		return cms;
fail:
	CMS_ContentInfo_free(cms);
	return NULL;
}

int cms_sign_attached(X509 *signer, EVP_PKEY *key, X509 *const *chain, size_t n_chain,
		      struct bytes content, struct buf *out)
{
	CMS_ContentInfo *cms = NULL;
	uint8_t *der = NULL;
	BIO *in = NULL;
	int n, rc = E_CRYPTO;

	if (content.n > INT_MAX || X509_check_private_key(signer, key) != 1)
		goto out;
	in = BIO_new_mem_buf(content.n ? content.p : (const uint8_t *)"", (int)content.n);
	if (in)
		cms = build(signer, key, chain, n_chain, in);
	if (!cms)
		goto out;
	n = i2d_CMS_ContentInfo(cms, &der);
	if (n <= 0)
		goto out;
	buf_add(out, der, (size_t)n);
	rc = buf_error(out);
out:
	ERR_clear_error();
	OPENSSL_free(der);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return rc;
}
